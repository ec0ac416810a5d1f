/**
 * The SuperLink is killed at 20 random moments of runs with two SuperNodes. What it had answered
 * must be on disk, every exchange must come to its end, no message may arrive twice, and nothing may
 * be left when a run is over.
 */

import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async";
import { generatePrivateKey } from "../keys/private_key.ts";
import { Control } from "../proto/gen/flwr/proto/control_pb.ts";
import { objectIdOf } from "../records/object_id.ts";
import { postOrder } from "../records/object_tree.ts";
import { openDatabase } from "../superlink/state/database.ts";
import { findingsIn } from "../superlink/state/integrity.ts";
import { leftoversIn } from "../superlink/testing/leftovers.ts";
import { arrays, type Carried, instruction, replyTo } from "../superlink/testing/test_messages.ts";
import { type Delivered, TestNode } from "../superlink/testing/test_node.ts";
import { StatusError } from "../wire/status.ts";
import { type Life, MortalSuperLink } from "./harness/mortal_superlink.ts";

const KILLS = 20;
/** Each has a SuperLink of its own, so that two cores have something to do. */
const LANES = 2;
const NODES = 2;
/** A kill comes after up to so many answers, and up to so many milliseconds more. */
const MOST_ANSWERS = 50;
const MOST_MS = 10;
/** So long that no lease of a node ends in this test. */
const HEARTBEAT_INTERVAL_S = 1800;
/** grpc-js keeps timers for so long after a connection could not be made. */
const BACKOFFS_MS = 3_500;

/** Content with an object that goes to a file and others that go to the database. */
function model() {
  return arrays(
    crypto.getRandomValues(new Uint8Array(50_000)),
    crypto.getRandomValues(new Uint8Array(500)),
  );
}

/** One run, and what its two sides saw of it. */
class MortalRun {
  readonly #link: MortalSuperLink;
  readonly #nodeIds: bigint[] = [];
  readonly #asked = new Map<string, Carried>();
  /** Instructions that nodes got, and replies that the ServerApp got. */
  readonly #arrived = new Set<string>();
  readonly #replies = new Set<string>();
  readonly #logged: string[] = [];
  #runId = 0n;
  #token = "";
  #over = false;
  /** Instructions that were answered. */
  answered = 0;

  constructor(link: MortalSuperLink) {
    this.#link = link;
  }

  /** Joins the nodes and starts the run. */
  async begin(): Promise<void> {
    await this.#link.call(async ({ app, fleet }) => {
      for (const client of fleet) {
        await client.register();
        this.#nodeIds.push(await client.activate(HEARTBEAT_INTERVAL_S));
      }
      ({ runId: this.#runId, token: this.#token } = await app.running());
    });
  }

  /** Works until `enough` comes; whatever does not happen as it should is thrown. */
  async work(enough: Promise<void>): Promise<void> {
    let more = true;
    const rounds = async () => {
      for (let round = 0; more; round++) await this.#round(round);
      this.#over = true;
    };
    await Promise.all([
      enough.then(() => more = false),
      rounds(),
      ...this.#nodeIds.map((_, index) => this.#nodeWorks(index)),
    ]);
  }

