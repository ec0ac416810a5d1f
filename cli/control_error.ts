/**
 * What a person is told when the Control API refuses a call or cannot be reached. Flower 1.25.0's
 * CLI matches on the same statuses and texts (`control-and-cli.md` section 2.1 has the table).
 *
 * @module
 */

import { declaredIn, type SuperLinkConnection } from "../config/connection.ts";
import { ExitError } from "../terminal/errors.ts";
import { printable } from "../terminal/display_width.ts";
import { formatAddress } from "../wire/address.ts";
import { diagnoseConnection } from "../wire/diagnose.ts";
import { StatusError } from "../wire/status.ts";
import { connectionRemedy } from "./connection_remedies.ts";

/** Turns any error of a Control API call into one for a person. */
export async function controlError(
  error: unknown,
  connection: SuperLinkConnection,
): Promise<unknown> {
  if (!(error instanceof StatusError)) return error;
  if (error.status === "UNAVAILABLE" || error.status === "DEADLINE_EXCEEDED") {
    return await connectionError(error, connection);
  }
  const [message, remedy] = refusal(error, connection);
  return new ExitError(message, { cause: error, ...(remedy === undefined ? {} : { remedy }) });
}

type Sentences = readonly [message: string, remedy?: string];

const KNOWN_DETAILS: Readonly<Record<string, Sentences>> = {
  "Run ID not found": ["The SuperLink has no run with this ID.", "List them with `trellis ls`."],
  "Run is already finished": ["The run is already finished.", "`trellis ls` says how it ended."],
  "Node ID not found for account": [
    "The SuperLink has no SuperNode with this ID, or it was unregistered, or is not yours.",
    "List them with `trellis supernode list --verbose`.",
  ],
  "Public key already in use": [
    "The public key is already in use by another SuperNode, or was before.",
    "A key can be registered once only, ever. Make a new one with `trellis keys generate`.",
  ],
  "The provided public key is not valid": [
    "The SuperLink does not accept the public key.",
    "Use an ECDSA key on P-256, P-384 or P-521, as `trellis keys generate` makes.",
  ],
  "Not authenticated": [
    "The SuperLink asks who calls its Control API, and does not know you.",
    "Log in with `trellis login`, or set TRELLIS_TOKEN to a token that one of its admins gave you.",
  ],
  "Cannot pull artifacts for an unfinished run": [
    "The run is not finished yet, and only a finished run has artifacts.",
    "Look at its status with `trellis ls`.",
  ],
  "ControlServicer initialized without artifact provider": [
    "This SuperLink keeps no artifacts, so there is nothing to pull.",
  ],
  "ControlServicer initialized without account authentication": [
    "Account authentication is not enabled on this SuperLink.",
  ],
};

function refusal(error: StatusError, connection: SuperLinkConnection): Sentences {
  const { status } = error;
  const details = publicDetails(printable(error.message).trim());
  const known = KNOWN_DETAILS[details.replace(/\.$/, "")];
  if (known) return known;
  if (/^Run ID \d+ is already finished$/.test(details)) {
    return [`${details}.`, "`trellis ls` says how it ended."];
  }
  switch (status) {
    case "UNAUTHENTICATED":
      return [
        `The SuperLink asks for an account: ${details}`,
        "Accounts belong to Flower's own service; use `flwr login` and `flwr` for it.",
      ];
    case "PERMISSION_DENIED":
      return [`Permission denied: ${withoutSigns(details)}`];
    case "INTERNAL":
      if (!details.startsWith("Response message parsing error")) break;
      return [
        `The answer of the server at ${formatAddress(connection.address)} cannot be read.`,
        "This CLI speaks the protocols of Flower 1.25 and 1.41; use the `flwr` of that SuperLink's " +
        "version.",
      ];
    case "FAILED_PRECONDITION":
    case "NOT_FOUND":
    case "INVALID_ARGUMENT":
    case "RESOURCE_EXHAUSTED":
      return /^Federation .*(not found|does not exist)/i.test(details)
        ? [details, federationRemedy(connection)]
        : [withoutSigns(details) || `The SuperLink refused with ${status}.`];
    case "UNIMPLEMENTED":
      return [
        `The server at ${
          formatAddress(connection.address)
        } cannot process this request: ${details}`,
        "Check that the address is that of its Control API (port 9093 by default, and 8000 from " +
        "Flower 1.37 on), and that it is a SuperLink of Flower 1.24 or newer, or of Trellis.",
      ];
  }
  return [
    `The server at ${formatAddress(connection.address)} answered ${status}: ${details}`,
    "Check that the address is that of a SuperLink's Control API, and look at its log.",
  ];
}

function federationRemedy({ source }: SuperLinkConnection): string {
  return `Set \`federation\` in ${declaredIn(source)} to the name of one of the ` +
    "SuperLink's federations: `default`, or `@none/default` from Flower 1.26 on.";
}

/** From Flower 1.33 on, details are JSON: `{"code": 16, "public_message": "Run ID not found."}`. */
function publicDetails(details: string): string {
  if (!details.startsWith("{")) return details;
  try {
    const parsed: unknown = JSON.parse(details);
    const message: unknown = Reflect.get(Object(parsed), "public_message");
    const more: unknown = Reflect.get(Object(parsed), "public_details");
    if (typeof message !== "string") return details;
    return typeof more === "string" && more !== "" ? `${message} ${more}` : message;
  } catch {
    return details;
  }
}

async function connectionError(
  error: StatusError,
  connection: SuperLinkConnection,
): Promise<ExitError> {
  const { address, security, source } = connection;
  const problem = await diagnoseConnection(address, security, { transport: "auto" });
  if (problem) {
    const remedy = connectionRemedy(problem.kind, source);
    return new ExitError(problem.sentence, { cause: error, remedy });
  }
  const details = printable(error.message);
  const sentence = error.status === "UNAVAILABLE"
    ? `The SuperLink at ${formatAddress(address)} is not available: ${details}`
    : `The SuperLink at ${formatAddress(address)} did not answer in time.`;
  return new ExitError(sentence, { cause: error, remedy: "Try again, and look at its log." });
}

/** Flower starts some texts with an emoji. */
function withoutSigns(details: string): string {
  return details.replace(/^[\p{Extended_Pictographic}\ufe0f\s]+/u, "");
}
