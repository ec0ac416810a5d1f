import { assert, assertEquals, assertRejects } from "@std/assert";
import { StatusError } from "../../wire/status.ts";
import { FakeConnection } from "../testing/fake_connection.ts";
import { findingsIn } from "./integrity.ts";
import { LogLines } from "../testing/log_lines.ts";
import { keys, type LeaseRow, type NodeRow, type NodeStatus } from "./layout.ts";
import type { Registration } from "./node.ts";
import { Nodes } from "./nodes.ts";

const SECOND = 1_000_000;
const NOW = 1_760_000_000 * SECOND;
const MINUTE = 60 * SECOND;

/** What a test works on; it ends with a look at every key that is on disk. */
interface Stage {
  readonly kv: Deno.Kv;
  readonly nodes: Nodes;
  /** `expired ID` and `unregistered ID`, as they happened. */
  readonly events: string[];
  /** Opens what is on disk, as another start of the SuperLink does. */
  reopen(startMicros: number): Promise<Nodes>;
}

async function onStage(play: (stage: Stage) => Promise<void>, kvOf = (kv: Deno.Kv) => kv) {
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

function registration(rest: Partial<Registration> = {}): Registration {
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

async function registered(nodes: Nodes, rest: Partial<Registration> = {}): Promise<NodeRow> {
  const row = await nodes.register(registration(rest), NOW);
  assert(row !== undefined);
  return row;
}

const anyone = () => true;
const statusOf = async (nodes: Nodes, { nodeId }: NodeRow) => (await nodes.get(nodeId))?.row.status;

Deno.test("Nodes.register() makes a node for a key that was never used, and only then", () =>
  onStage(async ({ nodes, reopen }) => {
    const key = registration();
    const row = await nodes.register(key, NOW);
    assert(row !== undefined);
    assertEquals(row, { ...key, nodeId: row.nodeId, status: "registered", registeredAt: NOW });
    assertEquals(await nodes.register(key, NOW + 1), undefined);
    assertEquals(await (await reopen(NOW)).register(key, NOW + 1), undefined);
    await nodes.unregister(row.nodeId, NOW + 2, anyone);
    assertEquals(await nodes.register(key, NOW + 3), undefined);
    assertEquals(await (await reopen(NOW)).register(key, NOW + 3), undefined);
  }));

Deno.test("Nodes.register() makes one node when a key is registered many times at once", () =>
  onStage(async ({ nodes }) => {
    const key = registration();
    const calls = Array.from({ length: 20 }, (_, index) => nodes.register(key, NOW + index));
    const made = (await Promise.all(calls)).filter((row) => row !== undefined);
    assertEquals(made.length, 1);
    assertEquals((await nodes.list(NOW)).length, 1);
  }));

Deno.test("Nodes.register() gives every node an id of 64 random bits", () =>
  onStage(async ({ nodes }) => {
    const rows = await Promise.all(Array.from({ length: 64 }, () => registered(nodes)));
    assertEquals(new Set(rows.map(({ nodeId }) => nodeId)).size, 64);
    assert(rows.some(({ nodeId }) => nodeId >= 1n << 63n));
    assert(rows.every(({ nodeId }) => nodeId > 1n && nodeId < 1n << 64n));
  }));

type Event = "activate" | "heartbeat" | "deactivate" | "unregister";

/** What each event answers in each state, and the state after it (fleet.md section 3.3). */
const LIFE: [before: NodeStatus, event: Event, answer: string, after: NodeStatus][] = [
  ["registered", "activate", "activated", "online"],
  ["registered", "heartbeat", "online", "online"],
  ["registered", "deactivate", "refused", "registered"],
  ["registered", "unregister", "done", "unregistered"],
  ["online", "activate", "refused", "online"],
  ["online", "heartbeat", "renewed", "online"],
  ["online", "deactivate", "done", "offline"],
  ["online", "unregister", "done", "unregistered"],
  ["offline", "activate", "activated", "online"],
  ["offline", "heartbeat", "online", "online"],
  ["offline", "deactivate", "refused", "offline"],
  ["offline", "unregister", "done", "unregistered"],
  ["unregistered", "activate", "unknown", "unregistered"],
  ["unregistered", "heartbeat", "unknown", "unregistered"],
  ["unregistered", "deactivate", "refused", "unregistered"],
  ["unregistered", "unregister", "refused", "unregistered"],
];

async function broughtTo(nodes: Nodes, status: NodeStatus): Promise<NodeRow> {
  const row = await registered(nodes);
  if (status === "online" || status === "offline") {
    await nodes.activate(row.keyId, 30, new FakeConnection(), NOW);
  }
  if (status === "offline") await nodes.deactivate(row.nodeId, NOW + 1);
  if (status === "unregistered") await nodes.unregister(row.nodeId, NOW + 1, anyone);
  return row;
}

async function happen(nodes: Nodes, event: Event, { nodeId, keyId }: NodeRow): Promise<string> {
  const at = NOW + SECOND;
  const other = new FakeConnection("192.0.2.2:1");
  switch (event) {
    case "activate":
      return (await nodes.activate(keyId, 20, other, at)).outcome;
    case "heartbeat": {
      const answer = await nodes.heartbeat(nodeId, 20, other, at);
      return typeof answer === "string" ? answer : answer.status;
    }
    case "deactivate":
      return await nodes.deactivate(nodeId, at) ? "done" : "refused";
    case "unregister":
      return await nodes.unregister(nodeId, at, anyone) ? "done" : "refused";
  }
}

for (const [before, event, answer, after] of LIFE) {
  Deno.test(`Nodes: ${event} of a node that is ${before} is ${answer}, and it is ${after}`, () =>
    onStage(async ({ nodes, reopen }) => {
      const row = await broughtTo(nodes, before);
      assertEquals(await statusOf(nodes, row), before);
      assertEquals(await happen(nodes, event, row), answer);
      assertEquals(await statusOf(nodes, row), after);
      assertEquals(await statusOf(await reopen(NOW), row), after, "on disk");
      const living = after !== "unregistered";
      assertEquals((await nodes.ofKey(row.keyId, NOW))?.nodeId, living ? row.nodeId : undefined);
    }));
}

Deno.test("Nodes know nothing of a node that was never registered", () =>
  onStage(async ({ nodes }) => {
    assertEquals(await nodes.ofKey("nobody", NOW), undefined);
    assertEquals(await nodes.get(5n), undefined);
    assertEquals(await nodes.activate("nobody", 30, new FakeConnection(), NOW), {
      outcome: "unknown",
    });
    assertEquals(await nodes.heartbeat(5n, 30, new FakeConnection(), NOW), "unknown");
    assertEquals(await nodes.deactivate(5n, NOW), undefined);
    assertEquals(await nodes.unregister(5n, NOW, anyone), undefined);
  }));

Deno.test("Nodes.unregister() leaves a node alone that the caller may not unregister", () =>
  onStage(async ({ nodes, events }) => {
    const row = await broughtTo(nodes, "online");
    const mine = ({ ownerId }: NodeRow) => ownerId === "me";
    assertEquals(await nodes.unregister(row.nodeId, NOW, mine), undefined);
    assertEquals(await statusOf(nodes, row), "online");
    assertEquals(events, []);
  }));

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
      nodes.spoke(row.nodeId, holder);
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
    ({ nodes, row, ours }) => void nodes.spoke(row.nodeId, ours),
  ],
  [
    "a newer connection that is open, although the one that activated is closed",
    "refused",
    ({ nodes, row, holder }) => {
      nodes.spoke(row.nodeId, new FakeConnection());
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
    await third.heartbeat(row.nodeId, 30, connection, NOW + 2 * SECOND);
    third.spoke(row.nodeId, connection);
    const other = await third.activate(row.keyId, 30, new FakeConnection(), NOW + 2 * SECOND);
    assertEquals(other.outcome, "refused");
  }));

