/**
 * What happened to nodes and tokens after a backup was taken, by the audit log. Who is shut out, until
 * when a registration holds and how a node is called is what the last line says; what was ended stays
 * ended.
 *
 * @module
 */

import type { ChainEnd } from "../audit/audit_line.ts";
import { readAudit } from "../audit/read_audit.ts";
import { readSaid } from "../audit/said_of_node.ts";
import type { SaidOfNode } from "../registry/node_update.ts";

/** What happened to one node. */
export interface NodeSince {
  /** An operator registered it. */
  registered: boolean;
  unregistered: boolean;
  /** The last of a suspension and a resumption. */
  shut: "suspended" | "resumed" | undefined;
  said: SaidOfNode;
  /** The fingerprint of the key that it was registered with or given last. */
  newestKey: string | undefined;
  /** The fingerprints of all keys that lines of the node name. */
  readonly keys: Set<string>;
}

/** What happened, by the ids that the log has. */
export interface ChangesSince {
  readonly nodes: ReadonlyMap<string, NodeSince>;
  /** Tokens and logins that were revoked. */
  readonly revoked: ReadonlySet<string>;
}

/** Reads what the log has after `end`. */
export async function changesSince(folder: string, end: ChainEnd): Promise<ChangesSince> {
  const nodes = new Map<string, NodeSince>();
  const revoked = new Set<string>();
  for await (const { line } of readAudit(folder)) {
    const { seq, action, outcome, who, subject } = line;
    if (seq <= end.seq || outcome !== "done") continue;
    const { nodeId, tokenId } = subject;
    if (action === "token.revoke" && tokenId !== undefined) revoked.add(tokenId);
    if (nodeId === undefined) continue;
    const node = nodes.get(nodeId) ?? newNode();
    nodes.set(nodeId, node);
    for (const key of [who["fingerprint"], subject["fingerprint"]]) {
      if (key !== undefined) node.keys.add(key);
    }
    happened(node, action, subject, who["fingerprint"] !== undefined);
  }
  return { nodes, revoked };
}

function newNode(): NodeSince {
  return {
    ...{ registered: false, unregistered: false, shut: undefined, newestKey: undefined },
    ...{ said: {}, keys: new Set() },
  };
}

function happened(
  node: NodeSince,
  action: string,
  subject: Readonly<Record<string, string>>,
  byItself: boolean,
): void {
  switch (action) {
    case "node.register":
      node.registered ||= !byItself;
      node.newestKey = subject["fingerprint"] ?? node.newestKey;
      node.said = { ...node.said, ...readSaid(subject) };
      if (subject["status"] === "suspended") node.shut = "suspended";
      break;
    case "node.update":
      node.said = { ...node.said, ...readSaid(subject) };
      break;
    case "node.rotate":
      node.newestKey = subject["fingerprint"] ?? node.newestKey;
      break;
    case "node.suspend":
      node.shut = "suspended";
      break;
    case "node.resume":
      node.shut = "resumed";
      break;
    case "node.unregister":
      node.unregistered = true;
  }
}
