import { assert, assertEquals, assertRejects } from "@std/assert";
import { StatusError } from "../../wire/status.ts";
import { FakeConnection } from "../testing/fake_connection.ts";
import { keys, type NodeRow, type NodeStatus } from "./layout.ts";
import { Nodes } from "./nodes.ts";
import {
  anyone,
  broughtTo,
  MINUTE,
  NOW,
  onNodes as onStage,
  registered,
  registration,
  SECOND,
  statusOf,
} from "../testing/on_nodes.ts";

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

async function happen(nodes: Nodes, event: Event, { nodeId, keyId }: NodeRow): Promise<string> {
  const at = NOW + SECOND;
  const other = new FakeConnection("192.0.2.2:1");
  switch (event) {
    case "activate":
      return (await nodes.activate(keyId, 20, other, at)).outcome;
    case "heartbeat": {
      const answer = await nodes.presence.heartbeat(nodeId, "a key", 20, other, at);
      return typeof answer === "string" ? answer : answer.status;
    }
    case "deactivate":
      return await nodes.presence.deactivate(nodeId, at) ? "done" : "refused";
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
    assertEquals(
      await nodes.presence.heartbeat(5n, "a key", 30, new FakeConnection(), NOW),
      "unknown",
    );
    assertEquals(await nodes.presence.deactivate(5n, NOW), undefined);
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
      if (status === "offline") await nodes.presence.deactivate(row.nodeId, at);
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
    await nodes.presence.heartbeat(row.nodeId, row.keyId, 20, connection, NOW + SECOND);
    broken = true;
    const writes: (() => Promise<unknown>)[] = [
      () => nodes.register(registration(), NOW),
      () => nodes.presence.deactivate(row.nodeId, NOW + SECOND),
      () => nodes.unregister(row.nodeId, NOW + SECOND, anyone),
      () => nodes.presence.expireDue(NOW + 10 * MINUTE),
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
    assert(await nodes.presence.deactivate(row.nodeId, NOW + 2 * SECOND));
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
            return await nodes.presence.heartbeat(nodeId, "a key", 10, connection, at);
          case 5:
            return await nodes.presence.deactivate(nodeId, at);
          case 6:
            return await nodes.presence.expireDue(at);
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
