/**
 * What is read of the small objects of messages: numbers that replies report, and the round that an
 * instruction is of. Arrays are never looked at. Any node may send anything, so all of it is bounded.
 *
 * @module
 */

import { fromBinary } from "@bufbuild/protobuf";
import {
  ConfigRecordSchema,
  MetricRecordSchema,
} from "../../proto/gen/flwr/proto/recorddict_pb.ts";
import { parseObject } from "../../records/object_head.ts";

/** What a record says. */
export interface SmallRecord {
  /** Numbers by their names, of a MetricRecord. */
  readonly metrics: readonly (readonly [name: string, value: number])[];
  /** How many examples they are of. */
  readonly examples?: number | undefined;
  /** The round that a ConfigRecord names, as Flower's strategies write it there. */
  readonly round?: number | undefined;
}

/** A record that is larger is passed over: reading it would take longer than it is worth. */
export const MAX_RECORD_BYTES = 16 * 1024;
/** Metrics of one record; more are passed over. */
export const MAX_METRICS = 30;
/** A longer name is no name for a plot. */
export const MAX_NAME_CHARACTERS = 100;
/** The number of a round, as far as it is one. */
export const MAX_ROUND = 999_999_999;
/** Numbers that are remembered at most, of all runs. */
const MAX_REMEMBERED = 50_000;

/** Flower's strategies weigh replies by this one; their older ones call it `num_examples`. */
const EXAMPLES_KEYS: ReadonlySet<string> = new Set(["num-examples", "num_examples"]);
const ROUND_KEY = "server-round";
const METRIC_HEAD = new TextEncoder().encode("MetricRecord ");
const CONFIG_HEAD = new TextEncoder().encode("ConfigRecord ");

/** Reads an object; `undefined` when it is no small record, or malformed. */
export function readSmallRecord(content: Uint8Array): SmallRecord | undefined {
  if (content.length > MAX_RECORD_BYTES) return undefined;
  const isMetrics = startsWith(content, METRIC_HEAD);
  if (!isMetrics && !startsWith(content, CONFIG_HEAD)) return undefined;
  try {
    const { body } = parseObject(content);
    return isMetrics ? readMetrics(body) : readConfig(body);
  } catch {
    return undefined;
  }
}

/** The records that came lately, by the ids of their objects. */
export class SmallRecords {
  readonly #records = new Map<string, SmallRecord>();
  #remembered = 0;

  /** Takes note of an object, if it is a small record. */
  add(runId: bigint, objectId: string, content: Uint8Array): void {
    const record = readSmallRecord(content);
    const key = keyOf(runId, objectId);
    if (!record || this.#records.has(key)) return;
    this.#records.set(key, record);
    this.#remembered += sizeOf(record);
    for (const [oldest, { metrics }] of this.#records) {
      if (this.#remembered <= MAX_REMEMBERED) break;
      this.#records.delete(oldest);
      this.#remembered -= sizeOf({ metrics });
    }
  }

  /** What is known of objects. */
  of(runId: bigint, objectIds: readonly string[]): SmallRecord[] {
    return objectIds.flatMap((objectId) => this.#records.get(keyOf(runId, objectId)) ?? []);
  }
}

function readMetrics(body: Uint8Array): SmallRecord {
  const { items } = fromBinary(MetricRecordSchema, body);
  const metrics: [string, number][] = [];
  let examples: number | undefined;
  for (const { key, value: { value } = {} } of items) {
    if (value?.case !== "double" && value?.case !== "sint64" && value?.case !== "uint64") continue;
    const number = Number(value.value);
    if (!Number.isFinite(number)) continue;
    if (EXAMPLES_KEYS.has(key)) examples = number > 0 ? number : undefined;
    else if (key.length <= MAX_NAME_CHARACTERS && metrics.length < MAX_METRICS) {
      metrics.push([key, number]);
    }
  }
  return { metrics, examples };
}

function readConfig(body: Uint8Array): SmallRecord | undefined {
  const { items } = fromBinary(ConfigRecordSchema, body);
  const value = items.find(({ key }) => key === ROUND_KEY)?.value?.value;
  if (value?.case !== "sint64" && value?.case !== "uint64") return undefined;
  const round = Number(value.value);
  return round >= 0 && round <= MAX_ROUND ? { metrics: [], round } : undefined;
}

function startsWith(content: Uint8Array, head: Uint8Array): boolean {
  return content.length >= head.length && head.every((byte, index) => content[index] === byte);
}

function keyOf(runId: bigint, objectId: string): string {
  return `${runId}/${objectId}`;
}

function sizeOf({ metrics }: Pick<SmallRecord, "metrics">): number {
  return metrics.length + 1;
}
