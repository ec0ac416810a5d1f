/**
 * `supernode rotate`: give a SuperNode another key, and keep its ID.
 *
 * @module
 */

import type { Command } from "./command_tree.ts";
import { withControl } from "./control.ts";
import { GRACE_FLAG, graceSeconds } from "./expiry.ts";
import { parseId, requireUint64 } from "./id.ts";
import { FORMAT_FLAG, report } from "./report.ts";
import { findConnection, processContext, TARGET_FLAGS, TARGET_POSITIONALS } from "./target.ts";
import { isoTime, showTimestamp } from "./timestamp.ts";
import { onlyTrellis } from "./trellis_only.ts";

/** `trellis supernode rotate`. */
export const rotate: Command = {
  spec: {
    name: "trellis supernode rotate",
    summary: "Give a SuperNode another key. Its ID, name and messages stay.",
    positionals: [
      { name: "NODE_ID", help: "As `supernode list` shows it", required: true },
      {
        name: "PUBLIC_KEY",
        help: "Public key file of a key that was never registered",
        required: true,
      },
      ...TARGET_POSITIONALS,
    ],
    flags: [GRACE_FLAG, ...TARGET_FLAGS, FORMAT_FLAG],
    epilogue:
      "Until the grace is over both keys are good. Start the SuperNode with the new one beside " +
      "the old\nprocess, which finishes what it has: then stop that. A SuperNode of Trellis can " +
      "replace its key\nitself; see `trellis keys rotate --help`.",
  },
  run({ flags, positionals: [id = "", file = "", ...target] }, terminal) {
    const nodeId = parseId(id, "NODE_ID");
    const grace = graceSeconds(GRACE_FLAG.of(flags));
    return report(FORMAT_FLAG.of(flags), terminal, async () => {
      requireUint64(nodeId);
      const [{ readPublicKeyFile }, { spkiPem }, { Registry: { method } }] = await Promise.all([
        import("../keys/key_files.ts"),
        import("../keys/public_key.ts"),
        import("../proto/gen/trellis/v1/registry_pb.ts"),
      ]);
      const key = await readPublicKeyFile(file);
      const request = {
        nodeId,
        publicKey: new TextEncoder().encode(spkiPem(key)),
        graceSeconds: grace,
      };
      const { node } = await withControl(
        await findConnection(target, processContext(flags)),
        (control) => onlyTrellis(() => control.call(method.rotateKey, request)),
      );
      const [earlier] = node?.earlierKeys ?? [];
      const until = earlier && showTimestamp(isoTime(earlier.validUntil));
      return {
        json: {
          "success": true,
          "node-id": nodeId,
          "fingerprint": key.fingerprint,
          ...(earlier && until ? { "earlier": earlier.fingerprint, "valid-until": until } : {}),
        },
        view: [
          terminal.paint(`✅ SuperNode ${nodeId} has the key ${key.fingerprint} now.`, "green"),
          ...(earlier ? [`${earlier.fingerprint} is good until ${until}.`] : []),
        ].join("\n"),
      };
    });
  },
};