Deno.test("Nodes.spoke() notices that a key is in use on two connections by turns", () =>
  onStage(async ({ nodes }) => {
    const row = await registered(nodes);
    const [first, second, third] = [
      new FakeConnection(),
      new FakeConnection(),
      new FakeConnection(),
    ];
    const speak = (connection: FakeConnection) => nodes.spoke(row.nodeId, connection);
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
    assertEquals(nodes.spoke(row.nodeId, reconnected), false, "it could be the taker's");
    assertEquals(nodes.spoke(row.nodeId, taker), true);
  }));

/** Each looks at the leases before it does anything else. */
const LOOKS: [name: string, look: (nodes: Nodes, row: NodeRow, at: number) => Promise<unknown>][] =
  [
    ["list()", (nodes, _, at) => nodes.list(at)],
    ["expireDue()", (nodes, _, at) => nodes.expireDue(at)],
    ["deactivate()", (nodes, row, at) => nodes.deactivate(row.nodeId, at)],
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
      await nodes.expireDue(end + MINUTE - 1);
      assertEquals(events.length, 1, "no lease ends twice");
    }));
}

Deno.test("Nodes.heartbeat() after the lease ran out goes on as if nothing was, unless somebody looked", () =>
  onStage(async ({ nodes }) => {
    const row = await registered(nodes);
    const connection = new FakeConnection();
    await nodes.activate(row.keyId, 30, connection, NOW);
    const late = NOW + 2 * MINUTE;
    assertEquals(await nodes.heartbeat(row.nodeId, 30, connection, late), "renewed");
    assertEquals((await nodes.list(late))[0]?.row.activatedAt, NOW);

    const later = late + 2 * MINUTE;
    assertEquals((await nodes.list(later))[0]?.row.status, "offline");
    const back = await nodes.heartbeat(row.nodeId, 30, connection, later);
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
      await again.heartbeat(row.nodeId, 30, new FakeConnection(), grace),
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
    for (const { nodeId } of rows) await nodes.heartbeat(nodeId, 20, connection, NOW + SECOND);
    assertEquals((await onDisk(rows[0]!))?.onlineUntil, NOW + MINUTE, "not yet");
    await nodes.deactivate(rows[1]!.nodeId, NOW + SECOND);
    await nodes.writeLeases();
    for (const row of rows) {
      const expected = { onlineUntil: NOW + 41 * SECOND, heartbeatIntervalS: 20 };
      assertEquals(await onDisk(row), row === rows[1] ? null : expected);
    }
  }));

