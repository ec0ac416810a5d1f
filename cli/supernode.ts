/**
 * `supernode register | unregister`, and the group of all commands for SuperNodes.
 *
 * @module
 */

import { ExitError } from "../terminal/errors.ts";
import { listFlag, textFlag } from "../terminal/flags.ts";
import type { Command, CommandGroup } from "./command_tree.ts";
import { requireYes, YES_FLAG } from "./confirm.ts";
import { withControl } from "./control.ts";
import { parseId, requireUint64 } from "./id.ts";
import { readLabels } from "./labels.ts";
import { type NewNode, registerNode } from "./register_node.ts";
import { FORMAT_FLAG, report } from "./report.ts";
import { expire, label, rename } from "./supernode_change.ts";
import { exportNodes } from "./supernode_export.ts";
import { importNodes } from "./supernode_import.ts";
import { list } from "./supernode_list.ts";
import { rotate } from "./supernode_rotate.ts";
import { show } from "./supernode_show.ts";
import { resume, suspend } from "./supernode_suspend.ts";
import { findConnection, processContext, TARGET_FLAGS, TARGET_POSITIONALS } from "./target.ts";

const NAME_FLAG = textFlag("name", "NAME", "What to call the SuperNode in lists.");
const LOCATION_FLAG = textFlag(
  "location",
  "LAT,LON",
  "Where the SuperNode is, in degrees, as in 52.5,13.4.",
);
const LABEL_FLAG = listFlag(
  "label",
  "KEY=VALUE",
  "Note this of the SuperNode. May be given several times (Trellis only).",
);
const EXPIRES_FLAG = textFlag(
  "expires",
  "WHEN",
  "Shut the SuperNode out from then on: 90d, 1y or 2027-01-31 (Trellis only).",
  { defaultText: "never" },
);

const register: Command = {
  spec: {
    name: "trellis supernode register",
    summary: "Let the SuperNode with this key join the federation.",
    positionals: [
      {
        name: "PUBLIC_KEY",
        help: "Public key file, an OpenSSH line or an SPKI PEM (P-256, P-384 or P-521)",
        required: true,
      },
      ...TARGET_POSITIONALS,
    ],
    flags: [
      ...[NAME_FLAG, LOCATION_FLAG, LABEL_FLAG, EXPIRES_FLAG],
      ...[...TARGET_FLAGS, FORMAT_FLAG],
    ],
    epilogue:
      "Example: trellis supernode register keys/client_credentials_1.pub . local-deployment",
  },
  run: ({ flags, positionals: [file = "", ...target] }, terminal) =>
    report(FORMAT_FLAG.of(flags), terminal, async () => {
      // The other commands need not wait for cryptography.
      const [{ readPublicKeyFile }, { spkiPem }] = await Promise.all([
        import("../keys/key_files.ts"),
        import("../keys/public_key.ts"),
      ]);
      const publicKey = new TextEncoder().encode(spkiPem(await readPublicKeyFile(file)));
      const node: NewNode = {
        publicKey,
        name: NAME_FLAG.of(flags),
        location: LOCATION_FLAG.of(flags),
        labels: readLabels(LABEL_FLAG.of(flags)),
        expires: EXPIRES_FLAG.of(flags),
      };
      const nodeId = await withControl(
        await findConnection(target, processContext(flags)),
        (control) => registerNode(control, node),
      );
      if (nodeId === 0n) {
        throw new ExitError("The SuperNode could not be registered.", { remedy: "Try again." });
      }
      return {
        json: { "success": true, "node-id": nodeId },
        view: terminal.paint(`✅ SuperNode ${nodeId} registered successfully.`, "green"),
      };
    }),
};

const unregister: Command = {
  spec: {
    name: "trellis supernode unregister",
    summary: "Shut a SuperNode out of the federation. Its key can never be registered again.",
    positionals: [
      { name: "NODE_ID", help: "As `supernode list` shows it", required: true },
      ...TARGET_POSITIONALS,
    ],
    flags: [...TARGET_FLAGS, YES_FLAG, FORMAT_FLAG],
  },
  run: ({ flags, positionals: [id = "", ...target] }, terminal) => {
    const nodeId = parseId(id, "NODE_ID");
    return report(FORMAT_FLAG.of(flags), terminal, async () => {
      requireUint64(nodeId);
      const connection = await findConnection(target, processContext(flags));
      requireYes(
        flags,
        terminal,
        `Unregister SuperNode ${nodeId}? Its key can never be registered again; ` +
          "`supernode suspend` can be undone.",
      );
      await withControl(connection, (control) => control.unregisterNode(nodeId));
      return {
        json: { "success": true, "node-id": nodeId },
        view: terminal.paint(`✅ SuperNode ${nodeId} unregistered successfully.`, "green"),
      };
    });
  },
};

/** `trellis supernode`, the half that talks to the Control API. */
export const supernodeCommands: CommandGroup = {
  name: "trellis supernode",
  summary: "Manage the SuperNodes of a federation. (With flags only, starts a SuperNode.)",
  commands: [
    ...[register, unregister, list, show, rename, label, expire, suspend, resume],
    ...[rotate, importNodes, exportNodes],
  ],
};
