/** Several SuperLinks on one database, and peers whose calls go to any of them. */

import { assert, assertEquals } from "@std/assert";
import { pooledMap } from "@std/async";
import type { RecordDict } from "../records/record_dict.ts";
import { postOrder } from "../records/object_tree.ts";
import { KvBlobs } from "./objects/kv_blobs.ts";
import { AppClient } from "./testing/app_client.ts";
import { FleetClient } from "./testing/fleet_client.ts";
import { findingsIn } from "./state/integrity.ts";
import { assertNothingLeft } from "./testing/leftovers.ts";
import { TestClock } from "./testing/test_clock.ts";
import { arrays, type Carried, instruction, replyTo } from "./testing/test_messages.ts";
import { TestNode } from "./testing/test_node.ts";
import { startTestSuperLink, type TestSuperLink } from "./testing/test_superlink.ts";

const LINK_COUNT = 3;
const NODE_COUNT = 4;
const ROUND_COUNT = 3;
/** How many objects a peer moves at once. */
const AT_ONCE = 4;

/** One peer, with a connection to each SuperLink. */
class Spread<Client extends Disposable> implements Disposable {
  readonly #clients: readonly Client[];
  #calls = 0;

  constructor(clients: readonly Client[]) {
    this.#clients = clients;
  }

  /** The connection for the next call. */
  get any(): Client {
    const client = this.#clients[this.#calls++ % this.#clients.length];
    assert(client !== undefined);
    return client;
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients) client[Symbol.dispose]();
  }
}

interface Stage {
  readonly links: readonly TestSuperLink[];
  readonly clock: TestClock;
  readonly kv: Deno.Kv;
}

async function onLinks(play: (stage: Stage) => Promise<void>): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  const clock = new TestClock();
  await using links = new AsyncDisposableStack();
  links.defer(() => kv.close());
  const started: TestSuperLink[] = [];
  for (let count = 0; count < LINK_COUNT; count++) {
    const link = await startTestSuperLink({
      clock,
      between: (own) => ({
        ...{ kv, blobs: new KvBlobs(kv), durable: true, shared: true, place: "memory" },
        close: () => own.close(),
      }),
    });
    started.push(links.use(link));
  }
  await play({ links: started, clock, kv });
}

/** A node that speaks with all SuperLinks by turns. No two of its signers have the same timestamps. */
async function joinAll({ links, clock }: Stage): Promise<Spread<TestNode> & { nodeId: bigint }> {
  const [first] = links;
  assert(first !== undefined);
  const node = await TestNode.join(first);
  const others = await Promise.all(
    links.slice(1).map(async (link, index) => {
      const behind = { nowMicros: () => clock.nowMicros() - (index + 1) * 1_000_000 };
      const client = await FleetClient.create({ ...link, clock: behind }, { key: node.client.key });
      return new TestNode(client, node.nodeId);
    }),
  );
  return Object.assign(new Spread([node, ...others]), { nodeId: node.nodeId });
}

async function all<T>(items: Iterable<T>, task: (item: T) => Promise<unknown>): Promise<void> {
  await Array.fromAsync(pooledMap(AT_ONCE, items, task));
}

/** Small and large objects, of which replies and instructions share some. */
function model(round: number): RecordDict {
  return arrays(
    new Uint8Array(70_000).fill(round),
    new Uint8Array(130_000).fill(7),
    new Uint8Array(100).fill(round),
  );
}

Deno.test("Messages and objects of a run go through several SuperLinks at once", () =>
  onLinks(async (stage) => {
    const { links, clock, kv } = stage;
    using app = new Spread(links.map((link) => new AppClient(link)));
    const nodes: Awaited<ReturnType<typeof joinAll>>[] = [];
    for (let count = 0; count < NODE_COUNT; count++) nodes.push(await joinAll(stage));
    using _ = new Spread(nodes);
    const { runId } = await app.any.running();

    for (let round = 1; round <= ROUND_COUNT; round++) {
      const sent = nodes.map(({ nodeId }) =>
        instruction({
          ...{ runId, nodeId, nowMicros: clock.nowMicros(), content: model(round) },
          groupId: String(round),
        })
      );
      await all(sent, async (carried) => {
        const { objectsToPush } = await app.any.push(runId, carried);
        await pushAll(carried, objectsToPush, (...what) => app.any.pushObject(runId, ...what));
      });
      await Promise.all(nodes.map(async (node, index) => {
        const own = sent[index];
        const delivered = await untilThere(() => node.any.pull());
        assertEquals(delivered.messageId, own?.messageId);
        const ids = postOrder(delivered.tree).map(({ objectId }) => objectId);
        await all(ids, async (objectId) => {
          const { objectContent } = await node.any.pullObject(runId, objectId);
          assertEquals(new Uint8Array(objectContent), own?.contents.get(objectId));
        });
        await node.any.confirm(runId, delivered.messageId);
        assert(own !== undefined);
        const reply = replyTo(own, clock.nowMicros(), model(round + index));
        const { objectsToPush } = await node.any.push(reply);
        await pushAll(reply, objectsToPush, (...what) => node.any.pushObject(runId, ...what));
      }));
      const ids = sent.map(({ messageId }) => messageId);
      const replies = new Map<string, string>();
      while (replies.size < NODE_COUNT) {
        const waiting = ids.filter((id) => !replies.has(id));
        for (const { metadata } of (await app.any.pull(runId, waiting)).messagesList) {
          assertEquals(metadata?.runId, runId);
          replies.set(metadata?.replyToMessageId ?? "", metadata?.messageId ?? "");
        }
      }
      await all(replies.values(), (messageId) => app.any.confirm(runId, messageId));
    }
    await app.any.finish(runId);
    assertEquals(await app.any.statusOf(runId), "finished:completed");
    const database = links[0]?.database;
    assert(database !== undefined);
    const shared = { ...database, kv, blobs: new KvBlobs(kv) };
    await assertNothingLeft(shared);
    assertEquals(await findingsIn(kv), []);
    for (const link of links) assertEquals(link.logged.of("superlink.internal-error"), []);
  }));

async function pushAll(
  { contents }: Carried,
  objectIds: readonly string[],
  push: (objectId: string, content: Uint8Array) => Promise<boolean>,
): Promise<void> {
  await all(objectIds, async (objectId) => {
    const content = contents.get(objectId);
    assert(content !== undefined);
    assert(await push(objectId, content), `object ${objectId} was not stored`);
  });
}

async function untilThere<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
  }
}
