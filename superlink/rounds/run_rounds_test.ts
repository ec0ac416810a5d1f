import { assert, assertEquals } from "@std/assert";
import { formatAddress } from "../../wire/address.ts";
import { ConfigRecord } from "../../records/config_record.ts";
import { MetricRecord } from "../../records/metric_record.ts";
import { RecordDict } from "../../records/record_dict.ts";
import type { MetricValue } from "../../records/record_value.ts";
import { AppClient } from "../testing/app_client.ts";
import { type Carried, errorReplyTo, instruction, replyTo } from "../testing/test_messages.ts";
import { TestNode } from "../testing/test_node.ts";
import { startTestSuperLink, type TestSuperLink } from "../testing/test_superlink.ts";

const HERE = { address: { host: "127.0.0.1", port: 0 }, byDefault: false, tokenFile: undefined };

/** What the page is told of a run. */
async function shown({ dashboardAddress }: TestSuperLink, runId: bigint) {
  assert(dashboardAddress);
  const response = await fetch(`http://${formatAddress(dashboardAddress)}/api/runs/${runId}`);
  const { round, replies, series } = await response.json();
  return { round, replies, series };
}

const values = (entries: Record<string, MetricValue>) =>
  new RecordDict({ metrics: new MetricRecord(entries) });
const ofRound = (round: bigint) =>
  new RecordDict({ config: new ConfigRecord({ "server-round": round, lr: 0.1 }) });

/** A run on a SuperLink with a page, and nodes that do what a test tells them. */
async function stage(nodeCount: number, options: Parameters<typeof startTestSuperLink>[0] = {}) {
  const link = await startTestSuperLink({ dashboard: HERE, ...options });
  const app = new AppClient(link);
  const { runId } = await app.running();
  const nodes: TestNode[] = [];
  for (let i = 0; i < nodeCount; i++) nodes.push(await TestNode.join(link));
  const now = () => link.clock.nowMicros();
  return {
    ...{ link, app, runId, nodes },
    /** Sends an instruction to each node; they take it. */
    async send(content: RecordDict, more: { groupId?: string; messageType?: string } = {}) {
      // Messages of one moment and one content are one message.
      link.clock.advance({ micros: 1_000 });
      const sent = nodes.map(({ nodeId }) =>
        instruction({ runId, nodeId, nowMicros: now(), content, ...more })
      );
      await app.send(runId, ...sent);
      for (const node of nodes) await node.take();
      return sent;
    },
    async reply(node: number, to: Carried | undefined, content: RecordDict | "error") {
      assert(to);
      const reply = content === "error"
        ? errorReplyTo(to, now(), "It failed.")
        : replyTo(to, now(), content);
      await nodes[node]?.reply(reply);
      return reply;
    },
    async [Symbol.asyncDispose]() {
      for (const node of nodes) node[Symbol.dispose]();
      app[Symbol.dispose]();
      await link.stop();
    },
  };
}

Deno.test("A run has plots and progress by its messages, though its app logs nothing", async () => {
  await using run = await stage(3);
  const { link, runId } = run;
  const first = await run.send(ofRound(1n));
  assertEquals((await shown(link, runId)).replies, {
    ...{ phase: "train", round: 1, sent: 3, replied: 0, failed: 0 },
  });
  await run.reply(0, first[0], values({ loss: 1, "num-examples": 10n }));
  await run.reply(1, first[1], values({ loss: 4, "num-examples": 30n }));
  await run.reply(2, first[2], "error");
  const evaluation = await run.send(ofRound(1n), { messageType: "evaluate" });
  // Equal records are one object: the second node pushes none.
  await run.reply(0, evaluation[0], values({ acc: 0.5 }));
  await run.reply(1, evaluation[1], values({ acc: 0.5 }));
  await run.reply(2, evaluation[2], "error");
  const second = await run.send(ofRound(2n));
  const again = await run.reply(0, second[0], values({ loss: 0.5, "num-examples": 10n }));
  // A push whose answer was lost counts once.
  await run.nodes[0]?.push(again);
  assertEquals(await shown(link, runId), {
    round: 2,
    replies: { phase: "train", round: 2, sent: 3, replied: 1, failed: 0 },
    series: [
      // The second round has its point with its last reply.
      { phase: "train", name: "loss", points: [[1, 3.25, 1, 4]] },
      { phase: "evaluate", name: "acc", points: [[1, 0.5, 0.5, 0.5]] },
    ],
  });
  await run.app.finish(runId);
  const { series: [plot] } = await shown(link, runId);
  assertEquals(plot.points, [[1, 3.25, 1, 4], [2, 0.5]]);
});

Deno.test("A round is known by the group of its messages, or else by its turn", async () => {
  await using run = await stage(2);
  const grouped = await run.send(values({ x: 1 }), { groupId: "7" });
  await run.reply(0, grouped[0], values({ loss: 1 }));
  await run.reply(1, grouped[1], "error");
  for (const loss of [2, 3]) {
    const sent = await run.send(values({ x: 1 }), { messageType: "query.size" });
    await run.reply(0, sent[0], values({ loss }));
    await run.reply(1, sent[1], values({ loss: loss + 2 }));
  }
  const { series, replies } = await shown(run.link, run.runId);
  assertEquals(series, [
    { phase: "train", name: "loss", points: [[7, 1]] },
    { phase: "query", name: "loss", points: [[1, 3, 2, 4], [2, 4, 3, 5]] },
  ]);
  assertEquals(replies, { phase: "query", round: 2, sent: 2, replied: 2, failed: 0 });
});

Deno.test("A node that reports nonsense spoils nobody's plots", async () => {
  await using run = await stage(2);
  const sent = await run.send(ofRound(1n));
  const junk = Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`junk ${i}`, i]));
  await run.reply(0, sent[0], values({ loss: NaN, acc: 1e308, ...junk }));
  await run.reply(1, sent[1], values({ loss: 2, acc: 1e308 }));
  const { series, replies } = await shown(run.link, run.runId);
  assertEquals(replies.replied, 2);
  assert(series.length <= 30);
  const named = (name: string) => series.find((each: { name: string }) => each.name === name);
  assertEquals(named("acc"), undefined);
  assertEquals(named("junk 5")?.points, [[1, 5]]);
});

Deno.test("What is known of rounds outlives a restart, also in the middle of one", async () => {
  const folder = await Deno.makeTempDir();
  const database = `${folder}/state.kv`;
  try {
    let runId: bigint;
    {
      await using run = await stage(2, { database });
      runId = run.runId;
      const sent = await run.send(ofRound(1n));
      await run.reply(0, sent[0], values({ loss: 1 }));
      await run.reply(1, sent[1], values({ loss: 3 }));
      await run.send(ofRound(2n));
    }
    await using link = await startTestSuperLink({ dashboard: HERE, database });
    assertEquals(await shown(link, runId), {
      round: 1,
      replies: { phase: "train", round: 1, sent: 2, replied: 2, failed: 0 },
      series: [{ phase: "train", name: "loss", points: [[1, 2, 1, 3]] }],
    });
    assert(link.dashboardAddress);
    const list = await fetch(`http://${formatAddress(link.dashboardAddress)}/api/runs`);
    assertEquals((await list.json()).rows[0].round, 1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
