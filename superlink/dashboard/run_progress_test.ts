import { assertEquals } from "@std/assert";
import { ProgressReader } from "./run_progress.ts";

function readAll(...texts: string[]) {
  const reader = new ProgressReader();
  for (const text of texts) reader.read(text);
  return reader.progress;
}

const FLOWER = `\u001b[92mINFO \u001b[0m:      Starting FedAvg strategy:
\u001b[92mINFO \u001b[0m:      Initial global evaluation results: {'accuracy': 0.1}
\u001b[92mINFO \u001b[0m:      [ROUND 1/3]
INFO :      configure_train: Sampled 2 nodes (out of 2)
INFO :      aggregate_train: Received 2 results and 0 failures
INFO :      \t└──> Aggregated MetricRecord: {'train_loss': 1.25, 'num-examples': 40}
INFO :      configure_evaluate: Sampled 2 nodes (out of 2)
INFO :      aggregate_evaluate: Received 2 results and 0 failures
INFO :      \t└──> Aggregated MetricRecord: {'eval_acc': 5e-01}
INFO :      Global evaluation
INFO :      \t└──> MetricRecord: {'accuracy': 0.25}
INFO :      [ROUND 2/3]
INFO :      aggregate_train: Received 2 results and 0 failures
INFO :      \t└──> Aggregated MetricRecord: {'train_loss': -0.5, 'num-examples': 40}
`;

const EXPECTED = {
  round: 2,
  rounds: 3,
  series: [
    { phase: "central evaluation", name: "accuracy", points: [[0, 0.1], [1, 0.25]] },
    { phase: "train", name: "train_loss", points: [[1, 1.25], [2, -0.5]] },
    { phase: "train", name: "num-examples", points: [[1, 40], [2, 40]] },
    { phase: "evaluate", name: "eval_acc", points: [[1, 0.5]] },
  ],
};

Deno.test("ProgressReader reads rounds and metrics of Flower's strategies", () => {
  assertEquals<unknown>(readAll(FLOWER), EXPECTED);
});

Deno.test("ProgressReader does not mind where a log is cut", () => {
  assertEquals<unknown>(readAll(...FLOWER), EXPECTED);
});

Deno.test("ProgressReader reads what the strategies of Trellis print", () => {
  const { round, rounds, series } = readAll(
    "Starting FedAvg: 2 rounds, a model of 0.01 MiB.\n\n[ROUND 1/2]\n" +
      "  train: { loss: 0.75, num-examples: 10 }\n  evaluate: { loss: 1e-3 }\n\n[ROUND 2/2]\n  train: { loss: 0.5 }\n",
  );
  assertEquals([round, rounds], [2, 2]);
  assertEquals<unknown>(series, [
    { phase: "train", name: "loss", points: [[1, 0.75], [2, 0.5]] },
    { phase: "train", name: "num-examples", points: [[1, 10]] },
    { phase: "evaluate", name: "loss", points: [[1, 0.001]] },
  ]);
});

Deno.test("ProgressReader reads older strategies, which do not say how many rounds there will be", () => {
  const { round, rounds } = readAll("INFO :      [ROUND 4]\nINFO :      configure_fit: strategy\n");
  assertEquals([round, rounds], [4, undefined]);
});

Deno.test("ProgressReader makes nothing of other lines, and keeps a bounded number of series", () => {
  assertEquals(readAll("loss: 3\nI say: {'a': 1}\n").series, []);
  const many = Array.from({ length: 200 }, (_, i) => `m${i}: 1`).join(", ");
  assertEquals(readAll(`[ROUND 1/1]\n  train: { ${many} }\n`).series.length, 40);
});
