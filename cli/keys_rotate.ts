/**
 * `keys rotate`: a SuperNode replaces its own key, by the old key's signature.
 *
 * @module
 */

import { signHandover } from "../keys/key_rotation.ts";
import { readPrivateKeyFile } from "../keys/key_files.ts";
import { ProofSigner } from "../keys/proof.ts";
import { spkiPem } from "../keys/public_key.ts";
import { NodeKeys } from "../proto/gen/trellis/v1/node_keys_pb.ts";
import { printable } from "../terminal/display_width.ts";
import { ExitError, UsageError } from "../terminal/errors.ts";
import { formatAddress } from "../wire/address.ts";
import { diagnoseConnection } from "../wire/diagnose.ts";
import { StatusError } from "../wire/status.ts";
import { offeredTransport } from "../wire/transport.ts";
import { versionMetadata } from "../wire/version_metadata.ts";
import type { SuperLinkConnection } from "../config/connection.ts";
import type { Command } from "./command_tree.ts";
import { connectionRemedy } from "./connection_remedies.ts";
import { CALL_TIMEOUT_MS } from "./control_client.ts";
import { GRACE_FLAG, graceSeconds } from "./expiry.ts";
import { FORMAT_FLAG, report } from "./report.ts";
import { findConnection, processContext, TARGET_FLAGS } from "./target.ts";
import { isoTime, showTimestamp } from "./timestamp.ts";
import { isMissingService } from "./trellis_only.ts";
import { proofHeaders } from "../wire/proof_headers.ts";

/** `trellis keys rotate`. */
export const rotateCommand: Command = {
  spec: {
    name: "trellis keys rotate",
    summary:
      "Replace the key of a SuperNode on its SuperLink; the old key vouches for the new one.",
    positionals: [
      { name: "OLD_KEY", help: "Private key file that the SuperNode has", required: true },
      { name: "NEW_KEY", help: "Private key file that it is to have", required: true },
    ],
    flags: [GRACE_FLAG, ...TARGET_FLAGS, FORMAT_FLAG],
    epilogue:
      "--superlink is the address that the SuperNode has (the Fleet API). Neither private " +
      "key is sent.\nBefore the grace is over, start the SuperNode with the new key beside the old " +
      "process, which\nfinishes what it has: then stop that.",
  },
  run({ flags, positionals: [oldFile = "", newFile = ""] }, terminal) {
    const grace = graceSeconds(GRACE_FLAG.of(flags));
    return report(FORMAT_FLAG.of(flags), terminal, async () => {
      const { named, ...context } = processContext(flags);
      if (!named) {
        throw new UsageError(
          "--superlink is missing.",
          "Give the address of the SuperLink that the SuperNode has, such as 192.0.2.7:9092.",
        );
      }
      const oldKey = await readPrivateKeyFile(oldFile);
      const newKey = await readPrivateKeyFile(newFile);
      const connection = await findConnection([], { ...context, named });
      const request = {
        publicKey: new TextEncoder().encode(spkiPem(newKey.publicKey)),
        graceSeconds: grace,
        ...await signHandover(oldKey, newKey),
      };
      const proof = await (await ProofSigner.create(oldKey)).sign();
      const { text, bytes } = proofHeaders(proof);
      const headers = { text: { ...versionMetadata("SuperNode"), ...text }, bytes };
      using channel = await openChannel(connection);
      const answer = await channel
        .unary(NodeKeys.method.rotateOwnKey, request, { headers, timeoutMs: CALL_TIMEOUT_MS })
        .catch((error) => {
          throw refusal(error, connection, oldKey.publicKey.fingerprint);
        });
      const until = showTimestamp(isoTime(answer.validUntil));
      const { fingerprint } = newKey.publicKey;
      return {
        json: {
          "success": true,
          "node-id": answer.nodeId,
          "fingerprint": fingerprint,
          "valid-until": until,
        },
        view: [
          terminal.paint(`✅ SuperNode ${answer.nodeId} has the key ${fingerprint} now.`, "green"),
          `The old key is good until ${until}.`,
        ].join("\n"),
      };
    });
  },
};

async function openChannel({ address, security, source }: SuperLinkConnection) {
  const transport = await offeredTransport(address, security);
  if (transport === undefined) {
    const problem = await diagnoseConnection(address, security, { transport: "auto" });
    const sentence = problem?.sentence ??
      `The SuperLink at ${formatAddress(address)} does not answer.`;
    const remedy = problem === undefined || problem.kind === "wrong-protocol"
      ? "Give the address that the SuperNode has (the Fleet API)."
      : connectionRemedy(problem.kind, source);
    throw new ExitError(sentence, { remedy });
  }
  const channel = transport === "http"
    ? new (await import("../wire/http/client.ts")).HttpChannel(address, security)
    : new (await import("../wire/grpc/client.ts")).GrpcChannel(address, security);
  const unary: typeof channel.unary = (...args) => channel.unary(...args);
  return { unary, [Symbol.dispose]: () => channel.close() };
}

function refusal(error: unknown, { address }: SuperLinkConnection, fingerprint: string): unknown {
  if (!(error instanceof StatusError)) return error;
  const superlink = formatAddress(address);
  if (isMissingService(error)) {
    return new ExitError(`The SuperLink at ${superlink} cannot do that.`, {
      cause: error,
      remedy:
        "Give the address of the Fleet API of a SuperLink of Trellis. The operator of one of " +
        "Flower has to register the new key.",
    });
  }
  if (error.status === "UNAUTHENTICATED") {
    return new ExitError(`The SuperLink at ${superlink} does not know the key ${fingerprint}.`, {
      cause: error,
      remedy: "It was replaced, unregistered or never registered, or the clocks differ.",
    });
  }
  return new ExitError(`The SuperLink refused it: ${printable(error.message)}`, { cause: error });
}
