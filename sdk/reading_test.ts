import { assertEquals, assertThrows } from "@std/assert";
import {
  ArrayRecord,
  arraysOf,
  booleanOf,
  configOf,
  ConfigRecord,
  float32Of,
  float64Of,
  floatOf,
  intOf,
  MetricRecord,
  metricsOf,
  ndArray,
  ndArrayOf,
  ReadError,
  RecordDict,
  stringOf,
} from "./mod.ts";

const values = new Map<string, unknown>([
  ["int", 3n],
  ["float", 1.5],
  ["text", "a"],
  ["yes", true],
  ["huge", 2n ** 60n],
]);

Deno.test("values are read with the types that they have", () => {
  assertEquals(intOf(values, "int"), 3);
  assertEquals(floatOf(values, "float"), 1.5);
  assertEquals(floatOf(values, "int"), 3);
  assertEquals(stringOf(values, "text"), "a");
  assertEquals(booleanOf(values, "yes"), true);
});

Deno.test("a fallback stands in for what is missing only", () => {
  assertEquals(intOf(values, "no", 0), 0);
  assertEquals(intOf(values, "int", 0), 3);
  assertEquals(floatOf(values, "no", 0.5), 0.5);
  assertEquals(stringOf(values, "no", ""), "");
  assertEquals(booleanOf(values, "no", false), false);
});

const refused: [() => unknown, string][] = [
  [() => intOf(values, "float"), "'float' is number, where a whole number"],
  [() => intOf(values, "float", 1), "'float' is number"],
  [() => intOf(values, "huge"), "'huge'"],
  [() => intOf(values, "no"), "There is no value 'no'"],
  [() => floatOf(values, "text"), "'text' is string, where a number"],
  [() => stringOf(values, "int"), "'int' is bigint, where a text"],
  [() => booleanOf(values, "int"), "'int' is bigint, where true or false"],
];

Deno.test("a value of another type is refused by name", () => {
  for (const [read, text] of refused) assertThrows(read, ReadError, text);
});

const arrays = ArrayRecord.fromNdArrays([
  ["single", ndArray(new Float32Array([1, 2]))],
  ["double", ndArray(new Float64Array([1, 2, 3, 4]), [2, 2])],
]);
const content = new RecordDict({
  arrays,
  config: new ConfigRecord({ lr: 0.1 }),
  metrics: new MetricRecord({ loss: 1 }),
});

Deno.test("records are read by kind and name, by default those that strategies use", () => {
  assertEquals(arraysOf(content), arrays);
  assertEquals(floatOf(configOf(content), "lr"), 0.1);
  assertEquals(floatOf(metricsOf(content, "metrics"), "loss"), 1);
  assertThrows(() => arraysOf(content, "config"), ReadError, "no ArrayRecord called 'config'");
  assertThrows(() => configOf(new RecordDict()), ReadError, "no ConfigRecord called 'config'");
});

Deno.test("arrays are read as copies of the dtype that was asked for", () => {
  const copy = float64Of(arrays, "double");
  copy.fill(0);
  assertEquals(float64Of(arrays, "double"), new Float64Array([1, 2, 3, 4]));
  assertEquals(float32Of(arrays, "single"), new Float32Array([1, 2]));
  assertEquals(ndArrayOf(arrays, "double").shape, [2, 2]);
  assertThrows(() => float64Of(arrays, "single"), ReadError, "has the dtype float32");
  assertThrows(() => float32Of(arrays, "no"), ReadError, "no array 'no', only: single, double");
});
