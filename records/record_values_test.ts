import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { assertEquals, assertThrows } from "@std/assert";
import { ConfigRecordSchema, MetricRecordSchema } from "../proto/gen/flwr/proto/recorddict_pb.ts";
import { FlowerArray } from "./array.ts";
import { ArrayRecord } from "./array_record.ts";
import { ConfigRecord } from "./config_record.ts";
import { MetricRecord } from "./metric_record.ts";
import { ndArray } from "./ndarray.ts";
import { RecordDict } from "./record_dict.ts";
import { RecordError } from "./record_error.ts";

const metrics: readonly [string, ConstructorParameters<typeof MetricRecord>[0], string][] = [
  ["an int", { a: 1n }, "sint64"],
  ["a float", { a: 1 }, "double"],
  ["the largest int64", { a: 2n ** 63n - 1n }, "sint64"],
  ["an int past int64", { a: 2n ** 63n }, "uint64"],
  ["a list of ints", { a: [1n, -1n] }, "sintList"],
  ["a list with an int past int64", { a: [1n, 2n ** 63n] }, "uintList"],
  ["a list of floats", { a: [1] }, "doubleList"],
  ["an empty list", { a: [] }, "doubleList"],
];

for (const [what, entries, field] of metrics) {
  Deno.test(`MetricRecord carries ${what} as ${field}`, () => {
    const record = new MetricRecord(entries);
    const proto = fromBinary(MetricRecordSchema, toBinary(MetricRecordSchema, record.toProto()));
    assertEquals(proto.items[0]?.value?.value.case, field);
    assertEquals([...MetricRecord.fromProto(proto)], [...record]);
  });
}

const configs: readonly [string, ConstructorParameters<typeof ConfigRecord>[0], string][] = [
  ["a bool", { a: false }, "bool"],
  ["a str", { a: "" }, "string"],
  ["bytes", { a: new Uint8Array([1]) }, "bytes"],
  ["a list of bools", { a: [true] }, "boolList"],
  ["a list of strs", { a: ["x", ""] }, "stringList"],
  ["a list of bytes", { a: [new Uint8Array()] }, "bytesList"],
  ["a list of ints", { a: [1n] }, "sintList"],
  ["an empty list", { a: [] }, "boolList"],
];

for (const [what, entries, field] of configs) {
  Deno.test(`ConfigRecord carries ${what} as ${field}`, () => {
    const record = new ConfigRecord(entries);
    const proto = fromBinary(ConfigRecordSchema, toBinary(ConfigRecordSchema, record.toProto()));
    assertEquals(proto.items[0]?.value?.value.case, field);
    assertEquals([...ConfigRecord.fromProto(proto)], [...record]);
  });
}

/** Values that the types forbid; JavaScript callers can give them anyway. */
const forMetrics: readonly unknown[] = [
  true,
  "1",
  null,
  undefined,
  {},
  new Uint8Array(1),
  new Float32Array(1),
  [1, 1n],
  [[1]],
  [true],
  2n ** 64n,
  -(2n ** 63n) - 1n,
  [2n ** 63n, -1n],
  [2n ** 64n],
];
const forConfigs: readonly unknown[] = [
  null,
  undefined,
  {},
  new Float32Array(1),
  [1, "1"],
  [true, 1n],
  [["a"]],
  2n ** 64n,
  "\ud800",
  ["\udfff"],
];

Deno.test("MetricRecord refuses values that Flower's cannot hold", () => {
  for (const value of forMetrics) {
    assertThrows(() => new MetricRecord([["a", value as number]]), RecordError, "'a'");
  }
});

Deno.test("ConfigRecord refuses values that Flower's cannot hold", () => {
  for (const value of forConfigs) {
    assertThrows(() => new ConfigRecord([["a", value as number]]), RecordError, "'a'");
  }
});

Deno.test("Records refuse a key twice and a key that is no well-formed Unicode", () => {
  assertThrows(() => new MetricRecord([["a", 1], ["a", 2]]), RecordError, "'a' twice");
  assertThrows(() => new RecordDict([["\ud83c", new MetricRecord()]]), RecordError, "Unicode");
});

Deno.test("Records keep pairs in order and do not follow later changes of a list", () => {
  const history = [0.5];
  const record = new MetricRecord([["b", history], ["10", 1n], ["9", 2n]]);
  history.push(0.25);
  assertEquals([...record.keys()], ["b", "10", "9"]);
  assertEquals(record.get("b"), [0.5]);
  assertEquals([record.size, record.has("9"), record.get("c")], [3, true, undefined]);
});

Deno.test("RecordDict tells its records apart by kind", () => {
  const [arrays, metrics, config] = [new ArrayRecord(), new MetricRecord(), new ConfigRecord()];
  const records = new RecordDict({ config, arrays, metrics });
  assertEquals([...records.arrayRecords()], [["arrays", arrays]]);
  assertEquals([...records.metricRecords()], [["metrics", metrics]]);
  assertEquals([...records.configRecords()], [["config", config]]);
});

Deno.test("FlowerArray reads NumPy's serialization only, by the header of the data", () => {
  const array = FlowerArray.fromNdArray(ndArray(new Float32Array([1, 2]), [1, 2]));
  assertEquals([array.dtype, array.shape, array.stype], ["float32", [1, 2], "numpy.ndarray"]);
  // As Flower's legacy API writes it.
  const legacy = new FlowerArray({ ...array, dtype: "", shape: [] });
  assertEquals(legacy.toNdArray(), ndArray(new Float32Array([1, 2]), [1, 2]));
  const custom = new FlowerArray({ ...array, stype: "custom.raw" });
  assertThrows(() => custom.toNdArray(), RecordError, "'custom.raw'");
});

Deno.test("FlowerArray refuses axes that protobuf cannot carry", () => {
  for (const axis of [-1, 0.5, NaN, 2 ** 31]) {
    const fields = { dtype: "uint8", shape: [axis], stype: "custom.raw", data: new Uint8Array() };
    assertThrows(() => new FlowerArray(fields), RecordError, "shape");
  }
});
