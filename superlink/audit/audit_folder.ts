/**
 * The folder of an audit log, for those who write it and those who read it:
 *
 * | file | what it is |
 * |---|---|
 * | `audit-0000000001.jsonl` | lines, one after the other; the name says the number of the first |
 * | `head` | number and hash of the last line, so that one that is missing at the end is missed |
 * | `reserve` | room for a last line on a full disk |
 *
 * @module
 */

import { join } from "node:path";
import type { ChainEnd } from "./audit_line.ts";

const FILE_NAME = /^audit-(\d{10,15})\.jsonl$/;
const HEAD = /^(\d{1,15}) ([0-9a-f]{64})\n$/;

/** The file that says the last line. */
export const HEAD_NAME = "head";
/** The file that keeps room. */
export const RESERVE_NAME = "reserve";

/** The folder that belongs to a database file. */
export function auditFolderOf(databasePath: string): string {
  return `${databasePath}.audit`;
}

/** The name of a file whose first line has the number `seq`. */
export function auditFileName(seq: number): string {
  return `audit-${String(seq).padStart(10, "0")}.jsonl`;
}

/** The names of the files with lines, oldest first; none when there is no folder. */
export async function auditFiles(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) if (FILE_NAME.test(name)) names.push(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort((a, b) => firstOf(a) - firstOf(b));
}

function firstOf(name: string): number {
  return Number(FILE_NAME.exec(name)?.[1]);
}

/** Writes the head as its file has it: always of one length, to be written in one go. */
export function encodeHead({ seq, hash }: ChainEnd): string {
  return `${String(seq).padStart(15, "0")} ${hash}\n`;
}

/** What the head file says, or why it says nothing. */
export async function readHead(
  folder: string,
): Promise<ChainEnd | "missing" | "empty" | "unreadable"> {
  let text: string;
  try {
    text = await Deno.readTextFile(join(folder, HEAD_NAME));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "missing";
    throw error;
  }
  // Made at a start, before the first line.
  if (text === "") return "empty";
  const match = HEAD.exec(text);
  return match?.[2] === undefined ? "unreadable" : { seq: Number(match[1]), hash: match[2] };
}

/** A line as it stands in its file. */
export interface RawLine {
  readonly file: string;
  /** Counted from 1 within what is read. */
  readonly lineNumber: number;
  readonly bytes: Uint8Array;
  /** False for bytes after the last line end. */
  readonly whole: boolean;
}

const NEWLINE = 0x0a;

/** Reads the lines of one file from a place on, in bytes, and what stands after the last. */
export async function* rawLines(folder: string, file: string, from = 0): AsyncGenerator<RawLine> {
  using open = await Deno.open(join(folder, file));
  await open.seek(from, Deno.SeekMode.Start);
  let rest: Uint8Array<ArrayBuffer> = new Uint8Array();
  let lineNumber = 0;
  const buffer = new Uint8Array(64 * 1024);
  for (let count = await open.read(buffer); count !== null; count = await open.read(buffer)) {
    const bytes = new Uint8Array(rest.length + count);
    bytes.set(rest);
    bytes.set(buffer.subarray(0, count), rest.length);
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(NEWLINE, start);
      if (end < 0) break;
      yield { file, lineNumber: ++lineNumber, bytes: bytes.subarray(start, end), whole: true };
      start = end + 1;
    }
    rest = bytes.slice(start);
  }
  if (rest.length > 0) yield { file, lineNumber: lineNumber + 1, bytes: rest, whole: false };
}
