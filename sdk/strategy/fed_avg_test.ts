import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  ArrayRecord,
  arraysOf,
  ClientApp,
  ConfigRecord,
  type ConfigValue,
  FedAvg,
  type FedAvgOptions,
  float64Of,
  InconsistentRepliesError,
  MetricRecord,
  ndArray,
  RecordDict,
  type StartOptions,
} from "../mod.ts";
import { LocalFederation } from "../testing/local_federation.ts";

/** Node p adds p + 1 to the model and has p + 1 examples. */
const adding = new ClientApp()
  .train(({ content }, { nodeId, state }) => {
    const amount = Number(nodeId) - 1;
    const model = float64Of(arraysOf(content), "w").map((weight) => weight + amount);
    const fits = state.get("fits");
    const count = fits instanceof MetricRecord ? Number(fits.get("n")) + 1 : 1;
    state.set("fits", new MetricRecord({ n: BigInt(count) }));
    return new RecordDict({
      arrays: ArrayRecord.fromNdArrays([["w", ndArray(model)]]),
      metrics: new MetricRecord({ fits: BigInt(count), "num-examples": BigInt(amount) }),
    });
  })
  .evaluate(({ content }, { nodeId }) => {
    const [weight = 0] = float64Of(arraysOf(content), "w");
    const metrics = { loss: weight, "num-examples": BigInt(nodeId - 1n) };
    return new RecordDict({ metrics: new MetricRecord(metrics) });
  });

const initialArrays = ArrayRecord.fromNdArrays([["w", ndArray(new Float64Array(1))]]);

/** Runs quietly, and gives what was printed. */
async function start(
  federation: LocalFederation,
  options: FedAvgOptions = {},
  startOptions: Partial<StartOptions> = {},
) {
  const printed: string[] = [];
  const { log } = console;
  console.log = (line: string) => printed.push(line);
  try {
    const strategy = new FedAvg(options);
    const result = await strategy.start({
      grid: federation.grid(),
      initialArrays,
      numRounds: 2,
      ...startOptions,
    });
    return { result, printed };
  } finally {
    console.log = log;
  }
}

Deno.test("FedAvg averages models and metrics by the number of examples", async () => {
  const federation = new LocalFederation();
  federation.addNodes(3, adding);
  const { result, printed } = await start(federation);
  // Each round adds (1·1 + 2·2 + 3·3) / 6.
  const step = 14 / 6;
  assertEquals(float64Of(result.arrays, "w")[0]?.toFixed(9), (2 * step).toFixed(9));
  assertEquals([...result.trainMetricsClientApp.keys()], [1, 2]);
  // The last digit depends on the order of the replies.
  assertEquals(Number(result.trainMetricsClientApp.get(2)?.get("fits")).toFixed(9), "2.000000000");
  assertEquals(
    Number(result.evaluateMetricsClientApp.get(1)?.get("loss")).toFixed(9),
    step.toFixed(9),
  );
  assertEquals(result.evaluateMetricsServerApp.size, 0);
  assertEquals(printed.filter((line) => line.startsWith("\n[ROUND")), [
    "\n[ROUND 1/2]",
    "\n[ROUND 2/2]",
  ]);
});

Deno.test("FedAvg evaluates centrally before the first round and after each", async () => {
  const federation = new LocalFederation();
  federation.addNodes(2, adding);
  const rounds: number[] = [];
  const { result } = await start(federation, {}, {
    evaluate: (round, arrays) => {
      rounds.push(round);
      return round === 1
        ? undefined
        : new MetricRecord({ weight: float64Of(arrays, "w")[0] ?? NaN });
    },
  });
  assertEquals(rounds, [0, 1, 2]);
  assertEquals([...result.evaluateMetricsServerApp.keys()], [0, 2]);
  assertEquals(result.evaluateMetricsServerApp.get(0)?.get("weight"), 0);
});

Deno.test("instructions hold the model, the settings, and the round as an int, last", async () => {
  const federation = new LocalFederation();
  const seen: [string, ConfigValue][][] = [];
  const types: string[] = [];
  const note = ({ content, metadata }: Parameters<Parameters<ClientApp["train"]>[0]>[0]) => {
    seen.push([...content.configRecords().get("settings") ?? []].map(([k, v]) => [k, v]));
    types.push(metadata.messageType);
    assertEquals([...content.keys()], ["model", "settings"]);
    return new RecordDict({
      arrays: content.arrayRecords().get("model")!,
      metrics: new MetricRecord({ n: 1n }),
    });
  };
  federation.addNodes(1, new ClientApp().train(note).evaluate(note));
  await start(federation, {
    minTrainNodes: 1,
    minEvaluateNodes: 1,
    minAvailableNodes: 1,
    weightedByKey: "n",
    arrayRecordKey: "model",
    configRecordKey: "settings",
  }, { trainConfig: new ConfigRecord({ lr: 0.1, epochs: 3n }) });
  assertEquals(types, ["train", "evaluate", "train", "evaluate"]);
  assertEquals(seen, [
    [["lr", 0.1], ["epochs", 3n], ["server-round", 1n]],
    [["server-round", 1n]],
    [["lr", 0.1], ["epochs", 3n], ["server-round", 2n]],
    [["server-round", 2n]],
  ]);
});

