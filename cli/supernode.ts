/**
 * `supernode register | unregister | list`: which SuperNodes may join.
 *
 * @module
 */

import { readPublicKeyFile } from "../keys/key_files.ts";
import { spkiPem } from "../keys/public_key.ts";
import { Control } from "../proto/gen/flwr/proto/control_pb.ts";
import { ExitError } from "../terminal/errors.ts";
import { switchFlag } from "../terminal/flags.ts";
import { renderTable } from "../terminal/table.ts";
import type { Command, CommandGroup } from "./command_tree.ts";
import { withControl } from "./control.ts";
import { parseId, requireUint64 } from "./id.ts";
import { listNodes, NODE_COLUMNS, nodeJson, nodeRow } from "./node_view.ts";
import { FORMAT_FLAG, report } from "./report.ts";
import { findConnection, TARGET_POSITIONALS } from "./target.ts";

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
    flags: [FORMAT_FLAG],
    epilogue:
      "Example: trellis supernode register keys/client_credentials_1.pub . local-deployment",
  },
  run: ({ flags, positionals: [file = "", ...target] }, terminal) =>
    report(FORMAT_FLAG.of(flags), terminal, async () => {
      const publicKey = new TextEncoder().encode(spkiPem(await readPublicKeyFile(file)));
      const { nodeId = 0n } = await withControl(
        await findConnection(target),
        (control) => control.unary(Control.method.registerNode, { publicKey }),
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
    flags: [FORMAT_FLAG],
  },
  run: ({ flags, positionals: [id = "", ...target] }, terminal) => {
    const nodeId = parseId(id, "NODE_ID");
    return report(FORMAT_FLAG.of(flags), terminal, async () => {
      requireUint64(nodeId);
      await withControl(
        await findConnection(target),
        (control) => control.unary(Control.method.unregisterNode, { nodeId }),
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
    flags: [FORMAT_FLAG, VERBOSE_FLAG],
  },
  aliases: ["ls"],
  run: ({ flags, positionals }, terminal) =>
    report(FORMAT_FLAG.of(flags), terminal, async (say) => {
      const connection = await findConnection(positionals);
      say("📄 Listing all nodes...");
      const { nodesInfo, now } = await withControl(
        connection,
        (control) => control.unary(Control.method.listNodes, {}),
      );
      const nodes = listNodes(nodesInfo);
      const shown = VERBOSE_FLAG.of(flags)
        ? nodes
        : nodes.filter(({ status }) => status !== "unregistered");
      return {
        // Flower's JSON has the unregistered ones, with --verbose and without.
        json: { "success": true, "nodes": nodes.map((node) => nodeJson(node, now)) },
        view: renderTable(NODE_COLUMNS, shown.map((node) => nodeRow(node, now)), {
          paint: terminal.paint,
          maxWidth: terminal.columns,
        }),
      };
    }),
};

/** `trellis supernode`, the half that talks to the Control API. */
export const supernodeCommands: CommandGroup = {
  name: "trellis supernode",
  summary: "Manage the SuperNodes of a federation. (With flags only, starts a SuperNode.)",
  commands: [register, unregister, list],
};
