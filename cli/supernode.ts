/**
 * `supernode register | unregister | list`: which SuperNodes may join.
 *
 * @module
 */

import { ExitError } from "../terminal/errors.ts";
import { switchFlag, textFlag } from "../terminal/flags.ts";
import { renderTable } from "../terminal/table.ts";
import type { Command, CommandGroup } from "./command_tree.ts";
import { withControl } from "./control.ts";
import { parseId, requireUint64 } from "./id.ts";
import { listNodes, nodeJson, nodeTable } from "./node_view.ts";
import { FORMAT_FLAG, report } from "./report.ts";
import { resume, suspend } from "./supernode_suspend.ts";
import { findConnection, processContext, TARGET_FLAGS, TARGET_POSITIONALS } from "./target.ts";

const NAME_FLAG = textFlag("name", "NAME", "What to call the SuperNode in lists (HTTP only).");
const LOCATION_FLAG = textFlag(
  "location",
  "LAT,LON",
  "Where the SuperNode is, in degrees, as in 52.5,13.4 (HTTP only).",
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
    flags: [NAME_FLAG, LOCATION_FLAG, ...TARGET_FLAGS, FORMAT_FLAG],
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
      const node = { publicKey, name: NAME_FLAG.of(flags), location: LOCATION_FLAG.of(flags) };
      const nodeId = await withControl(
        await findConnection(target, processContext(flags)),
        (control) => control.registerNode(node),
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
    flags: [...TARGET_FLAGS, FORMAT_FLAG],
  },
  run: ({ flags, positionals: [id = "", ...target] }, terminal) => {
    const nodeId = parseId(id, "NODE_ID");
    return report(FORMAT_FLAG.of(flags), terminal, async () => {
      requireUint64(nodeId);
      await withControl(
        await findConnection(target, processContext(flags)),
        (control) => control.unregisterNode(nodeId),
      );
      return {
        json: { "success": true, "node-id": nodeId },
        view: terminal.paint(`✅ SuperNode ${nodeId} unregistered successfully.`, "green"),
      };
    });
  },
};

const VERBOSE_FLAG = switchFlag("verbose", "Show SuperNodes that were unregistered, too.", {
  alias: "v",
});

const list: Command = {
  spec: {
    name: "trellis supernode list",
    summary: "List the SuperNodes of the federation, oldest first.",
    positionals: TARGET_POSITIONALS,
    flags: [...TARGET_FLAGS, FORMAT_FLAG, VERBOSE_FLAG],
  },
  aliases: ["ls"],
  run: ({ flags, positionals }, terminal) =>
    report(FORMAT_FLAG.of(flags), terminal, async (say) => {
      const connection = await findConnection(positionals, processContext(flags));
      say("📄 Listing all nodes...");
      const listed = await withControl(connection, (control) => control.listNodes());
      const { now } = listed;
      const nodes = listNodes(listed.nodes);
      const shown = VERBOSE_FLAG.of(flags)
        ? nodes
        : nodes.filter(({ status }) => status !== "unregistered");
      return {
        // Flower's JSON has the unregistered ones, with --verbose and without.
        get json() {
          return { "success": true, "nodes": nodes.map((node) => nodeJson(node, now)) };
        },
        get view() {
          const { columns, rows } = nodeTable(shown, now);
          return renderTable(columns, rows, { paint: terminal.paint, maxWidth: terminal.columns });
        },
      };
    }),
};

/** `trellis supernode`, the half that talks to the Control API. */
export const supernodeCommands: CommandGroup = {
  name: "trellis supernode",
  summary: "Manage the SuperNodes of a federation. (With flags only, starts a SuperNode.)",
  commands: [register, unregister, suspend, resume, list],
};
