import { assertEquals, assertThrows } from "@std/assert";
import { ArrayRecord } from "../../records/array_record.ts";
import { FlowerArray } from "../../records/array.ts";
import { layoutOf } from "../../records/dtype.ts";
import { MetricRecord } from "../../records/metric_record.ts";
import { type DType, type NdArray, ndArray } from "../../records/ndarray.ts";
import { aggregateArrays } from "./aggregate_arrays.ts";
import { aggregateMetrics, weightFactors } from "./aggregate_metrics.ts";
import { InconsistentRepliesError } from "./inconsistent_replies.ts";

interface ShownArray {
  readonly dtype: DType;
  readonly shape: number[];
  readonly data: string;
}

interface Case {
  readonly weights: number[];
  readonly arrays: ShownArray[];
  readonly metrics: Record<string, number | number[]>[];
  readonly aggregatedArray: ShownArray;
  readonly aggregatedMetrics: Record<string, number | number[]>;
}

/** Made by `testdata/aggregation.py` with Flower 1.25.0 and NumPy 2.4.6. */
const cases: Case[] = JSON.parse(
  await Deno.readTextFile(new URL("../testdata/aggregation.json", import.meta.url)),
);

function parse({ dtype, shape, data }: ShownArray): NdArray {
  const bytes = Uint8Array.fromHex(data);
  const layout = layoutOf(dtype);
  return layout.view(bytes.buffer, 0, bytes.length / layout.itemSizeBytes, shape);
}

function show({ dtype, shape, data }: NdArray): ShownArray {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { dtype, shape: [...shape], data: bytes.toHex() };
}

for (const dtype of new Set(cases.map(({ arrays }) => arrays[0]?.dtype))) {
  Deno.test(`the weighted mean of ${dtype} arrays and of metrics is Flower's, bit by bit`, () => {
    for (const { weights, arrays, metrics, aggregatedArray, aggregatedMetrics } of cases) {
      if (arrays[0]?.dtype !== dtype) continue;
      const metricRecords = metrics.map((metric, index) =>
        new MetricRecord({ ...metric, "num-examples": weights[index]! })
      );
      const factors = weightFactors(metricRecords, "num-examples");
      const records = arrays.map((array) => ArrayRecord.fromNdArrays([["a", parse(array)]]));
      const aggregated = aggregateArrays(records, factors).get("a")!.toNdArray();
      assertEquals(show(aggregated), aggregatedArray);
      assertEquals(
        Object.fromEntries(aggregateMetrics(metricRecords, factors, "num-examples")),
        aggregatedMetrics,
      );
    }
  });
}

Deno.test("aggregateArrays() leaves the replies as they are", () => {
  const record = ArrayRecord.fromNdArrays([["a", ndArray(new Float64Array([1, 2]))]]);
  const before = record.get("a")!.data.slice();
  aggregateArrays([record, record], [0.5, 0.5]);
  assertEquals(record.get("a")!.data, before);
});

Deno.test("aggregateArrays() keeps the order of the first reply's keys", () => {
  const array = FlowerArray.fromNdArray(ndArray(new Float32Array(1)));
  const one = new ArrayRecord([["b", array], ["10", array], ["9", array]]);
  const other = new ArrayRecord([["9", array], ["b", array], ["10", array]]);
  assertEquals([...aggregateArrays([one, other], [0.5, 0.5]).keys()], ["b", "10", "9"]);
});

Deno.test("aggregateArrays() refuses arrays that differ in dtype or shape", () => {
  const of = (array: NdArray) => ArrayRecord.fromNdArrays([["a", array]]);
  const bases: [NdArray, NdArray, string][] = [
    [ndArray(new Float32Array(2)), ndArray(new Float64Array(2)), "float32 of shape (2)"],
    [ndArray(new Float32Array(2)), ndArray(new Float32Array(3)), "float32 of shape (3)"],
    [ndArray(new Float64Array(4), [2, 2]), ndArray(new Float64Array(4), [4]), "(2, 2)"],
    [ndArray(new Int32Array(2)), ndArray(new Float32Array(2)), "float32"],
  ];
  for (const [one, other, text] of bases) {
    assertThrows(
      () => aggregateArrays([of(one), of(other)], [0.5, 0.5]),
      InconsistentRepliesError,
      text,
    );
  }
});

Deno.test("aggregateMetrics() refuses a metric that is a list in one reply only", () => {
  const values: [number | number[], number | number[]][] = [[1, [1]], [[1, 2], [1]]];
  for (const [one, other] of values) {
    assertThrows(
      () =>
        aggregateMetrics(
          [new MetricRecord({ m: one }), new MetricRecord({ m: other })],
          [0.5, 0.5],
          "num-examples",
        ),
      InconsistentRepliesError,
      "'m'",
    );
  }
});

Deno.test("weightFactors() refuses weights that are lists, missing, or add up to nothing", () => {
  const bad: [Record<string, bigint | number | bigint[]>, string][] = [
    [{ n: [1n] }, "single number"],
    [{ m: 1n }, "single number"],
    [{ n: 0n }, "adds up to 0"],
    [{ n: NaN }, "adds up to NaN"],
  ];
  for (const [metrics, text] of bad) {
    assertThrows(
      () => weightFactors([new MetricRecord(metrics)], "n"),
      InconsistentRepliesError,
      text,
    );
  }
});
