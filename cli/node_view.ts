/**
 * SuperNodes as `supernode list` and `federation show` present them.
 *
 * @module
 */

import type { NodeInfo } from "../proto/gen/flwr/proto/node_pb.ts";
import type { Style } from "../terminal/colour.ts";
import { printable } from "../terminal/display_width.ts";
import { ExitError } from "../terminal/errors.ts";
import type { JsonValue } from "../terminal/json.ts";
import type { Cell, Column } from "../terminal/table.ts";
import { secondsBetween, showElapsed, showTimestamp, timestampUs } from "./timestamp.ts";

/** The first columns, of whatever list of nodes. */
export const NODE_COLUMNS: readonly Column[] = [
  { header: "Node ID", keepWhole: true },
  { header: "Owner" },
  { header: "Status" },
];

/** A list of nodes for a person. */
export interface NodeTable {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
}

/**
 * The table of `supernode list`; names have a column when there are any. `now` is the SuperLink's
 * clock, so that this machine's does not matter.
 */
export function nodeTable(nodes: readonly ListedNode[], now: string): NodeTable {
  const named = nodes.some(({ info }) => info.name !== undefined);
  return {
    columns: [
      ...NODE_COLUMNS,
      { header: "Elapsed" },
      { header: "Status Changed @" },
      ...(named ? [{ header: "Name" }] : []),
    ],
    rows: nodes.map((node) => [
      ...nodeRow(node, now),
      ...(named ? [{ text: printable(node.info.name ?? "") }] : []),
    ]),
  };
}

type NodeStatus = "registered" | "online" | "offline" | "unregistered";

const STATUS_STYLES: Readonly<Record<NodeStatus, Style>> = {
  registered: "blue",
  online: "green",
  offline: "brightYellow",
  unregistered: "red",
};

/** What the releases of Flower call the account of everybody, without account authentication. */
const NO_OWNER: ReadonlySet<string> = new Set([
  "",
  "none",
  "<none>",
  "<id:none>",
  "<name:none>",
  "sys_noauth",
]);

/** A node whose status is known, oldest first. Throws an {@linkcode ExitError} otherwise. */
export interface ListedNode {
  readonly info: NodeInfo;
  readonly status: NodeStatus;
}

/** Sorts nodes by their registration and checks that this CLI understands their status. */
export function listNodes(nodes: readonly NodeInfo[]): ListedNode[] {
  return nodes
    .map((info) => ({ info, at: timestampUs(info.registeredAt) ?? 0 }))
    .sort((a, b) => a.at - b.at)
    .map(({ info }) => ({ info, status: statusOf(info) }));
}

function nodeRow(node: ListedNode, now: string): readonly Cell[] {
  const { info, status } = node;
  return [
    ...nodeCells(node),
    { text: onlineFor(node, now), styles: ["cyan"] },
    {
      text: showTimestamp(
        {
          registered: undefined,
          online: info.lastActivatedAt,
          offline: info.lastDeactivatedAt,
          unregistered: info.unregisteredAt,
        }[status],
      ),
      styles: ["brightBlack"],
    },
  ];
}

/** The first three cells of a row: who, whose, and how it is. */
export function nodeCells({ info, status }: ListedNode): readonly Cell[] {
  const owned = !NO_OWNER.has(info.ownerName);
  return [
    { text: String(info.nodeId), styles: ["bold", "brightBlack"] },
    { text: owned ? info.ownerName : "<none>", styles: owned ? [] : ["dim"] },
    { text: status, styles: [STATUS_STYLES[status]] },
  ];
}

/** A node in the JSON of `supernode list`, as Flower 1.25.0 writes it, with its name and place. */
export function nodeJson({ info, status }: ListedNode, now: string): JsonValue {
  return {
    "node-id": String(info.nodeId),
    "owner-aid": info.ownerAid,
    "owner-name": info.ownerName,
    "status": status,
    "created-at": showTimestamp(info.registeredAt),
    "online-at": showTimestamp(info.lastActivatedAt),
    "online-elapsed": secondsBetween(info.lastActivatedAt, now),
    "offline-at": showTimestamp(info.lastDeactivatedAt),
    "deleted-at": showTimestamp(info.unregisteredAt),
    ...(info.name === undefined ? {} : { "name": info.name }),
    ...(info.location === undefined ? {} : { "location": info.location }),
  };
}

/** Since when an online node is there; how long an unregistered one was, as the guide shows. */
function onlineFor({ info, status }: ListedNode, now: string): string {
  const { lastActivatedAt, lastDeactivatedAt, unregisteredAt } = info;
  if (lastActivatedAt === undefined) return "";
  if (status === "online") return showElapsed(secondsBetween(lastActivatedAt, now));
  if (status !== "unregistered") return "";
  const wentOffline = secondsBetween(lastActivatedAt, lastDeactivatedAt) > 0;
  return showElapsed(
    secondsBetween(lastActivatedAt, wentOffline ? lastDeactivatedAt : unregisteredAt),
  );
}

function statusOf({ status }: NodeInfo): NodeStatus {
  switch (status) {
    case "registered":
    case "online":
    case "offline":
    case "unregistered":
      return status;
    default:
      throw new ExitError(`The SuperLink sent the node status "${printable(status)}".`, {
        remedy: "It speaks another version of the protocol: Flower changed the node list in 1.24.",
      });
  }
}
