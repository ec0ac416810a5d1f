import type { ArrayRecord } from "../../records/array_record.ts";
import type { Message } from "../../records/message.ts";
import type { MetricRecord } from "../../records/metric_record.ts";
import type { RecordDict } from "../../records/record_dict.ts";
import { InconsistentRepliesError } from "./inconsistent_replies.ts";

/** Replies apart: the contents of good ones, and errors, both in the order in which they came. */
export interface SortedReplies {
  readonly contents: readonly RecordDict[];
  readonly errors: readonly { readonly nodeId: bigint; readonly reason: string }[];
}

/** Tells replies with content from errors. */
export function sortReplies(replies: readonly Message[]): SortedReplies {
  return {
    contents: replies.flatMap(({ content }) => content ?? []),
    errors: replies.flatMap(({ metadata, error }) =>
      error === undefined ? [] : [{ nodeId: metadata.srcNodeId, reason: error.reason }]
    ),
  };
}

/**
 * The one ArrayRecord of each reply.
 *
 * @throws {InconsistentRepliesError} when a reply has none or several, or when their names or keys
 * are not the same in all replies. These are the rules of Flower 1.25.
 */
export function onlyArrays(contents: readonly RecordDict[]): readonly ArrayRecord[] {
  return onlyRecords("ArrayRecord", contents.map((content) => content.arrayRecords()));
}

/** As {@linkcode onlyArrays}, for the one MetricRecord of each reply. */
export function onlyMetrics(contents: readonly RecordDict[]): readonly MetricRecord[] {
  return onlyRecords("MetricRecord", contents.map((content) => content.metricRecords()));
}

function onlyRecords<R extends { keys(): Iterable<string> }>(
  kind: string,
  perReply: readonly ReadonlyMap<string, R>[],
): readonly R[] {
  const named = perReply.map((records) => {
    const [first, ...more] = records;
    if (first === undefined || more.length > 0) {
      throw new InconsistentRepliesError(
        `Each reply must hold exactly one ${kind}, and one holds ${records.size}.`,
      );
    }
    return first;
  });
  const [[expectedName, expected] = ["", undefined]] = named;
  const expectedKeys = new Set(expected?.keys());
  for (const [name, record] of named) {
    const keys = new Set(record.keys());
    if (name !== expectedName || keys.symmetricDifference(expectedKeys).size > 0) {
      throw new InconsistentRepliesError(
        `The ${kind}s of all replies must have the same name and keys; there are ` +
          `'${expectedName}' with ${list(expectedKeys)} and '${name}' with ${list(keys)}.`,
      );
    }
  }
  return named.map(([, record]) => record);
}

function list(keys: ReadonlySet<string>): string {
  return keys.size === 0 ? "nothing" : [...keys].map((key) => `'${key}'`).join(", ");
}
