import { assertEquals, assertRejects } from "@std/assert";
import { userConfigFromProto } from "../../records/scalar_map.ts";
import { StatusError } from "../../wire/status.ts";
import { FakeSuperLink } from "../testing/fake_superlink.ts";
import { makeFab, NODE_ID, RUN_ID } from "../testing/messages.ts";
import { isOver, NodeRuns, UnusableApp } from "./node_runs.ts";

const never = new AbortController().signal;

Deno.test("NodeRuns asks for a run once, and fuses its config as Flower does", async () => {
  const superlink = new FakeSuperLink();
  superlink.overrides = { epochs: { scalar: { case: "sint64", value: 9n } } };
  const runs = new NodeRuns(NODE_ID, new Map([["partition-id", 3n]]));
  const run = await runs.learn(superlink.fleet, RUN_ID, never);
  assertEquals(await runs.learn(superlink.fleet, RUN_ID, never), run);
  assertEquals(superlink.calls, ["getRun", "getFab"]);
  const { context } = run;
  assertEquals([context.runId, context.nodeId], [RUN_ID, NODE_ID]);
  assertEquals([...userConfigFromProto(context.nodeConfig)], [["partition-id", 3n]]);
  assertEquals([...userConfigFromProto(context.runConfig)].sort(), [["epochs", 9n], ["lr", 0.5]]);
  assertEquals(context.state?.items, []);
  assertEquals([run.runtime, runs.get(RUN_ID)], ["python", run]);
});

const UNUSABLE: [title: string, change: (superlink: FakeSuperLink) => void, words: string][] = [
  [
    "a FAB that is no zip",
    (superlink) => superlink.fab = new TextEncoder().encode("no zip"),
    "not a zip",
  ],
  [
    "another FAB than the run's",
    (superlink) => {
      const { getFab } = superlink.fleet;
      Object.assign(superlink.fleet, {
        getFab: async (...args: Parameters<typeof getFab>) => {
          const fab = await getFab(...args);
          fab.content = makeFab(["other = 1"]);
          return fab;
        },
      });
    },
    "not the one that the run names",
  ],
  [
    "an override that the app does not have",
    (superlink) => superlink.overrides = { epoch: { scalar: { case: "sint64", value: 9n } } },
    "epoch",
  ],
];

for (const [title, change, words] of UNUSABLE) {
  Deno.test(`NodeRuns refuses ${title}`, async () => {
    const superlink = new FakeSuperLink();
    change(superlink);
    const runs = new NodeRuns(NODE_ID, new Map());
    await assertRejects(() => runs.learn(superlink.fleet, RUN_ID, never), UnusableApp, words);
    assertEquals(runs.get(RUN_ID), undefined);
  });
}

Deno.test("NodeRuns passes on that a run is over", async () => {
  const superlink = new FakeSuperLink();
  superlink.endedRuns.add(RUN_ID);
  const runs = new NodeRuns(NODE_ID, new Map());
  await assertRejects(() => runs.learn(superlink.fleet, RUN_ID, never), StatusError, "finished");
  assertEquals(await isOver(superlink.fleet, NODE_ID, RUN_ID, never), true);
  assertEquals(await isOver(superlink.fleet, NODE_ID, RUN_ID + 1n, never), false);
});

Deno.test("NodeRuns forgets runs that are over, and keeps the contexts of those that go on", async () => {
  const superlink = new FakeSuperLink();
  const runs = new NodeRuns(NODE_ID, new Map());
  const ids = Array.from({ length: 12 }, (_, index) => BigInt(index + 10));
  const [goesOn = 0n, ...others] = ids;
  for (const id of others) superlink.endedRuns.add(id);
  for (const id of ids) {
    superlink.endedRuns.delete(id);
    await runs.learn(superlink.fleet, id, never);
    if (id !== goesOn) superlink.endedRuns.add(id);
  }
  assertEquals(runs.get(goesOn) !== undefined, true);
  assertEquals(runs.get(ids[1]!), undefined);
  assertEquals(runs.get(ids.at(-1)!) !== undefined, true);
});
