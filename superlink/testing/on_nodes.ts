/**
 * A registry of nodes in memory, for tests of `state/`.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { findingsIn } from "../state/integrity.ts";
import type { NodeRow, NodeStatus } from "../state/layout.ts";
import type { Registration } from "../state/node.ts";
import { Nodes } from "../state/nodes.ts";
import { FakeConnection } from "./fake_connection.ts";
import { LogLines } from "./log_lines.ts";

/** In microseconds, as all times here. */
export const SECOND = 1_000_000;
/** When nodes are registered. */
export const NOW = 1_760_000_000 * SECOND;
/** A minute. */
export const MINUTE = 60 * SECOND;

/** What a test of nodes works on; it ends with a look at every key that is on disk. */
export interface NodeStage {
  readonly kv: Deno.Kv;
  readonly nodes: Nodes;
  /** `expired ID` and `unregistered ID`, as they happened. */
  readonly events: string[];
  /** Opens what is on disk, as another start of the SuperLink does. */
  reopen(startMicros: number): Promise<Nodes>;
}

/** Plays with nodes in memory. */
export async function onNodes(
  play: (stage: NodeStage) => Promise<void>,
  kvOf = (kv: Deno.Kv) => kv,
) {
  const kv = await Deno.openKv(":memory:");
  try {
    const events: string[] = [];
    const { log } = new LogLines();
    const reopen = (startMicros: number) =>
      Nodes.open(
        kvOf(kv),
        {
          expired: ({ nodeId }) => void events.push(`expired ${nodeId}`),
          unregistered: ({ nodeId }) => void events.push(`unregistered ${nodeId}`),
          barred: ({ nodeId }) => void events.push(`barred ${nodeId}`),
          keyEnded: (_row, keyId) => void events.push(`ended ${keyId}`),
          finished: (nodeId) => void events.push(`finished ${nodeId}`),
        },
        log,
        startMicros,
      );
    await play({ kv, nodes: await reopen(NOW), events, reopen });
    assertEquals(await findingsIn(kv), []);
  } finally {
    kv.close();
  }
}

let keyCount = 0;

/** A key that was not used before. */
export function registration(rest: Partial<Registration> = {}): Registration {
  return {
    keyId: `key ${++keyCount}`,
    fingerprint: "SHA256:x",
    publicKeyPem: new Uint8Array([1]),
    keyless: false,
    ownerId: "<id:none>",
    ownerName: "<name:none>",
    heartbeatIntervalS: 30,
    ...rest,
  };
}

/** Registers a node. */
export async function registered(nodes: Nodes, rest: Partial<Registration> = {}): Promise<NodeRow> {
  const row = await nodes.register(registration(rest), NOW);
  assert(row !== undefined);
  return row;
}

/** Lets any node be unregistered. */
export const anyone = () => true;
/** The status of a node. */
export const statusOf = async (nodes: Nodes, { nodeId }: NodeRow) =>
  (await nodes.get(nodeId))?.row.status;

/** Registers a node, and brings it to a state of its life. */
export async function broughtTo(nodes: Nodes, status: NodeStatus): Promise<NodeRow> {
  const row = await registered(nodes);
  if (status === "online" || status === "offline") {
    await nodes.activate(row.keyId, 30, new FakeConnection(), NOW);
  }
  if (status === "offline") await nodes.presence.deactivate(row.nodeId, NOW + 1);
  if (status === "unregistered") await nodes.unregister(row.nodeId, NOW + 1, anyone);
  return row;
}