Deno.test("Nodes.list() gives all nodes, unregistered ones too, oldest first", () =>
  onStage(async ({ nodes }) => {
    const ages = [5, 1, 4, 2, 3];
    for (const age of ages) await nodes.register(registration(), NOW - age);
    const [first] = await nodes.list(NOW);
    await nodes.unregister(first!.row.nodeId, NOW, anyone);
    const listed = await nodes.list(NOW);
    assertEquals(listed.map(({ row }) => NOW - row.registeredAt), [5, 4, 3, 2, 1]);
    assertEquals(listed[0]?.row.status, "unregistered");
  }));

Deno.test("Nodes.reduceGone() leaves a key hash of a keyless node, which is burned all the same", () =>
  onStage(async ({ kv, nodes, reopen }) => {
    const keyless = await registered(nodes, { keyless: true });
    const late = await registered(nodes, { keyless: true });
    const known = await registered(nodes);
    for (const { nodeId } of [keyless, known]) await nodes.unregister(nodeId, NOW, anyone);
    await nodes.unregister(late.nodeId, NOW + 1, anyone);

    assertEquals(await nodes.reduceGone(NOW), 0);
    assertEquals(await nodes.reduceGone(NOW + 1), 1);
    assertEquals(await nodes.reduceGone(NOW + 1), 0);
    for (const current of [nodes, await reopen(NOW)]) {
      assertEquals(await current.get(keyless.nodeId), undefined);
      assertEquals((await current.get(known.nodeId))?.row.status, "unregistered");
      assertEquals(await current.ofKey(keyless.keyId, NOW), undefined);
      assertEquals(await current.register(registration({ keyId: keyless.keyId }), NOW), undefined);
    }
    const kept: Deno.KvKey[] = [];
    for await (const { key } of kv.list({ prefix: [] })) {
      if (key.includes(keyless.keyId) || key.includes(keyless.nodeId)) kept.push(key);
    }
    assertEquals(kept, [keys.key(keyless.keyId)].map((key) => [...key]));
  }));

/** Keyless nodes with this state and age, and whether they count as gone before `NOW`. */
const SILENT: [status: NodeStatus, keyless: boolean, secondsAgo: number, retired: boolean][] = [
  ["registered", true, 1, true],
  ["registered", true, 0, false],
  ["registered", false, 1, false],
  ["offline", true, 1, true],
  ["offline", true, 0, false],
  ["offline", false, 1, false],
  ["online", true, 1, false],
  ["unregistered", true, 1, false],
];

