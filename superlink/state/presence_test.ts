import { assertEquals } from "@std/assert";
import { FakeConnection } from "../testing/fake_connection.ts";
import { keys, type LeaseRow, type NodeRow } from "./layout.ts";
import { rotated } from "./node_keys.ts";
import { Nodes } from "./nodes.ts";
import {
  broughtTo,
  MINUTE,
  NOW,
  onNodes as onStage,
  registered,
  SECOND,
  statusOf,
} from "../testing/on_nodes.ts";

/** Who holds the lease of an online node, and what becomes of an activation on a new connection. */
const TAKEOVERS: [
  name: string,
  expected: string,
  act: (scene: Takeover) => void | Promise<void>,
][] = [
  ["another connection that is open", "refused", () => {}],
  ["another connection that is closed", "taken-over", ({ holder }) => holder.close()],
  [
    "another connection that spoke after ours had been refused",
    "refused",
    async ({ nodes, row, ours, holder }) => {
      await nodes.activate(row.keyId, 30, ours, NOW);
      nodes.presence.spoke(row.nodeId, holder);
    },
  ],
  [
    "a closed connection, and ours was refused before",
    "taken-over",
    async ({ nodes, row, ours, holder }) => {
      assertEquals((await nodes.activate(row.keyId, 30, ours, NOW)).outcome, "refused");
      holder.close();
    },
  ],
  [
    "the connection that spoke last, whichever activated",
    "repeated",
    ({ nodes, row, ours }) => void nodes.presence.spoke(row.nodeId, ours),
  ],
  [
    "a newer connection that is open, although the one that activated is closed",
    "refused",
    ({ nodes, row, holder }) => {
      nodes.presence.spoke(row.nodeId, new FakeConnection());
      holder.close();
    },
  ],
];

interface Takeover {
  readonly nodes: Nodes;
  readonly row: NodeRow;
  readonly holder: FakeConnection;
  readonly ours: FakeConnection;
}

for (const [name, expected, act] of TAKEOVERS) {
  Deno.test(`Nodes.activate() of an online node is ${expected} when its lease belongs to ${name}`, () =>
    onStage(async ({ nodes }) => {
      const row = await registered(nodes);
      const [holder, ours] = [new FakeConnection(), new FakeConnection()];
      assertEquals((await nodes.activate(row.keyId, 30, holder, NOW)).outcome, "activated");
      await act({ nodes, row, holder, ours });
      const { outcome } = await nodes.activate(row.keyId, 40, ours, NOW + SECOND);
      assertEquals(outcome, expected);
      const lease = (await nodes.get(row.nodeId))?.lease;
      const refused = expected === "refused";
      assertEquals(lease?.heartbeatIntervalS, refused ? 30 : 40);
      assertEquals(lease?.onlineUntil, refused ? NOW + 60 * SECOND : NOW + 81 * SECOND);
    }));
}

Deno.test("Nodes.activate() answers the holder of the lease again, without a new activation", () =>
  onStage(async ({ nodes }) => {
    const row = await registered(nodes);
    const connection = new FakeConnection();
    await nodes.activate(row.keyId, 30, connection, NOW);
    const again = await nodes.activate(row.keyId, 40, connection, NOW + SECOND);
    assertEquals(again.outcome, "repeated");
    const node = await nodes.get(row.nodeId);
    assertEquals(node?.row.activatedAt, NOW);
    assertEquals(node?.lease?.onlineUntil, NOW + 81 * SECOND);
  }));

Deno.test("Nodes.activate() lets a node of before the start in again until it has been heard of", () =>
  onStage(async ({ nodes, reopen }) => {
    const row = await broughtTo(nodes, "online");
    const again = await reopen(NOW + SECOND);
    const connection = new FakeConnection();
    const { outcome } = await again.activate(row.keyId, 30, connection, NOW + SECOND);
    assertEquals(outcome, "taken-over");
    const third = await reopen(NOW + 2 * SECOND);
    await third.presence.heartbeat(row.nodeId, row.keyId, 30, connection, NOW + 2 * SECOND);
    third.presence.spoke(row.nodeId, connection);
    const other = await third.activate(row.keyId, 30, new FakeConnection(), NOW + 2 * SECOND);
    assertEquals(other.outcome, "refused");
  }));

