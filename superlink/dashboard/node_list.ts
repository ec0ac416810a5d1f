import { statusWord } from "../registry/node_view.ts";
import { leaseBegan } from "../state/node_life.ts";
import type { Node } from "../state/node.ts";
import type { NodeTraffic } from "./node_traffic.ts";
import type { Columns } from "./window.ts";

/** A node as the page shows it. Times are milliseconds since the epoch. */
export interface NodeView {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly fingerprint: string;
  readonly keyless: boolean;
  readonly status: string;
  readonly version: string;
  readonly transport: string;
  readonly peer: string;
  readonly registeredAt: number;
  /** When its registration ends. */
  readonly expiresAt: number | undefined;
  readonly lastSeenAt: number | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** What is known of a node. */
export function nodeView({ row, lease }: Node, traffic: NodeTraffic, nowMicros: number): NodeView {
  const calls = traffic.of(row.keyId);
  const heard = lease ? leaseBegan(lease) : row.deactivatedAt;
  return {
    id: String(row.nodeId),
    name: row.name ?? "",
    location: row.location ?? "",
    labels: row.labels ?? {},
    fingerprint: row.fingerprint,
    keyless: row.keyless,
    status: statusWord(row, nowMicros),
    version: calls?.version ?? row.version ?? "",
    transport: calls?.transport ?? row.transport ?? "",
    peer: calls?.peer ?? "",
    registeredAt: row.registeredAt / 1000,
    expiresAt: row.expiresAt === undefined ? undefined : row.expiresAt / 1000,
    lastSeenAt: heard === undefined ? undefined : Math.round(heard / 1000),
    bytesIn: calls?.bytesIn ?? 0,
    bytesOut: calls?.bytesOut ?? 0,
  };
}

/** What a search looks at. */
export function nodeText(node: NodeView): string {
  const labels = Object.entries(node.labels).map(([name, value]) => `${name}=${value}`);
  const { id, name, location, fingerprint, status, version, transport, peer } = node;
  return [id, name, location, fingerprint, status, version, transport, peer, ...labels].join(" ");
}

/** How alive a node is, for an order. */
const RANKS = ["online", "offline", "registered", "suspended", "expired", "unregistered"];

/** What nodes are sorted by. */
export const NODE_COLUMNS: Columns<NodeView> = {
  name: ({ name }) => name,
  id: ({ id }) => id,
  fingerprint: ({ fingerprint }) => fingerprint,
  status: ({ status }) => RANKS.indexOf(status),
  version: ({ version }) => version,
  transport: ({ transport }) => transport,
  seen: ({ lastSeenAt }) => lastSeenAt,
  in: ({ bytesIn }) => bytesIn,
  out: ({ bytesOut }) => bytesOut,
};