for (const [status, keyless, secondsAgo, retired] of SILENT) {
  const kind = keyless ? "keyless" : "registered";
  Deno.test(`Nodes.retireSilent() ${retired ? "ends" : "keeps"} a ${kind} node ${status} for ${secondsAgo} s`, () =>
    onStage(async ({ nodes, events }) => {
      const at = NOW - secondsAgo * SECOND;
      const row = await nodes.register(registration({ keyless }), at);
      assert(row !== undefined);
      if (status === "online" || status === "offline") {
        await nodes.activate(row.keyId, 30, new FakeConnection(), at);
      }
      if (status === "offline") await nodes.deactivate(row.nodeId, at);
      if (status === "unregistered") await nodes.unregister(row.nodeId, at, anyone);
      events.length = 0;
      const rows = await nodes.retireSilent(NOW, NOW + 5);
      assertEquals(rows.map(({ nodeId }) => nodeId), retired ? [row.nodeId] : []);
      assertEquals(events, retired ? [`unregistered ${row.nodeId}`] : []);
      assertEquals(await statusOf(nodes, row), retired ? "unregistered" : status);
    }));
}

Deno.test("Nodes answer UNAVAILABLE and change nothing when the database cannot write", async () => {
  let broken = false;
  const breakable = (kv: Deno.Kv) =>
    new Proxy(kv, {
      get(target, name) {
        if (name === "atomic" && broken) return () => new BrokenOperation();
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  await onStage(async ({ nodes, events }) => {
    const connection = new FakeConnection();
    const row = await registered(nodes);
    await nodes.activate(row.keyId, 30, connection, NOW);
    await nodes.heartbeat(row.nodeId, 20, connection, NOW + SECOND);
    broken = true;
    const writes: (() => Promise<unknown>)[] = [
      () => nodes.register(registration(), NOW),
      () => nodes.deactivate(row.nodeId, NOW + SECOND),
      () => nodes.unregister(row.nodeId, NOW + SECOND, anyone),
      () => nodes.expireDue(NOW + 10 * MINUTE),
    ];
    for (const write of writes) {
      const error = await assertRejects(write, StatusError);
      assertEquals(error.status, "UNAVAILABLE");
    }
    await nodes.writeLeases();
    assertEquals(events, []);
    assertEquals(await statusOf(nodes, row), "online");
    broken = false;
    await nodes.writeLeases();
    assertEquals((await nodes.get(row.nodeId))?.lease?.onlineUntil, NOW + 41 * SECOND);
    assert(await nodes.deactivate(row.nodeId, NOW + 2 * SECOND));
  }, breakable);
});

class BrokenOperation {
  check = () => this;
  set = () => this;
  delete = () => this;
  commit = () => Promise.reject(new Error("database or disk is full"));
}

Deno.test("Nodes keep rows, leases and indexes together whatever happens at once", () =>
  onStage(async ({ nodes, reopen }) => {
    let state = 1;
    const random = (below: number) => (state = (state * 1103515245 + 12345) % 2147483648) % below;
    const rows = await Promise.all(
      Array.from({ length: 6 }, (_, index) => registered(nodes, { keyless: index % 2 === 0 })),
    );
    const connections = [new FakeConnection(), new FakeConnection()];
    let at = NOW;
    for (let round = 0; round < 60; round++) {
      const tasks = Array.from({ length: 12 }, async () => {
        const { nodeId, keyId } = rows[random(rows.length)]!;
        const connection = connections[random(2)]!;
        at += random(12) * SECOND;
        switch (random(9)) {
          case 0:
          case 1:
          case 2:
            return await nodes.activate(keyId, 10, connection, at);
          case 3:
          case 4:
            return await nodes.heartbeat(nodeId, 10, connection, at);
          case 5:
            return await nodes.deactivate(nodeId, at);
          case 6:
            return await nodes.expireDue(at);
          case 7:
            return await nodes.writeLeases();
          case 8:
            return random(40) === 0 && await nodes.unregister(nodeId, at, anyone);
        }
      });
      await Promise.all(tasks);
    }
    await nodes.writeLeases();
    const again = await reopen(NOW);
    for (const { nodeId } of rows) {
      const [node, onDisk] = [await nodes.get(nodeId), await again.get(nodeId)];
      assertEquals(onDisk?.row, node?.row);
      assertEquals(onDisk?.lease?.onlineUntil, node?.lease?.onlineUntil);
    }
  }));
