/**
 * SuperNodes as `supernode list` and `federation show` present them.
 *
 * @module
 */

import type { NodeInfo } from "../proto/gen/flwr/proto/node_pb.ts";
import type { RegisteredNode } from "../proto/gen/trellis/v1/registry_pb.ts";
import type { Style } from "../terminal/colour.ts";
import { printable } from "../terminal/display_width.ts";
import { ExitError } from "../terminal/errors.ts";
import type { JsonValue } from "../terminal/json.ts";
import type { Cell, Column } from "../terminal/table.ts";
import { spanText } from "./expiry.ts";
import { isoTime, secondsBetween, showElapsed, showTimestamp, timestampUs } from "./timestamp.ts";

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
 * The table of `supernode list`; names, labels and expiries have a column when there are any. `now` is
 * the SuperLink's clock, so that this machine's does not matter.
 */
export function nodeTable(nodes: readonly ListedNode[], now: string): NodeTable {
  const named = nodes.some(({ info }) => info.name !== undefined);
  const labelled = nodes.some(({ facts }) => facts && Object.keys(facts.labels).length > 0);
  const expires = nodes.some(({ facts }) => facts?.expiresAt !== undefined);
  return {
    columns: [
      ...NODE_COLUMNS,
      { header: "Elapsed" },
      { header: "Status Changed @" },
      ...(named ? [{ header: "Name" }] : []),
      ...(labelled ? [{ header: "Labels" }] : []),
      ...(expires ? [{ header: "Expires" }] : []),
    ],
    rows: nodes.map((node) => [
      ...nodeRow(node, now),
      ...(named ? [{ text: printable(node.info.name ?? "") }] : []),
      ...(labelled ? [{ text: printable(labelsText(node.facts?.labels ?? {})) }] : []),
      ...(expires ? [expiryCell(node, now)] : []),
    ]),
  };
}

/** How a node is: Flower's words, and why it is shut out. */
export const NODE_STATUSES = [
  ...["registered", "online", "offline", "unregistered"] as const,
  ...["suspended", "expired"] as const,
] as const;

/** One of {@linkcode NODE_STATUSES}. */
export type NodeStatus = typeof NODE_STATUSES[number];

const STATUS_STYLES: Readonly<Record<NodeStatus, Style>> = {
  registered: "blue",
  online: "green",
  offline: "brightYellow",
  unregistered: "red",
  suspended: "red",
  expired: "red",
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

/** What is shown of a node. */
type NodeField =
  | "nodeId"
  | "ownerAid"
  | "ownerName"
  | "status"
  | "registeredAt"
  | "lastActivatedAt"
  | "lastDeactivatedAt"
  | "unregisteredAt"
  | "name"
  | "location";

/** A node whose status is known, oldest first. Throws an {@linkcode ExitError} otherwise. */
export interface ListedNode {
  readonly info: Pick<NodeInfo, NodeField>;
  readonly status: NodeStatus;
  /** What the registry of Trellis has besides. */
  readonly facts?: RegisteredNode;
}

/** Sorts nodes by their registration and checks that this CLI understands their status. */
export function listNodes(nodes: readonly NodeInfo[]): ListedNode[] {
  return nodes
    .map((info) => ({ info, at: timestampUs(info.registeredAt) ?? 0 }))
    .sort((a, b) => a.at - b.at)
    .map(({ info }) => ({ info, status: nodeStatus(info.status) }));
}

function nodeRow(node: ListedNode, now: string): readonly Cell[] {
  const { info, status, facts } = node;
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
          suspended: isoTime(facts?.suspendedAt),
          expired: isoTime(facts?.expiresAt),
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
export function nodeJson({ info, status, facts }: ListedNode, now: string): NodeJson {
  const labels = { ...facts?.labels };
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
    ...(Object.keys(labels).length === 0 ? {} : { "labels": labels }),
    ...(facts?.suspendedAt === undefined
      ? {}
      : { "suspended-at": showTimestamp(isoTime(facts.suspendedAt)) }),
    ...(facts?.expiresAt === undefined
      ? {}
      : { "expires-at": showTimestamp(isoTime(facts.expiresAt)) }),
  };
}

/** The names of what {@linkcode nodeJson} may give. */
export const NODE_FIELDS = [
  ...["node-id", "owner-aid", "owner-name", "status", "created-at", "online-at", "online-elapsed"],
  ...["offline-at", "deleted-at", "name", "location", "labels", "suspended-at", "expires-at"],
];

/** A node in JSON. */
export type NodeJson = Readonly<Record<string, JsonValue>>;

/** Labels as they are given, `key=value` and so on. */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels).map(([key, value]) => value === "" ? key : `${key}=${value}`)
    .join(", ");
}

/** From this long before its end on, an expiry stands out. */
const EXPIRES_SOON_S = 30 * 86_400;

function expiryCell({ facts, status }: ListedNode, now: string): Cell {
  const expiresAt = isoTime(facts?.expiresAt);
  if (expiresAt === undefined || status === "unregistered") return { text: "" };
  const leftS = secondsBetween(now, expiresAt);
  if (leftS <= 0) return { text: "expired", styles: ["red"] };
  const soon = leftS < EXPIRES_SOON_S;
  return { text: `in ${spanText(leftS)}`, styles: soon ? ["brightYellow"] : [] };
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

/** Reads a status. Throws an {@linkcode ExitError} for one that this CLI does not know. */
export function nodeStatus(text: string): NodeStatus {
  const status = NODE_STATUSES.find((candidate) => candidate === text);
  if (status !== undefined) return status;
  throw new ExitError(`The SuperLink sent the node status "${printable(text)}".`, {
    remedy: "It speaks another version of the protocol: Flower changed the node list in 1.24.",
  });
}
