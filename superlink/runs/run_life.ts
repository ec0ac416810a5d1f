/**
 * The life of a run as rules on its row: pending, starting, running, finished (Flower 1.25).
 *
 * @module
 */

import type { RunEnd, RunRow } from "../state/layout.ts";

/** A token lives this long until its app's first heartbeat, in microseconds. */
export const FIRST_TOKEN_LIFE_MICROS = 30_000_000;
/** And this long after each heartbeat. */
export const TOKEN_LIFE_MICROS = 60_000_000;
/** How long an app may take to report its status after it has handed in its outputs. */
export const REPORT_TIME_MICROS = 60_000_000;

/** Deno KV values have at most 64 KiB, and a run's overridden config takes most of that. */
const MAX_DETAILS_CHARACTERS = 2_000;

/** Pending to starting: somebody holds a token to start the app with. */
export function starting(row: RunRow, nowMicros: number, tokenHash: string): RunRow {
  return { ...row, status: "starting", startingAt: nowMicros, tokenHash };
}

/** Starting to pending: whoever took the token never started the app. */
export function pendingAgain(row: RunRow): RunRow {
  const { tokenHash: _, startingAt: _at, requeues: _requeues, ...rest } = row;
  return { ...rest, status: "pending" };
}

/** Starting to running: the app has its inputs. */
export function running(row: RunRow, nowMicros: number): RunRow {
  return { ...row, status: "running", runningAt: nowMicros };
}

/** The app has handed in its outputs. Its token has no lease any more; the row still knows it. */
export function outputsPushed(row: RunRow, nowMicros: number): RunRow {
  return { ...row, outputsAt: nowMicros };
}

/** The hash of the token that the run's app holds, if it holds one. */
export function heldToken(row: RunRow): string | undefined {
  return row.outputsAt === undefined ? row.tokenHash : undefined;
}

/** Whether a run may end so: `completed` only from running, and nothing from finished. */
export function mayFinish(row: RunRow, end: RunEnd): boolean {
  return row.status === "running" || row.status !== "finished" && end !== "completed";
}

/** Any open state to finished. */
export function finished(row: RunRow, nowMicros: number, end: RunEnd, details: string): RunRow {
  const { tokenHash: _, ...rest } = row;
  return { ...rest, status: "finished", end, details: shortened(details), finishedAt: nowMicros };
}

/** What fits a row: apps give the text of an exception, which may be of any length. */
function shortened(details: string): string {
  if (details.length <= MAX_DETAILS_CHARACTERS) return details;
  return `${details.slice(0, MAX_DETAILS_CHARACTERS)}…`.toWellFormed();
}

/** Why a call that needs a running run is refused; the texts are Flower's. */
export function notRunningText(row: RunRow): string | undefined {
  if (row.status === "running") return undefined;
  return `Run is ${row.status}.${row.end === "stopped" ? " Stopped by user." : ""}`;
}

/** How an app says that its run ended; `undefined` for anything else. */
export function parseRunEnd(text: string | undefined): RunEnd | undefined {
  return text === "completed" || text === "failed" || text === "stopped" ? text : undefined;
}
