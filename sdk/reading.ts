/**
 * Reads records and configs with the types that an app expects, and says what is wrong where they
 * have others.
 *
 * @module
 */

import type { ArrayRecord } from "../records/array_record.ts";
import type { ConfigRecord } from "../records/config_record.ts";
import type { MetricRecord } from "../records/metric_record.ts";
import type { NdArray } from "../records/ndarray.ts";
import type { RecordDict } from "../records/record_dict.ts";

/** Something with values under names: a ConfigRecord, a MetricRecord or a config of the context. */
export interface Values {
  get(key: string): unknown;
}

/** A record or value is missing, or not of the type that the app asked for. */
export class ReadError extends Error {
  override readonly name = "ReadError";
}

/**
 * The ArrayRecord called `name`; a strategy of Flower sends the model as `arrays`.
 *
 * @throws {ReadError} when there is none.
 */
export function arraysOf(content: RecordDict, name = "arrays"): ArrayRecord {
  return required(content.arrayRecords().get(name), "ArrayRecord", name);
}

/**
 * The ConfigRecord called `name`; a strategy of Flower sends the round's settings as `config`.
 *
 * @throws {ReadError} when there is none.
 */
export function configOf(content: RecordDict, name = "config"): ConfigRecord {
  return required(content.configRecords().get(name), "ConfigRecord", name);
}

/**
 * The MetricRecord called `name`; ClientApps reply with `metrics` by convention.
 *
 * @throws {ReadError} when there is none.
 */
export function metricsOf(content: RecordDict, name = "metrics"): MetricRecord {
  return required(content.metricRecords().get(name), "MetricRecord", name);
}

/**
 * A whole number under `key`, for example `intOf(context.runConfig, "num-server-rounds")`.
 *
 * @param fallback what to give when there is nothing under `key`.
 * @throws {ReadError} when it is missing, no int, or past 2^53 (read those with `get`).
 */
export function intOf(values: Values, key: string, fallback?: number): number {
  const value = values.get(key) ?? fallback;
  if (typeof value === "bigint" && Number.isSafeInteger(Number(value))) return Number(value);
  if (typeof value === "number" && value === fallback) return value;
  throw wrongType(key, value, "a whole number");
}

/**
 * A number under `key`. Whole numbers count too: TOML's `lr = 1` is an int.
 *
 * @param fallback what to give when there is nothing under `key`.
 * @throws {ReadError} when it is missing or no number.
 */
export function floatOf(values: Values, key: string, fallback?: number): number {
  const value = values.get(key) ?? fallback;
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  throw wrongType(key, value, "a number");
}

/**
 * A text under `key`.
 *
 * @param fallback what to give when there is nothing under `key`.
 * @throws {ReadError} when it is missing or no text.
 */
export function stringOf(values: Values, key: string, fallback?: string): string {
  const value = values.get(key) ?? fallback;
  if (typeof value === "string") return value;
  throw wrongType(key, value, "a text");
}

/**
 * True or false under `key`.
 *
 * @param fallback what to give when there is nothing under `key`.
 * @throws {ReadError} when it is missing or neither.
 */
export function booleanOf(values: Values, key: string, fallback?: boolean): boolean {
  const value = values.get(key) ?? fallback;
  if (typeof value === "boolean") return value;
  throw wrongType(key, value, "true or false");
}

/**
 * The elements of a `float64` array, in C order, copied: the app may write to them.
 *
 * @throws {ReadError} when there is no such array, or it has another dtype.
 */
export function float64Of(arrays: ArrayRecord, key: string): Float64Array<ArrayBuffer> {
  const array = ndArrayOf(arrays, key);
  if (array.dtype === "float64") return new Float64Array(array.data);
  throw wrongDType(key, array, "float64");
}

/**
 * The elements of a `float32` array, in C order, copied: the app may write to them.
 *
 * @throws {ReadError} when there is no such array, or it has another dtype.
 */
export function float32Of(arrays: ArrayRecord, key: string): Float32Array<ArrayBuffer> {
  const array = ndArrayOf(arrays, key);
  if (array.dtype === "float32") return new Float32Array(array.data);
  throw wrongDType(key, array, "float32");
}

/**
 * An array of any dtype with its shape. The elements may share memory with the record: to change
 * them, work on a copy.
 *
 * @throws {ReadError} when there is no such array.
 * @throws {RecordError} when it was not serialized by NumPy's rules.
 */
export function ndArrayOf(arrays: ArrayRecord, key: string): NdArray {
  const array = arrays.get(key);
  if (array === undefined) {
    throw new ReadError(`There is no array '${key}', only: ${[...arrays.keys()].join(", ")}.`);
  }
  return array.toNdArray();
}

function required<T>(record: T | undefined, kind: string, name: string): T {
  if (record === undefined) throw new ReadError(`The content has no ${kind} called '${name}'.`);
  return record;
}

function wrongType(key: string, value: unknown, expected: string): ReadError {
  return value === undefined
    ? new ReadError(`There is no value '${key}'.`)
    : new ReadError(`The value '${key}' is ${typeof value}, where ${expected} is expected.`);
}

function wrongDType(key: string, { dtype }: NdArray, expected: string): ReadError {
  return new ReadError(`The array '${key}' has the dtype ${dtype}, where ${expected} is expected.`);
}
