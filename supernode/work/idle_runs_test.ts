import { assertEquals } from "@std/assert";
import { FakeClock } from "../testing/fake_clock.ts";
import { FakeSuperLink } from "../testing/fake_superlink.ts";
import { NODE_ID, RUN_ID } from "../testing/messages.ts";
import { IdleRuns } from "./idle_runs.ts";
import { type NodeRun, NodeRuns } from "./node_runs.ts";

const never = new AbortController().signal;

/** Runs as a node knows them, all with apps in one language. */
class KnownRuns extends NodeRuns {
  constructor(readonly runtime: NodeRun["runtime"]) {
    super(NODE_ID, new Map());
  }

  override get(runId: bigint): NodeRun | undefined {
    const known = super.get(runId);
    return known && { ...known, runtime: this.runtime };
  }
}

async function setUp(runtime: NodeRun["runtime"] = "typescript") {
  const superlink = new FakeSuperLink();
  const clock = new FakeClock();
  const runs = new KnownRuns(runtime);
  await runs.learn(superlink.fleet, RUN_ID, never);
  superlink.calls.length = 0;
  const over: bigint[] = [];
  const { fleet } = superlink;
  const idle = new IdleRuns({ fleet, runs, clock, runOver: (runId) => over.push(runId) });
  return { superlink, clock, over, idle };
}

Deno.test("a run that gets no message is asked after once, and its end is told", async () => {
  const { superlink, clock, over, idle } = await setUp();
  idle.working(RUN_ID)();
  superlink.endedRuns.add(RUN_ID);
  await clock.tick();
  assertEquals(over, [RUN_ID]);
  assertEquals(superlink.calls, ["getRun"]);
  idle[Symbol.dispose]();
});

Deno.test("nothing is told of a run that goes on", async () => {
  const { superlink, clock, over, idle } = await setUp();
  idle.working(RUN_ID)();
  await clock.tick();
  assertEquals([over, superlink.calls], [[], ["getRun"]]);
  idle[Symbol.dispose]();
});

Deno.test("a run with a message in hand is not asked after", async () => {
  const { superlink, idle } = await setUp();
  idle.working(RUN_ID)();
  const done = idle.working(RUN_ID);
  idle.working(RUN_ID)();
  assertEquals(superlink.calls, []);
  done();
  idle[Symbol.dispose]();
  assertEquals(superlink.calls, []);
});

Deno.test("no request is made for apps in Python, of which nothing is kept", async () => {
  const { superlink, idle } = await setUp("python");
  idle.working(RUN_ID)();
  await Promise.resolve();
  assertEquals(superlink.calls, []);
  idle[Symbol.dispose]();
});
