/**
 * `supernode list`: which SuperNodes there are, and how they are.
 *
 * @module
 */

import { UsageError } from "../terminal/errors.ts";
import { choiceFlag, listFlag, switchFlag, textFlag } from "../terminal/flags.ts";
import type { RawFlags } from "../terminal/flags.ts";
import { nearest } from "../terminal/nearest.ts";
import { renderTable } from "../terminal/table.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { Command } from "./command_tree.ts";
import { withControl } from "./control.ts";
import { fleetList } from "./fleet_list.ts";
import { LIST_FORMAT_FLAG, reportList } from "./list_report.ts";
import { type ListedNode, NODE_FIELDS, NODE_STATUSES, nodeJson, nodeTable } from "./node_view.ts";
import { findConnection, processContext, TARGET_FLAGS, TARGET_POSITIONALS } from "./target.ts";
import { timestampUs } from "./timestamp.ts";
import { watch, WATCH_FLAG } from "./watch.ts";

const VERBOSE_FLAG = switchFlag("verbose", "Show SuperNodes that were unregistered, too.", {
  alias: "v",
});
const STATUS_FLAG = listFlag(
  "status",
  "STATUS",
  `List those only that are so: ${NODE_STATUSES.join(", ")}. May be given several times.`,
);
const LABEL_FLAG = listFlag(
  "label",
  "KEY[=VALUE]",
  "List those only that have this label. Given several times, they have all of them.",
);
const NAME_FLAG = textFlag(
  "name",
  "PATTERN",
  "List those only that are called so; * stands for anything, as in 'ward-*'.",
);
const SORT_FLAG = choiceFlag(
  "sort",
  ["registered", "name", "status", "last-seen", "expires", "id"],
  "What they are sorted by.",
);

/** `trellis supernode list`. */
export const list: Command = {
  spec: {
    name: "trellis supernode list",
    summary: "List the SuperNodes of the federation, oldest first.",
    positionals: TARGET_POSITIONALS,
    flags: [
      ...[STATUS_FLAG, LABEL_FLAG, NAME_FLAG, SORT_FLAG, WATCH_FLAG],
      ...[...TARGET_FLAGS, LIST_FORMAT_FLAG, VERBOSE_FLAG],
    ],
    epilogue: "Example: trellis supernode list --status online --label site=berlin --sort name",
  },
  aliases: ["ls"],
  run({ flags, positionals }, terminal) {
    const isWanted = filterOf(flags);
    const compare = ORDERS[SORT_FLAG.of(flags)];
    const show = (terminal: Terminal) =>
      reportList(LIST_FORMAT_FLAG.of(flags), terminal, async (say) => {
        const connection = await findConnection(positionals, processContext(flags));
        say("📄 Listing all nodes...");
        const listed = await withControl(connection, fleetList);
        const { now } = listed;
        const nodes = listed.nodes.filter(isWanted);
        if (compare) nodes.sort(compare);
        const all = VERBOSE_FLAG.of(flags) || STATUS_FLAG.of(flags).length > 0;
        const shown = all ? nodes : nodes.filter(({ status }) => status !== "unregistered");
        return {
          // Flower's JSON has the unregistered ones, with --verbose and without.
          get json() {
            return { "success": true, "nodes": nodes.map((node) => nodeJson(node, now)) };
          },
          get records() {
            return shown.map((node) => nodeJson(node, now));
          },
          columns: NODE_FIELDS,
          get view() {
            const { columns, rows } = nodeTable(shown, now);
            const { paint, columns: maxWidth } = terminal;
            return renderTable(columns, rows, { paint, maxWidth });
          },
        };
      });
    return WATCH_FLAG.of(flags) ? watch(show, terminal) : show(terminal);
  },
};

type Filter = (node: ListedNode) => boolean;

function filterOf(flags: RawFlags): Filter {
  const name = NAME_FLAG.of(flags);
  const filters: Filter[] = LABEL_FLAG.of(flags).map(labelFilter);
  const statuses = STATUS_FLAG.of(flags).flatMap((text) => text.split(",")).map(readStatus);
  if (statuses.length > 0) filters.push(({ status }) => statuses.includes(status));
  if (name !== undefined) {
    const parts = name.split("*").map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&"));
    const pattern = new RegExp(`^${parts.join(".*")}$`, "isu");
    filters.push(({ info }) => pattern.test(info.name ?? ""));
  }
  return (node) => filters.every((filter) => filter(node));
}

function labelFilter(text: string): Filter {
  const [key = "", ...value] = text.split("=");
  return ({ facts }) => {
    const found = facts && Object.hasOwn(facts.labels, key) ? facts.labels[key] : undefined;
    return found !== undefined && (value.length === 0 || found === value.join("="));
  };
}

function readStatus(text: string) {
  const status = NODE_STATUSES.find((candidate) => candidate === text);
  if (status !== undefined) return status;
  const hint = nearest(text, NODE_STATUSES);
  throw new UsageError(
    `"${text}" is no status of a SuperNode.`,
    hint ? `Did you mean ${hint}?` : `There are: ${NODE_STATUSES.join(", ")}.`,
  );
}

type Order = (a: ListedNode, b: ListedNode) => number;

const byName: Order = (a, b) => compareTexts(a.info.name, b.info.name);
/** What is not sorted by time of registration, which it is by itself. */
const ORDERS: Readonly<Record<ReturnType<typeof SORT_FLAG.of>, Order | undefined>> = {
  registered: undefined,
  name: byName,
  status: (a, b) =>
    NODE_STATUSES.indexOf(a.status) - NODE_STATUSES.indexOf(b.status) || byName(a, b),
  // Who was silent for longest comes first.
  "last-seen": (a, b) => seenUs(a) - seenUs(b),
  expires: (a, b) =>
    Number(a.facts?.expiresAt ?? Infinity) - Number(b.facts?.expiresAt ?? Infinity),
  id: (a, b) => a.info.nodeId < b.info.nodeId ? -1 : 1,
};

/** Those without a name come last. */
function compareTexts(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return a.localeCompare(b, "en", { numeric: true });
}

function seenUs({ facts, info }: ListedNode): number {
  return Number(facts?.lastSeenAt ?? timestampUs(info.lastActivatedAt) ?? 0);
}
