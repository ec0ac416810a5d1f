/**
 * What peers and operators are told when the state cannot be written.
 *
 * @module
 */

import type { Log } from "../terminal/log.ts";
import type { Service } from "../wire/service.ts";
import { StatusError, type StatusName } from "../wire/status.ts";
import { StorageFailure } from "./state/commit.ts";

/** How often the log repeats that the state cannot be written, in milliseconds. */
const REPEAT_MS = 10_000;

/** Tells the operator of failures, not of each one. */
export class StorageAlarm {
  readonly #log: Log;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Logs the failure, unless one was logged a moment ago. */
  raise({ cause }: StorageFailure): void {
    const nowMs = performance.now();
    if (nowMs - this.#toldAtMs < REPEAT_MS) return;
    this.#toldAtMs = nowMs;
    this.#log.error(
      "state.write-failed",
      "The state cannot be written, calls are refused until it can: is the disk full? " +
        String(cause instanceof Error ? cause.message : cause),
    );
  }
}

/**
 * A service whose calls answer `status` when the state cannot be written: `UNAVAILABLE` for
 * SuperNodes, which retry nothing else and drop a reply for good, `RESOURCE_EXHAUSTED` for apps and
 * the CLI, which would wait for ever. SuperNodes are told so of what nobody expected, too, as of a file
 * that cannot be read: they end on `INTERNAL` and 500.
 */
export function atStorageBoundary(
  service: Service,
  status: StatusName,
  alarm: StorageAlarm,
): Service {
  const told = (error: unknown): unknown => {
    if (error instanceof StorageFailure) {
      alarm.raise(error);
      return new StatusError(status, error.message);
    }
    if (error instanceof StatusError || status !== "UNAVAILABLE") return error;
    return new StatusError(status, "Internal server error.", { cause: error });
  };
  return {
    descriptor: service.descriptor,
    admit: (call) => service.admit(call).catch((error) => Promise.reject(told(error))),
    call: (method, request, caller, signal) =>
      service.call(method, request, caller, signal).catch((error) => Promise.reject(told(error))),
    async *stream(method, request, caller, signal) {
      try {
        yield* service.stream(method, request, caller, signal);
      } catch (error) {
        throw told(error);
      }
    },
  };
}
