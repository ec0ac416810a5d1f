import { assertEquals } from "@std/assert";
import { ConfigRecord } from "../../records/config_record.ts";
import { MetricRecord } from "../../records/metric_record.ts";
import { RecordDict } from "../../records/record_dict.ts";
import type { MetricValue } from "../../records/record_value.ts";
import { arrays, instruction } from "../testing/test_messages.ts";
import { MAX_METRICS, readSmallRecord, type SmallRecord } from "./small_records.ts";

/** The bytes of the record in a message; the first object of its tree that has no children. */
function recordOf(content: RecordDict): Uint8Array {
  const { contents } = instruction({ runId: 1n, nodeId: 2n, nowMicros: 0, content });
  const [bytes = new Uint8Array()] = contents.values();
  return bytes;
}

const metrics = (entries: Record<string, MetricValue>) =>
  recordOf(new RecordDict({ metrics: new MetricRecord(entries) }));
const config = (entries: Record<string, bigint | string | number>) =>
  recordOf(new RecordDict({ config: new ConfigRecord(entries) }));
const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`m${i}`, i + 0.5]));

/** Objects, and what is read of them. */
const RECORDS: [name: string, content: Uint8Array, expected: SmallRecord | undefined][] = [
  ["metrics", metrics({ loss: 0.5, "num-examples": 10n, hits: 3n }), {
    metrics: [["loss", 0.5], ["hits", 3]],
    examples: 10,
  }],
  ["metrics of Flower's older strategies", metrics({ loss: 0.5, num_examples: 7n }), {
    metrics: [["loss", 0.5]],
    examples: 7,
  }],
  ["no examples", metrics({ "num-examples": 0n }), { metrics: [], examples: undefined }],
  ["less than no examples", metrics({ "num-examples": -5n }), { metrics: [], examples: undefined }],
  ["numbers that are none", metrics({ a: NaN, b: Infinity, c: -Infinity, d: 1 }), {
    metrics: [["d", 1]],
    examples: undefined,
  }],
  ["lists", metrics({ curve: [1, 2, 3], loss: 1 }), {
    metrics: [["loss", 1]],
    examples: undefined,
  }],
  ["a name that is too long", metrics({ ["x".repeat(101)]: 1, y: 2 }), {
    metrics: [["y", 2]],
    examples: undefined,
  }],
  ["too many metrics", metrics(many), {
    metrics: Object.entries(many).slice(0, MAX_METRICS),
    examples: undefined,
  }],
  ["a record that is too large", metrics({ ["x".repeat(20_000)]: 1 }), undefined],
  ["the round of a config", config({ lr: 0.1, "server-round": 12n }), { metrics: [], round: 12 }],
  ["a config without a round", config({ lr: 0.1 }), undefined],
  ["a round that is a text", config({ "server-round": "1" }), undefined],
  ["a round below none", config({ "server-round": -1n }), undefined],
  ["a round without end", config({ "server-round": 2n ** 62n }), undefined],
  ["an array", recordOf(arrays(new Uint8Array(5))), undefined],
  ["no object", new TextEncoder().encode("MetricRecord"), undefined],
  ["no protobuf", new TextEncoder().encode("MetricRecord  3\0\xff\xff"), undefined],
  ["nothing", new Uint8Array(), undefined],
];

for (const [name, content, expected] of RECORDS) {
  Deno.test(`readSmallRecord() reads ${name}`, () => {
    assertEquals(readSmallRecord(content), expected);
  });
}
