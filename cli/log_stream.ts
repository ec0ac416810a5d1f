/**
 * Follows the log of a run, through time limits and lost connections.
 *
 * @module
 */

import { delay } from "@std/async";
import type { SuperLinkConnection } from "../config/connection.ts";
import { StatusError } from "../wire/status.ts";
import { openControl } from "./control.ts";
import { controlError } from "./control_error.ts";

/** A run's log, where it was left off. */
export interface LogSource {
  readonly connection: SuperLinkConnection;
  readonly runId: bigint;
}

/** How a log is followed. */
export interface FollowOptions {
  /** Takes the next piece of the log as it is, line ends included. */
  readonly write: (text: string) => void;
  /** Tells the person that the connection was lost. */
  readonly say: (line: string) => void;
  /** Ends the following; the run goes on. */
  readonly signal: AbortSignal;
  /** How often a lost connection is made again, and the first pause before it. */
  readonly retries?: number;
  readonly firstPauseMs?: number;
}

/** Streams are renewed this often, as Flower's CLI does, so that none outlives a proxy's limit. */
const STREAM_TIMEOUT_MS = 60_000;
const MAX_PAUSE_MS = 8_000;

/**
 * Follows the log until the run is finished (`true`) or `signal` aborts (`false`). Throws an error
 * for a person when the SuperLink refuses, or stays away.
 */
export async function followLog(source: LogSource, options: FollowOptions): Promise<boolean> {
  const { signal, say, retries = 10, firstPauseMs = 500 } = options;
  let afterTimestamp = 0;
  let failures = 0;
  let wasConnected = false;
  while (!signal.aborted) {
    try {
      for await (const answer of openLog(source, afterTimestamp, STREAM_TIMEOUT_MS, signal)) {
        options.write(answer.logOutput);
        afterTimestamp = answer.latestTimestamp;
        failures = 0;
        wasConnected = true;
      }
      return true;
    } catch (error) {
      if (signal.aborted) break;
      if (error instanceof StatusError && error.status === "DEADLINE_EXCEEDED") {
        wasConnected = true;
        continue;
      }
      const isLost = error instanceof StatusError && error.status === "UNAVAILABLE" && wasConnected;
      if (!isLost || ++failures > retries) throw await controlError(error, source.connection);
      if (failures === 1) say("The connection to the SuperLink was lost; trying again...");
      await pause(Math.min(firstPauseMs * 2 ** (failures - 1), MAX_PAUSE_MS), signal);
    }
  }
  return false;
}

/** What the log holds now: read until nothing more comes for `quietMs`. */
export async function readLog(
  source: LogSource,
  write: (text: string) => void,
  { quietMs = 500, timeoutMs = 5_000 }: { quietMs?: number; timeoutMs?: number } = {},
): Promise<void> {
  const enough = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    for await (const answer of openLog(source, 0, timeoutMs, enough.signal)) {
      write(answer.logOutput);
      clearTimeout(timer);
      timer = setTimeout(() => enough.abort(), quietMs);
    }
  } catch (error) {
    const isOver = enough.signal.aborted ||
      error instanceof StatusError && error.status === "DEADLINE_EXCEEDED";
    if (!isOver) throw await controlError(error, source.connection);
  } finally {
    clearTimeout(timer);
  }
}

async function* openLog(
  { connection, runId }: LogSource,
  afterTimestamp: number,
  timeoutMs: number,
  signal: AbortSignal,
) {
  using control = await openControl(connection);
  yield* control.streamLogs({ runId, afterTimestamp }, { timeoutMs, signal });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