  /** Ends the run, whose SuperLink is killed in the middle of that. */
  async end(): Promise<void> {
    const { runId } = this.#run;
    const outputs = ({ app }: Life) =>
      app.call(app.method.pushAppOutputs, { token: this.#token, runId, context: { runId } });
    await this.#link.call(outputs);
    const finished = this.#link.call(({ app }) => app.finish(runId)).catch((error) => {
      // The answer to the first try was lost.
      if (!(error instanceof StatusError && error.message === "Run is finished.")) throw error;
    });
    await delay(Math.random() * MOST_MS);
    await this.#link.kill();
    await this.#link.start();
    await finished;
    assertEquals(await this.#link.call(({ app }) => app.statusOf(runId)), "finished:completed");
    assertEquals(await this.#log(), this.#logged);
    assertEquals(this.answered, this.#asked.size);
  }

  get #run() {
    return { runId: this.#runId };
  }

  async #round(round: number): Promise<void> {
    const { runId } = this.#run;
    await this.#write(`round ${round} begins`);
    const alive = await this.#link.call(({ app }) =>
      app.call(app.method.sendAppHeartbeat, { token: this.#token })
    );
    assert(alive.success);
    const content = model();
    const asked = this.#nodeIds.map((nodeId) =>
      instruction({ runId, nodeId, nowMicros: Date.now() * 1000, content, groupId: `${round}` })
    );
    for (const one of asked) this.#asked.set(one.messageId, one);
    const { messageIds, objectsToPush } = await this.#link.call(({ app }) =>
      app.push(runId, ...asked)
    );
    assertEquals(messageIds, asked.map(({ messageId }) => messageId));
    const contents = new Map(asked.flatMap(({ contents }) => [...contents]));
    await inPairs(objectsToPush, async (id) => {
      const bytes = contents.get(id);
      assert(bytes && await this.#link.call(({ app }) => app.pushObject(runId, id, bytes)));
    });
    const open = new Set(messageIds);
    while (open.size > 0) {
      const answer = await this.#link.call(({ app }) => app.pull(runId, [...open]));
      for (const [index, message] of answer.messagesList.entries()) {
        const tree = answer.messageObjectTrees[index];
        const { replyToMessageId, messageId } = message.metadata!;
        assertEquals(message.error, undefined);
        assert(open.delete(replyToMessageId), "a reply came that was not asked for");
        assert(this.#replies.delete(messageId), "a reply came twice, or nobody sent it");
        this.answered++;
        await inPairs(postOrder(tree!), async ({ objectId }) => {
          const found = await this.#link.call(({ app }) => app.pullObject(runId, objectId));
          assert(found.objectAvailable, "an object of a reply is gone");
          assertEquals(objectIdOf(found.objectContent), objectId);
        });
        await this.#link.call(({ app }) => app.confirm(runId, messageId));
      }
    }
    const again = await this.#link.call(({ app }) => app.pull(runId, messageIds));
    assertEquals(again.messagesList.map(({ error }) => error?.code), messageIds.map(() => 3n));
    await this.#write(`round ${round} ends`);
  }

  async #nodeWorks(index: number): Promise<void> {
    const onNode = <T>(make: (node: TestNode) => Promise<T>): Promise<T> =>
      this.#link.call(({ fleet }) => make(new TestNode(fleet[index]!, this.#nodeIds[index]!)));
    while (!this.#over) {
      const delivered = await onNode((node) => node.pull());
      if (delivered) await this.#answer(delivered, onNode);
    }
  }

  async #answer(
    { messageId, tree }: Delivered,
    onNode: <T>(make: (node: TestNode) => Promise<T>) => Promise<T>,
  ): Promise<void> {
    const { runId } = this.#run;
    assert(!this.#arrived.has(messageId), "an instruction came twice");
    this.#arrived.add(messageId);
    const asked = this.#asked.get(messageId);
    assert(asked);
    await inPairs(postOrder(tree), async ({ objectId }) => {
      const found = await onNode((node) => node.pullObject(runId, objectId));
      assert(found.objectAvailable, "an object of an instruction is gone");
      assertEquals(objectIdOf(found.objectContent), objectId);
    });
    await onNode((node) => node.confirm(runId, messageId));
    const reply = replyTo(asked, Date.now() * 1000, model());
    this.#replies.add(reply.messageId);
    const { objectsToPush } = await onNode((node) => node.push(reply));
    await inPairs(objectsToPush, async (id) => {
      const bytes = reply.contents.get(id);
      assert(bytes && await onNode((node) => node.pushObject(runId, id, bytes)));
    });
  }

  async #write(line: string): Promise<void> {
    await this.#link.call(({ app }) => app.log(this.#runId, `${line}\n`));
    this.#logged.push(line);
  }

  /** The lines of the log. One whose answer was lost was written again, right behind itself. */
  async #log(): Promise<string[]> {
    const { runId } = this.#run;
    const text = await this.#link.call(async ({ app }) => {
      let text = "";
      for await (const { logOutput } of app.stream(Control.method.streamLogs, { runId })) {
        text += logOutput;
      }
      return text;
    });
    const lines = text.split("\n").slice(0, -1);
    return lines.filter((line, index) => line !== lines[index - 1]);
  }
}

/** Does something with each, two at a time, as apps and SuperNodes do. */
async function inPairs<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await task(item);
  };
  await Promise.all([worker(), worker()]);
}

async function lane(folder: string): Promise<MortalRun> {
  await Deno.mkdir(folder);
  const keys = await Promise.all(Array.from({ length: NODES }, () => generatePrivateKey("P-256")));
  const link = new MortalSuperLink(folder, keys);
  const run = new MortalRun(link);
  try {
    await link.start();
    await run.begin();
    const kills = async () => {
      for (let kill = 1; kill < KILLS / LANES; kill++) {
        await link.answers(1 + Math.floor(Math.random() * MOST_ANSWERS));
        await delay(Math.random() * MOST_MS);
        await link.kill();
        await link.start();
      }
    };
    await run.work(kills());
    await run.end();
    assertEquals(await link.stop(), 0);
  } catch (error) {
    console.error(link.transcript());
    throw error;
  } finally {
    await link.kill();
  }
  const database = await openDatabase(link.database);
  try {
    assertEquals(await leftoversIn(database), []);
    assertEquals(await findingsIn(database.kv), []);
  } finally {
    await database.close();
  }
  return run;
}

Deno.test({
  name: "Runs whose SuperLink is killed 20 times lose nothing, and get nothing twice",
  timeout: 180_000,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "trellis-run-crash-" });
    try {
      const lanes = Array.from({ length: LANES }, (_, number) => lane(join(folder, `${number}`)));
      const answered = (await Promise.all(lanes)).reduce((sum, run) => sum + run.answered, 0);
      console.log(`${answered} instructions were answered.`);
      assert(answered >= 2 * LANES * NODES, `too little happened: ${answered}`);
    } finally {
      await delay(BACKOFFS_MS);
      await Deno.remove(folder, { recursive: true });
    }
  },
});