Deno.test("Nodes.activate() hands a node over to its newest key only, also after a start", () =>
  onStage(async ({ nodes, reopen }) => {
    const row = await registered(nodes);
    const { nodeId, keyId } = row;
    const newKey = { keyId: "newer", fingerprint: "SHA256:y", publicKeyPem: new Uint8Array([2]) };
    await nodes.activate(keyId, 30, new FakeConnection(), NOW);
    await nodes.change(nodeId, NOW, (row) => rotated(row, newKey, NOW + MINUTE, NOW));
    for (
      const { at, registry } of [
        { at: NOW + SECOND, registry: nodes },
        { at: NOW + 2 * SECOND, registry: await reopen(NOW + 2 * SECOND) },
      ]
    ) {
      const before = await registry.activate(keyId, 30, new FakeConnection(), at);
      assertEquals(before.outcome, registry === nodes ? "refused" : "taken-over");
      const { outcome } = await registry.activate("newer", 30, new FakeConnection(), at);
      assertEquals(outcome, "handed-over");
      const { row: after, lease } = (await registry.get(nodeId))!;
      assertEquals([after.finishing?.keyId, after.finishing?.since, lease?.keyId], [
        ...[keyId, at, "newer"],
      ]);
      const back = await registry.activate(keyId, 30, new FakeConnection(), at);
      assertEquals(back.outcome, "refused");
    }
  }));

Deno.test("Nodes.spoke() notices that a key is in use on two connections by turns", () =>
  onStage(async ({ nodes }) => {
    const row = await registered(nodes);
    const [first, second, third] = [
      new FakeConnection(),
      new FakeConnection(),
      new FakeConnection(),
    ];
    const speak = (connection: FakeConnection) => nodes.presence.spoke(row.nodeId, connection);
    assertEquals(speak(first), false, "not online yet");
    await nodes.activate(row.keyId, 30, first, NOW);
    assertEquals([speak(first), speak(first)], [false, false]);
    assertEquals(speak(second), false, "a new connection of the same process, perhaps");
    assertEquals(speak(first), true);
    assertEquals(speak(second), true);
    assertEquals(speak(second), false, "by turns only");
    first.close();
    assertEquals(speak(third), false);
    second.close();
    assertEquals(speak(third), false);
  }));

Deno.test("Nodes.spoke() notices that the process is alive from which a node was taken over", () =>
  onStage(async ({ nodes }) => {
    const row = await registered(nodes);
    const before = new FakeConnection();
    await nodes.activate(row.keyId, 30, before, NOW);
    before.close();
    const taker = new FakeConnection();
    assertEquals((await nodes.activate(row.keyId, 30, taker, NOW)).outcome, "taken-over");
    const reconnected = new FakeConnection();
    assertEquals(nodes.presence.spoke(row.nodeId, reconnected), false, "it could be the taker's");
    assertEquals(nodes.presence.spoke(row.nodeId, taker), true);
  }));

/** Each looks at the leases before it does anything else. */
const LOOKS: [name: string, look: (nodes: Nodes, row: NodeRow, at: number) => Promise<unknown>][] =
  [
    ["list()", (nodes, _, at) => nodes.list(at)],
    ["expireDue()", (nodes, _, at) => nodes.presence.expireDue(at)],
    ["deactivate()", (nodes, row, at) => nodes.presence.deactivate(row.nodeId, at)],
    ["activate()", (nodes, row, at) => nodes.activate(row.keyId, 30, new FakeConnection(), at)],
  ];

