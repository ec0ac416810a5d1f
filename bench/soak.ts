/**
 * A SuperLink on disk under steady use: SuperNodes that join, work, and leave or vanish, and runs that
 * train on whoever is there. Fails when a message gets no answer or two, or when the memory of the
 * SuperLink grows by more than a tenth once it has settled:
 *
 *     deno run -A bench/soak.ts [--minutes 20] [--settle 5] [--nodes 200] [--out bench/results]
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { delay } from "@std/async";
import { systemClock } from "../superlink/clock.ts";
import { AppClient } from "../superlink/testing/app_client.ts";
import { arrays, type Carried, instruction, replyTo } from "../superlink/testing/test_messages.ts";
import { TestNode } from "../superlink/testing/test_node.ts";
import { type Program, TRELLIS } from "../tests/harness/programs.ts";
import { Scene } from "../tests/harness/scene.ts";
import { startSuperLink } from "../tests/harness/superlink.ts";
import { type Address, parseAddress } from "../wire/address.ts";
import { saveFigures } from "./figures.ts";
import { memoryBytes } from "./fleet/memory.ts";
import { median } from "./median.ts";

/** The least that Flower takes: a short lease tells soon who has vanished. */
const HEARTBEAT_INTERVAL_S = 10;
/** How long a node stays. */
const LIFE_MS = { least: 20_000, most: 180_000 };
/** Every third node vanishes without a word. */
const VANISHING = 1 / 3;
const MODEL_BYTES = 200_000;
const NODES_OF_A_ROUND = 40;
const ROUNDS_OF_A_RUN = 10;
/** What an app would compute in. */
const ROUND_PAUSE_MS = 2_000;
const APP_HEARTBEAT_MS = 10_000;
const SAMPLE_MS = 5_000;
const GROWTH_LIMIT = 1.1;

/** More nodes register here in a minute than one host usually may. */
const SUPERLINK: Program = {
  ...TRELLIS.superlink,
  args: [...TRELLIS.superlink.args, "--registration-limit", "1000000"],
};

/** Where a SuperLink is called. */
interface Target {
  readonly fleetAddress: Address;
  readonly serverAppAddress: Address;
  readonly controlAddress: Address;
  readonly clock: typeof systemClock;
}

/** What happened so far. */
class Tally {
  joined = 0;
  left = 0;
  vanished = 0;
  runs = 0;
  rounds = 0;
  instructions = 0;
  replies = 0;
  errors = 0;
  readonly faults: string[] = [];
}

/** All that play, and the messages that are on their way. */
class Stage {
  readonly tally = new Tally();
  readonly stop = new AbortController();
  readonly online = new Set<TestNode>();
  readonly #target: Target;
  readonly #sent = new Map<string, Carried>();

  constructor(target: Target) {
    this.#target = target;
  }

  /** One place among the nodes: there is nearly always somebody in it. */
  async takePlace(): Promise<void> {
    while (!this.stop.signal.aborted) {
      try {
        await this.#live();
      } catch (error) {
        if (!this.stop.signal.aborted) this.tally.faults.push(`A node failed: ${error}`);
        await this.#pause(1_000);
      }
    }
  }

  async #live(): Promise<void> {
    using node = await TestNode.join(this.#target);
    this.tally.joined++;
    this.online.add(node);
    const lifeMs = LIFE_MS.least + Math.random() * (LIFE_MS.most - LIFE_MS.least);
    const end = AbortSignal.any([this.stop.signal, AbortSignal.timeout(lifeMs)]);
    const beats = setInterval(() => {
      node.client.heartbeat(node.nodeId, HEARTBEAT_INTERVAL_S).catch(() => {});
    }, HEARTBEAT_INTERVAL_S * 500);
    try {
      while (!end.aborted) await this.#work(node, end);
    } finally {
      clearInterval(beats);
      this.online.delete(node);
    }
    if (this.stop.signal.aborted) return;
    if (Math.random() < VANISHING) {
      this.tally.vanished++;
      return;
    }
    await node.leave();
    await node.client.unregister(node.nodeId);
    this.tally.left++;
  }

