import type { GrantRow, SecretRow } from "../access/rows.ts";
import { type KeyRow, keys, type LeaseRow, type NodeRow } from "./layout.ts";
import { keyIdsOf } from "./node_keys.ts";

/**
 * What is wrong in a database, by the table in `state/layout.ts`: rows without their index, indexes
 * without their row, and rows that contradict each other. Nothing, when all is well.
 */
export async function findingsIn(kv: Deno.Kv): Promise<string[]> {
  const findings: string[] = [];
  const expect = (holds: boolean, finding: string) => void (holds || findings.push(finding));
  const nodes = new Map<bigint, NodeRow>();
  for await (const { key, value } of kv.list<NodeRow>({ prefix: keys.nodes })) {
    expect(key[1] === value.nodeId, `node ${String(key[1])} has the row of ${value.nodeId}`);
    nodes.set(value.nodeId, value);
  }
  const keyRows = new Map<string, KeyRow>();
  for await (const { key, value } of kv.list<KeyRow>({ prefix: keys.key("").slice(0, 1) })) {
    keyRows.set(String(key[1]), value);
  }
  const leases = new Set<bigint>();
  for await (const { key } of kv.list<LeaseRow>({ prefix: keys.leases })) {
    leases.add(key[1] as bigint);
  }
  const burned = new Set<string>();
  for await (const { key } of kv.list({ prefix: keys.allBurned })) burned.add(String(key[1]));
  const gone = new Map<bigint, number>();
  for await (const { key } of kv.list({ prefix: keys.keylessGoneAll })) {
    gone.set(key[2] as bigint, key[1] as number);
  }

  const keyExpiries = new Set<string>();
  for await (const { key } of kv.list({ prefix: keys.keyExpiries })) {
    keyExpiries.add(String(key[3]));
  }
  const expiries = new Map<bigint, number>();
  for await (const { key } of kv.list({ prefix: keys.nodeExpiries })) {
    expiries.set(key[2] as bigint, key[1] as number);
  }

  for (const row of nodes.values()) {
    const name = `node ${row.nodeId} (${row.status})`;
    for (const keyId of keyIdsOf(row)) {
      expect(keyRows.get(keyId)?.nodeId === row.nodeId, `the key of ${name} is not its own`);
    }
    for (const { keyId } of row.status === "unregistered" ? [] : row.earlierKeys ?? []) {
      expect(keyExpiries.delete(keyId), `key-expiry of ${name} is missing`);
    }
    expect(!burned.has(row.fingerprint), `the key of ${name} is burned`);
    expect(leases.has(row.nodeId) === (row.status === "online"), `the lease of ${name} is wrong`);
    const unregisteredAt = row.keyless && row.status === "unregistered"
      ? row.unregisteredAt
      : undefined;
    const expiresAt = row.status === "unregistered" ? undefined : row.expiresAt;
    expect(expiries.get(row.nodeId) === expiresAt, `node-expiry of ${name} is wrong`);
    expect(gone.get(row.nodeId) === unregisteredAt, `keyless-gone of ${name} is wrong`);
    expect(
      (row.status === "unregistered") === (row.unregisteredAt !== undefined),
      `the times of ${name} are wrong`,
    );
  }
  for (const [keyId, { nodeId }] of keyRows) {
    if (nodeId === undefined) continue;
    const row = nodes.get(nodeId);
    expect(row && keyIdsOf(row).includes(keyId) || false, `key ${keyId} is of no node`);
  }
  for (const nodeId of leases) expect(nodes.has(nodeId), `a lease is of no node ${nodeId}`);
  for (const keyId of keyExpiries) expect(false, `key-expiry of no earlier key ${keyId}`);
  for (const nodeId of expiries.keys()) {
    expect(nodes.has(nodeId), `node-expiry of no node ${nodeId}`);
  }
  for (const nodeId of gone.keys()) expect(nodes.has(nodeId), `keyless-gone of no node ${nodeId}`);
  for await (const { key } of kv.list({ prefix: keys.mark("").slice(0, 1) })) {
    const nodeId = keyRows.get(String(key[1]))?.nodeId;
    const row = nodeId === undefined ? undefined : nodes.get(nodeId);
    expect(
      row !== undefined && row.status !== "unregistered",
      `mark ${String(key[1])} is of ${row ? `an unregistered node ${nodeId}` : "no node"}`,
    );
  }
  const runs = new Set<unknown>();
  for await (const { key } of kv.list({ prefix: keys.runs })) runs.add(key[1]);
  for await (const { key } of kv.list({ prefix: keys.allRounds })) {
    expect(runs.has(key[1]), `a round is of no run ${String(key[1])}`);
  }
  const grants = new Set<string>();
  for await (const { value } of kv.list<GrantRow>({ prefix: keys.grants })) grants.add(value.id);
  for await (const { value } of kv.list<SecretRow>({ prefix: keys.secrets })) {
    expect(grants.has(value.grantId), `a secret is of no grant ${value.grantId}`);
  }
  for await (const { key } of kv.list({ prefix: keys.grantUsed("").slice(0, 1) })) {
    expect(grants.has(String(key[1])), `grant-used of no grant ${String(key[1])}`);
  }
  return findings;
}