for (const [name, look] of LOOKS) {
  Deno.test(`Nodes.${name} ends a lease at the microsecond when it runs out, as of then`, () =>
    onStage(async ({ nodes, events }) => {
      const row = await registered(nodes);
      await nodes.activate(row.keyId, 30, new FakeConnection(), NOW);
      const end = NOW + MINUTE;
      if (name !== "deactivate()") {
        await look(nodes, row, end - 1);
        assertEquals(await statusOf(nodes, row), "online");
      }
      const answer = await look(nodes, row, end);
      assertEquals(events, [`expired ${row.nodeId}`]);
      const node = await nodes.get(row.nodeId);
      assertEquals(node?.row.deactivatedAt, end);
      if (name === "activate()") {
        assertEquals(Reflect.get(Object(answer), "outcome"), "activated");
        assertEquals(node?.row.activatedAt, end);
      } else {
        assertEquals(node?.row.status, "offline");
        assertEquals(node?.row.onlineUntil, end);
        assertEquals(node?.lease, undefined);
      }
      await nodes.presence.expireDue(end + MINUTE - 1);
      assertEquals(events.length, 1, "no lease ends twice");
    }));
}

Deno.test("Nodes.heartbeat() after the lease ran out goes on as if nothing was, unless somebody looked", () =>
  onStage(async ({ nodes }) => {
    const row = await registered(nodes);
    const connection = new FakeConnection();
    await nodes.activate(row.keyId, 30, connection, NOW);
    const late = NOW + 2 * MINUTE;
    assertEquals(
      await nodes.presence.heartbeat(row.nodeId, row.keyId, 30, connection, late),
      "renewed",
    );
    assertEquals((await nodes.list(late))[0]?.row.activatedAt, NOW);

    const later = late + 2 * MINUTE;
    assertEquals((await nodes.list(later))[0]?.row.status, "offline");
    const back = await nodes.presence.heartbeat(row.nodeId, row.keyId, 30, connection, later);
    assertEquals(typeof back === "object" && back.activatedAt, later);
  }));

Deno.test("Nodes.open() grants each online node an interval, then its lease ends at that moment", () =>
  onStage(async ({ nodes, reopen }) => {
    const row = await broughtTo(nodes, "online");
    const start = NOW + 1000 * SECOND;
    const again = await reopen(start);
    const grace = start + 30 * SECOND;
    assertEquals((await again.list(grace - 1))[0]?.row.status, "online");
    const [node] = await again.list(grace);
    assertEquals(node?.row.status, "offline");
    assertEquals(node?.row.deactivatedAt, grace);
    assertEquals(
      await again.presence.heartbeat(row.nodeId, row.keyId, 30, new FakeConnection(), grace),
      (await again.get(row.nodeId))!.row,
    );
  }));

Deno.test("Nodes.writeLeases() puts renewed leases on disk, and nothing for those that are not", () =>
  onStage(async ({ kv, nodes }) => {
    const rows = await Promise.all(Array.from({ length: 1200 }, () => registered(nodes)));
    const connection = new FakeConnection();
    for (const { keyId } of rows) await nodes.activate(keyId, 30, connection, NOW);
    const onDisk = async ({ nodeId }: NodeRow) =>
      (await kv.get<LeaseRow>(keys.lease(nodeId))).value;
    for (const { nodeId } of rows) {
      await nodes.presence.heartbeat(nodeId, "a key", 20, connection, NOW + SECOND);
    }
    assertEquals((await onDisk(rows[0]!))?.onlineUntil, NOW + MINUTE, "not yet");
    await nodes.presence.deactivate(rows[1]!.nodeId, NOW + SECOND);
    await nodes.writeLeases();
    for (const row of rows) {
      const { keyId } = row;
      const expected = { onlineUntil: NOW + 41 * SECOND, heartbeatIntervalS: 20, keyId };
      assertEquals(await onDisk(row), row === rows[1] ? null : expected);
    }
  }));
