import { assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import type { SuperLinkConnection } from "../config/connection.ts";
import { ExitError } from "../terminal/errors.ts";
import { StatusError, type StatusName } from "../wire/status.ts";
import { controlError } from "./control_error.ts";

const CONNECTION: SuperLinkConnection = {
  source: {
    name: "f",
    header: "[tool.flwr.federations.f]",
    file: "pyproject.toml",
    directory: ".",
  },
  address: { host: "127.0.0.1", port: 9 },
  security: { insecure: true },
  federation: "default",
  options: new Map(),
};

Deno.test("every refusal of the Control API has a sentence, and a remedy where there is one", async () => {
  const cases: readonly (readonly [StatusName, string, string, string])[] = [
    ["UNAUTHENTICATED", "Access denied", "asks for an account: Access denied", "flwr login"],
    ["UNIMPLEMENTED", "Method not found!", "cannot process this request", "Control API"],
    [
      "UNIMPLEMENTED",
      "ControlServicer initialized without artifact provider",
      "nothing to pull",
      "",
    ],
    [
      "UNIMPLEMENTED",
      "ControlServicer initialized without account authentication",
      "Account authentication is not enabled",
      "",
    ],
    ["PERMISSION_DENIED", "⛔️ Run ID does not belong to the account", "denied: Run ID does", ""],
    ["NOT_FOUND", "Run ID not found", "no run with this ID", "trellis ls"],
    ["NOT_FOUND", "Run ID not found.", "no run with this ID", "trellis ls"],
    ["NOT_FOUND", "Node ID not found for account", "no SuperNode with this ID", "supernode list"],
    [
      "FAILED_PRECONDITION",
      "Cannot pull artifacts for an unfinished run",
      "not finished yet",
      "trellis ls",
    ],
    ["FAILED_PRECONDITION", "Run ID 7 is already finished", "7 is already finished.", "trellis ls"],
    ["FAILED_PRECONDITION", "Public key already in use", "already in use", "keys generate"],
    [
      "FAILED_PRECONDITION",
      "The provided public key is not valid",
      "does not accept the public key",
      "P-384",
    ],
    [
      "FAILED_PRECONDITION",
      "Federation 'x' does not exist.",
      "Federation 'x' does not exist.",
      "Set `federation` in [tool.flwr.federations.f]",
    ],
    [
      "NOT_FOUND",
      '{"code": 16, "public_message": "Run ID not found.", "public_details": null}',
      "no run with this ID",
      "trellis ls",
    ],
    [
      "FAILED_PRECONDITION",
      '{"code": 15, "public_message": "Invalid run.", "public_details": "No name."}',
      "Invalid run. No name.",
      "",
    ],
    ["FAILED_PRECONDITION", '{"code": 1}', '"code": 1', ""],
    ["FAILED_PRECONDITION", "{broken", "broken", ""],
    [
      "INTERNAL",
      "Response message parsing error: illegal tag",
      "cannot be read",
      "protocols of Flower 1.25",
    ],
    ["FAILED_PRECONDITION", "", "refused with FAILED_PRECONDITION", ""],
    ["UNKNOWN", "Exception calling application: x", "answered UNKNOWN", "look at its log"],
    ["INTERNAL", "Received RST_STREAM", "answered INTERNAL", "Control API"],
  ];
  for (const [status, details, message, remedy] of cases) {
    const error = await controlError(new StatusError(status, details), CONNECTION);
    assertInstanceOf(error, ExitError);
    assertStringIncludes(error.message, message);
    assertStringIncludes(error.remedy ?? "", remedy);
    assertEquals([error.exitCode, error.remedy === undefined], [1, remedy === ""], details);
  }
});

Deno.test("what a SuperLink says cannot drive the terminal", async () => {
  const error = await controlError(new StatusError("NOT_FOUND", "a\x1b[2Jb\nc"), CONNECTION);
  assertInstanceOf(error, ExitError);
  assertEquals(error.message, "a\ufffd[2Jb c");
});

Deno.test("a SuperLink that is down is named with the place of its address", async () => {
  for (const status of ["UNAVAILABLE", "DEADLINE_EXCEEDED"] as const) {
    const error = await controlError(new StatusError(status, "No connection"), CONNECTION);
    assertInstanceOf(error, ExitError);
    assertEquals(error.message, "Nothing listens on 127.0.0.1:9.");
    assertStringIncludes(error.remedy ?? "", '[tool.flwr.federations.f] of "pyproject.toml"');
  }
});

Deno.test("what a command line named is put right on the command line", async () => {
  const source = { name: "f", header: "the command line", file: undefined, directory: "." };
  const error = await controlError(new StatusError("UNAVAILABLE", ""), { ...CONNECTION, source });
  assertInstanceOf(error, ExitError);
  assertEquals(error.remedy, "Start the SuperLink, or correct --superlink.");
});

Deno.test("an error that is no answer of a SuperLink stays as it is", async () => {
  const error = new TypeError("x");
  assertEquals(await controlError(error, CONNECTION), error);
});
