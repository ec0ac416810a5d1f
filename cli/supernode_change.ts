/**
 * `supernode label | rename | expire`: what is noted of a SuperNode.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { UpdateNodeRequestSchema } from "../proto/gen/trellis/v1/registry_pb.ts";
import { printable } from "../terminal/display_width.ts";
import { UsageError } from "../terminal/errors.ts";
import type { RawFlags } from "../terminal/flags.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { Command } from "./command_tree.ts";
import { withControl } from "./control.ts";
import { expiryOf } from "./expiry.ts";
import { listedNode } from "./fleet_list.ts";
import { parseId, requireUint64 } from "./id.ts";
import { isLabelChange, readLabelChanges } from "./labels.ts";
import { labelsText, type ListedNode, nodeJson } from "./node_view.ts";
import { FORMAT_FLAG, report } from "./report.ts";
import { findConnection, processContext, TARGET_FLAGS, TARGET_POSITIONALS } from "./target.ts";
import { isoTime, showTimestamp } from "./timestamp.ts";
import { onlyTrellis } from "./trellis_only.ts";

const NODE_ID = { name: "NODE_ID", help: "As `supernode list` shows it", required: true } as const;
const FLAGS = [...TARGET_FLAGS, FORMAT_FLAG];

/** `trellis supernode rename`. */
export const rename: Command = {
  spec: {
    name: "trellis supernode rename",
    summary: "Give a SuperNode another name.",
    positionals: [
      NODE_ID,
      { name: "NAME", help: 'Up to 128 characters; "" takes the name away', required: true },
      ...TARGET_POSITIONALS,
    ],
    flags: FLAGS,
  },
  run: ({ flags, positionals: [id = "", name = "", ...target] }, terminal) =>
    change(
      id,
      { name },
      { flags, target, terminal },
      ({ info }) =>
        info.name === undefined ? "has no name now." : `is called "${printable(info.name)}" now.`,
    ),
};

/** `trellis supernode label`. */
export const label: Command = {
  spec: {
    name: "trellis supernode label",
    summary: "Set labels of a SuperNode, or take them away.",
    positionals: [
      NODE_ID,
      {
        name: "CHANGE",
        help: "key=value sets a label, key- takes it away",
        required: true,
        repeats: true,
      },
      ...TARGET_POSITIONALS,
    ],
    flags: FLAGS,
    epilogue: "Example: trellis supernode label 12345 site=berlin gpu=a100 old-label-",
  },
  run({ flags, positionals: [id = "", ...rest] }, terminal) {
    const first = rest.findIndex((text) => !isLabelChange(text));
    const count = first === -1 ? rest.length : first;
    if (count === 0) {
      throw new UsageError(
        `"${rest[0]}" changes no label.`,
        "Write key=value, or key- to remove it.",
      );
    }
    const target = rest.slice(count);
    const extra = target[TARGET_POSITIONALS.length];
    if (extra !== undefined) throw new UsageError(`Unexpected argument "${extra}".`);
    const { set, remove } = readLabelChanges(rest.slice(0, count));
    const update = { setLabels: set, removeLabels: [...remove] };
    return change(id, update, { flags, target, terminal }, ({ facts }) => {
      const text = printable(labelsText(facts?.labels ?? {}));
      return text === "" ? "has no labels now." : `has these labels now: ${text}`;
    });
  },
};

/** `trellis supernode expire`. */
export const expire: Command = {
  spec: {
    name: "trellis supernode expire",
    summary: "Say from when on a SuperNode is shut out.",
    positionals: [
      NODE_ID,
      { name: "WHEN", help: "90d, 12h, 2w, 1y, 2027-01-31 or never", required: true },
      ...TARGET_POSITIONALS,
    ],
    flags: FLAGS,
    epilogue:
      "A SuperNode that has expired waits, as one that is suspended: with a later time it " +
      "comes back.",
  },
  run({ flags, positionals: [id = "", when = "", ...target] }, terminal) {
    const expiry = expiryOf(when, Date.now() * 1000);
    return change(
      id,
      { expiry },
      { flags, target, terminal },
      ({ facts, status }) => {
        if (facts?.expiresAt === undefined) return "never expires.";
        const at = showTimestamp(isoTime(facts.expiresAt));
        return status === "expired"
          ? `is shut out now: its registration ended at ${at}.`
          : `expires at ${at}.`;
      },
    );
  },
};

type Update = MessageInitShape<typeof UpdateNodeRequestSchema>;

interface Context {
  readonly flags: RawFlags;
  readonly target: readonly string[];
  readonly terminal: Terminal;
}

/** Changes a SuperNode; `told` says how it is then. */
function change(
  id: string,
  update: Update,
  { flags, target, terminal }: Context,
  told: (node: ListedNode) => string,
): Promise<number> {
  const nodeId = parseId(id, "NODE_ID");
  return report(FORMAT_FLAG.of(flags), terminal, async () => {
    requireUint64(nodeId);
    const connection = await findConnection(target, processContext(flags));
    const { Registry: { method } } = await import("../proto/gen/trellis/v1/registry_pb.ts");
    const answer = await withControl(
      connection,
      (control) => onlyTrellis(() => control.call(method.updateNode, { ...update, nodeId })),
    );
    if (!answer.node) return { json: { "success": true }, view: "" };
    const node = listedNode(answer.node);
    return {
      json: { "success": true, "node": nodeJson(node, isoTime(BigInt(Date.now()) * 1_000n)) },
      view: terminal.paint(`✅ SuperNode ${nodeId} ${told(node)}`, "green"),
    };
  });
}
