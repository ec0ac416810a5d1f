/**
 * `supernode export`: write the registry as CSV.
 *
 * @module
 */

import type { RegisteredNode } from "../proto/gen/trellis/v1/registry_pb.ts";
import { toCsv } from "../terminal/csv.ts";
import type { Command } from "./command_tree.ts";
import { withControl } from "./control.ts";
import { labelsCell } from "./registry_file.ts";
import { findConnection, processContext, TARGET_FLAGS, TARGET_POSITIONALS } from "./target.ts";
import { isoTime } from "./timestamp.ts";
import { onlyTrellis } from "./trellis_only.ts";

/** `trellis supernode export`. */
export const exportNodes: Command = {
  spec: {
    name: "trellis supernode export",
    summary: "Write the registered SuperNodes as CSV, which `supernode import` reads.",
    positionals: TARGET_POSITIONALS,
    flags: TARGET_FLAGS,
    epilogue: "Those that registered themselves or were unregistered are left out.\n" +
      "Example: trellis supernode export > supernodes.csv",
  },
  async run({ flags, positionals }, terminal) {
    const [{ readPublicKey, openSshPublicLine }, { Registry: { method } }] = await Promise.all([
      import("../keys/public_key.ts"),
      import("../proto/gen/trellis/v1/registry_pb.ts"),
    ]);
    const connection = await findConnection(positionals, processContext(flags));
    const { nodes } = await withControl(
      connection,
      (control) => onlyTrellis(() => control.call(method.listNodes, { publicKeys: true })),
    );
    const records = nodes
      .filter(({ keyless, status }) => !keyless && status !== "unregistered")
      .map((node) => record(node, openSshPublicLine(readPublicKey(node.publicKey))));
    terminal.print(toCsv(COLUMNS, records));
    return 0;
  },
};

const COLUMNS = ["node-id", "public-key", "name", "location", "labels", "expires", "status"];

function record(node: RegisteredNode, publicKey: string) {
  return {
    "node-id": String(node.nodeId),
    "public-key": publicKey,
    "name": node.name,
    "location": node.location,
    "labels": labelsCell(node.labels),
    "expires": node.expiresAt === undefined ? "never" : `${isoTime(node.expiresAt).slice(0, 19)}Z`,
    "status": node.suspendedAt === undefined ? "" : "suspended",
  };
}
