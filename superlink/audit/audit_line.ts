/**
 * One line of the audit log: its fields, its only spelling, and how it holds on to the line before.
 *
 * A line is a JSON object without blanks, its keys in the order of {@linkcode AuditLine}. `prev` is the
 * hex SHA-256 of the whole line before, without its line end, or 64 zeros in the first line. `seq` counts
 * from 1. Both go on from file to file.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { AuditEntry } from "./audit.ts";

/** A line as it is written. Ids are decimal, times ISO 8601 in UTC. */
export interface AuditLine {
  readonly seq: number;
  readonly prev: string;
  readonly time: string;
  readonly action: string;
  readonly outcome: "done" | "refused";
  readonly who: Readonly<Record<string, string>>;
  readonly subject: Readonly<Record<string, string>>;
  readonly from?: string;
  readonly reason?: string;
  /** The line stands for so many refusals, or other events, that came too fast for a line each. */
  readonly count?: number;
}

/** The last line that there is, as the next one names it. */
export interface ChainEnd {
  readonly seq: number;
  readonly hash: string;
}

/** Before the first line. */
export const CHAIN_START: ChainEnd = { seq: 0, hash: "0".repeat(64) };

/** Longer texts are cut, so that a stranger's words fill no disk. */
export const MAX_TEXT = 500;

/** The hash by which the next line names this one. */
export function lineHash(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The beginning of a sentence about some lines. */
export function linesAre(first: number, last: number): string {
  return first === last ? `line ${first} is` : `lines ${first} to ${last} are`;
}

/** Writes an entry as the line after `end`, without its line end. */
export function lineAfter(
  end: ChainEnd,
  entry: AuditEntry,
  timeMicros: number,
  count?: number,
): string {
  const { action, outcome, from, reason } = entry;
  return encodeLine({
    seq: end.seq + 1,
    prev: end.hash,
    time: new Date(timeMicros / 1000).toISOString(),
    action: cut(action),
    outcome,
    who: textsOf(entry.who),
    subject: textsOf(entry.subject),
    ...(from === undefined ? {} : { from: cut(from) }),
    ...(reason === undefined ? {} : { reason: cut(reason) }),
    ...(count === undefined ? {} : { count }),
  });
}

/** Reads a line; `undefined` unless it is one in its only spelling. */
export function parseLine(text: string): AuditLine | undefined {
  const value = parseJson(text);
  if (!isRecord(value)) return undefined;
  const { seq, prev, time, action, outcome, who, subject, from, reason, count } = value;
  if (!isCount(seq) || typeof prev !== "string" || !/^[0-9a-f]{64}$/.test(prev)) return undefined;
  if (typeof time !== "string" || typeof action !== "string") return undefined;
  if (outcome !== "done" && outcome !== "refused") return undefined;
  if (!isTexts(who) || !isTexts(subject)) return undefined;
  if (!isText(from) || !isText(reason)) return undefined;
  if (count !== undefined && !isCount(count)) return undefined;
  const line: AuditLine = {
    ...{ seq, prev, time, action, outcome, who, subject },
    ...(from === undefined ? {} : { from }),
    ...(reason === undefined ? {} : { reason }),
    ...(count === undefined ? {} : { count }),
  };
  return encodeLine(line) === text ? line : undefined;
}

function encodeLine(
  { seq, prev, time, action, outcome, who, subject, from, reason, count }: AuditLine,
): string {
  return JSON.stringify({
    ...{ seq, prev, time, action, outcome, who, subject, from, reason, count },
  });
}

function textsOf(fields: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, cut(String(value))]]
    ),
  );
}

function cut(text: string): string {
  // A half of a surrogate pair has no spelling in UTF-8.
  const whole = text.toWellFormed();
  return whole.length <= MAX_TEXT ? whole : `${whole.slice(0, MAX_TEXT).toWellFormed()}…`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

function isText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return isRecord(value) && Object.values(value).every((member) => typeof member === "string");
}