Deno.test("error replies are shown and left out, and a round without good ones changes nothing", async () => {
  const federation = new LocalFederation();
  const failing = new ClientApp()
    .train((message, context) => {
      if (context.nodeId === 2n) throw new Error("no disk");
      return adding.handle(message, context);
    })
    .evaluate(() => {
      throw new Error("no data");
    });
  federation.addNodes(2, failing);
  const { result, printed } = await start(federation, {}, { numRounds: 1 });
  assertEquals(float64Of(result.arrays, "w"), new Float64Array([2]));
  assertEquals(result.evaluateMetricsClientApp.size, 0);
  assertEquals(printed.includes("  train: 1 results, 1 failures"), true);
  assertEquals(printed.includes("    node 2: Error: no disk"), true);

  const { result: unchanged } = await start(new LocalFederation(), {
    fractionTrain: 0,
    fractionEvaluate: 0,
  });
  assertEquals(unchanged.arrays, initialArrays);
});

Deno.test("replies that do not match make the run fail with what differs", async () => {
  const metrics = new MetricRecord({ "num-examples": 1n });
  const replies: [(nodeId: bigint) => RecordDict, string][] = [
    [() => new RecordDict({ metrics }), "exactly one ArrayRecord, and one holds 0"],
    [() => new RecordDict({ a: initialArrays, b: initialArrays, metrics }), "one holds 2"],
    [() => new RecordDict({ arrays: initialArrays }), "exactly one MetricRecord"],
    [
      (id) => new RecordDict([[`arrays${id}`, initialArrays], ["metrics", metrics]]),
      "'arrays2' with 'w' and 'arrays3' with 'w'",
    ],
    [
      (id) =>
        new RecordDict({
          arrays: initialArrays,
          metrics: new MetricRecord([["num-examples", 1n], [`loss${id}`, 1]]),
        }),
      "'loss2'",
    ],
    [
      () => new RecordDict({ arrays: initialArrays, metrics: new MetricRecord({ n: 1n }) }),
      "'num-examples', which replies are weighted by",
    ],
  ];
  for (const [reply, text] of replies) {
    const federation = new LocalFederation();
    federation.addNodes(2, new ClientApp().train((_message, { nodeId }) => reply(nodeId)));
    await assertRejects(
      () => start(federation, { random: () => 0 }),
      InconsistentRepliesError,
      text,
    );
  }
});

Deno.test("FedAvg samples by Flower's rule, and waits until enough nodes are online", async () => {
  // Nodes online, fraction, least nodes, least available: sampled.
  const rules: [number, number, number, number, number][] = [
    [10, 0.5, 2, 2, 5],
    [10, 0.19, 2, 2, 2],
    [5, 0.99, 1, 5, 4],
    [3, 0, 2, 2, 0],
    [4, 1, 0, 0, 4],
  ];
  for (const [online, fraction, minNodes, minAvailableNodes, sampled] of rules) {
    const federation = new LocalFederation();
    federation.addNodes(online, adding);
    const messages = await new FedAvg({
      fractionTrain: fraction,
      minTrainNodes: minNodes,
      minAvailableNodes,
      random: () => 0.999,
    }).configureTrain({
      round: 1,
      arrays: initialArrays,
      config: new ConfigRecord(),
      grid: federation.grid(),
    });
    const nodeIds = new Set(messages.map(({ metadata }) => metadata.dstNodeId));
    assertEquals([messages.length, nodeIds.size], [sampled, sampled]);
  }
});

Deno.test("FedAvg waits for nodes that are not online yet", async () => {
  const federation = new LocalFederation();
  federation.addNodes(1, adding);
  let looks = 0;
  federation.getNodeIds = () => {
    if (++looks === 3) federation.addNodes(2, adding);
    return LocalFederation.prototype.getNodeIds.call(federation);
  };
  const { result, printed } = await start(federation, {}, { numRounds: 1 });
  assertEquals(result.trainMetricsClientApp.size, 1);
  assertEquals(printed.filter((line) => line.includes("Waiting for nodes: 1 online")).length, 2);
});

Deno.test("FedAvg refuses fractions and numbers that mean nothing", () => {
  const bad: FedAvgOptions[] = [
    { fractionTrain: -0.1 },
    { fractionEvaluate: 1.1 },
    { fractionTrain: NaN },
    { minTrainNodes: 1.5 },
    { minAvailableNodes: -1 },
  ];
  for (const options of bad) assertThrows(() => new FedAvg(options), RangeError);
});