  async #work(node: TestNode, end: AbortSignal): Promise<void> {
    const delivered = await node.pull(end).catch((error) => {
      if (end.aborted) return undefined;
      throw error;
    });
    const instructed = delivered && this.#sent.get(delivered.messageId);
    if (!delivered || !instructed) return;
    await node.fetch(delivered);
    await node.confirm(instructed.metadata.runId, delivered.messageId);
    const model = crypto.getRandomValues(new Uint8Array(MODEL_BYTES / 4));
    await node.reply(replyTo(instructed, systemClock.nowMicros(), arrays(model)));
  }

  /** Runs an app after the other. */
  async train(): Promise<void> {
    using app = new AppClient(this.#target);
    while (!this.stop.signal.aborted) {
      const { runId, token } = await app.running();
      const beats = setInterval(() => {
        app.call(app.method.sendAppHeartbeat, { token }).catch(() => {});
      }, APP_HEARTBEAT_MS);
      try {
        for (let round = 0; round < ROUNDS_OF_A_RUN && !this.stop.signal.aborted; round++) {
          await this.#round(app, runId);
          this.tally.rounds++;
          await this.#pause(ROUND_PAUSE_MS);
        }
        await app.finish(runId);
        this.tally.runs++;
      } finally {
        clearInterval(beats);
      }
    }
  }

  async #round(app: AppClient, runId: bigint): Promise<void> {
    const nodes = [...this.online].sort(() => Math.random() - 0.5).slice(0, NODES_OF_A_ROUND);
    if (nodes.length === 0) return await this.#pause(500);
    const nowMicros = systemClock.nowMicros();
    const model = arrays(randomBytes(MODEL_BYTES));
    const carried = nodes.map(({ nodeId }) =>
      instruction({ runId, nodeId, nowMicros, content: model, groupId: crypto.randomUUID() })
    );
    for (const one of carried) this.#sent.set(one.messageId, one);
    const ids = await app.send(runId, ...carried);
    // A node that was unregistered meanwhile takes none.
    const open = new Set(ids.filter((id) => id !== ""));
    this.tally.instructions += open.size;
    while (open.size > 0 && !this.stop.signal.aborted) {
      const { messagesList } = await app.pull(runId, [...open]);
      for (const { metadata, content } of messagesList) {
        const { replyToMessageId = "", messageId = "" } = metadata ?? {};
        if (!open.delete(replyToMessageId)) {
          this.tally.faults.push(`Message ${replyToMessageId} has a second answer.`);
        }
        if (content) this.tally.replies++;
        else this.tally.errors++;
        await app.confirm(runId, messageId);
      }
    }
    for (const { messageId } of carried) this.#sent.delete(messageId);
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, { signal: this.stop.signal }).catch(() => {});
  }
}

/** The system gives 64 KiB of random bytes at once. */
function randomBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let start = 0; start < count; start += 65_536) {
    crypto.getRandomValues(bytes.subarray(start, start + 65_536));
  }
  return bytes;
}

function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (!address) throw new Error(`"${text}" is no address.`);
  return address;
}

if (import.meta.main) {
  const flags = parseArgs(Deno.args, {
    string: ["minutes", "settle", "nodes", "out"],
    default: { minutes: "20", settle: "5", nodes: "200", out: "bench/results" },
  });
  const endMs = Number(flags.minutes) * 60_000;
  const settleMs = Number(flags.settle) * 60_000;
  const folder = await Deno.makeTempDir({ prefix: "trellis-soak-" });
  const scene = new Scene(folder);
  let failed = false;
  try {
    const link = await startSuperLink(scene, SUPERLINK, {});
    const stage = new Stage({
      fleetAddress: addressOf(link.fleetAddress),
      serverAppAddress: addressOf(link.serverAppAddress),
      controlAddress: addressOf(link.controlAddress),
      clock: systemClock,
    });
    const work = [
      stage.train(),
      ...Array.from({ length: Number(flags.nodes) }, () => stage.takePlace()),
    ];
    const samples: { readonly atMs: number; readonly mib: number }[] = [];
    const start = performance.now();
    while (performance.now() - start < endMs) {
      await delay(SAMPLE_MS);
      const atMs = performance.now() - start;
      const mib = await memoryBytes(link.process.pid) / 1024 ** 2;
      samples.push({ atMs, mib });
      const { faults, ...counts } = stage.tally;
      console.log(
        `${(atMs / 60_000).toFixed(1)} min, ${mib.toFixed(0)} MiB, ${JSON.stringify(counts)}`,
      );
      for (const fault of faults.splice(0)) {
        failed = true;
        console.error(fault);
      }
    }
    stage.stop.abort();
    await Promise.race([Promise.allSettled(work), delay(30_000)]);
    const around = (fromMs: number) =>
      median(
        samples.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + 60_000)
          .map(({ mib }) => mib),
      );
    const settled = around(settleMs);
    const last = around(endMs - 60_000);
    console.log(`Memory: ${settled.toFixed(0)} MiB settled, ${last.toFixed(0)} MiB at the end.`);
    if (!(last <= settled * GROWTH_LIMIT)) failed = true;
    const growth = { name: "memory at the end of a soak, of that after its start", unit: "times" };
    await saveFigures(
      String(flags.out),
      "soak",
      [{ ...growth, better: "less", ours: last / settled }],
      { tally: stage.tally, samples },
    );
  } finally {
    await scene.close();
    await Deno.remove(folder, { recursive: true });
  }
  if (failed) Deno.exit(1);
}
