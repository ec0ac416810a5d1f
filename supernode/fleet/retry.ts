import { StatusError } from "../../wire/status.ts";
import type { Clock } from "../clock.ts";
import { untilAborted } from "../waiting.ts";
import { backoffMs, isTransient, type RetryLimits } from "./retry_policy.ts";

/** Told how the tries of calls go; several calls may report at once. */
export interface RetryObserver {
  /** A try failed and another one follows after a pause. Throws to give up at once instead. */
  failed(error: StatusError): Promise<void>;
  /** A try succeeded, or got an answer that no retry would change. */
  answered(): void;
}

/** What {@linkcode retry} works with. */
export interface RetryOptions {
  readonly limits: RetryLimits;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly observer: RetryObserver;
}

/** The limits are used up. `cause` is the error of the last try. */
export class RetriesExhausted extends Error {
  override readonly name = "RetriesExhausted";

  constructor(readonly tries: number, readonly elapsedMs: number, cause: StatusError) {
    super(cause.message, { cause });
  }
}

/**
 * Makes a call until it is answered, with a pause between the tries.
 *
 * Throws what a try throws if that is not transient, {@linkcode RetriesExhausted} when the limits
 * are used up, what the observer throws, and the signal's reason once it aborts.
 */
export async function retry<T>(
  attempt: () => Promise<T>,
  { limits, clock, random, observer }: RetryOptions,
  signal: AbortSignal,
  isRetried: (error: StatusError) => boolean = isTransient,
): Promise<T> {
  const startMs = clock.nowMs();
  const { maxRetries = Infinity, maxWaitMs = Infinity } = limits;
  for (let tries = 1;; tries++) {
    signal.throwIfAborted();
    try {
      const answer = await attempt();
      observer.answered();
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof StatusError)) throw error;
      if (!isRetried(error)) {
        observer.answered();
        throw error;
      }
      const elapsedMs = clock.nowMs() - startMs;
      if (tries > maxRetries || elapsedMs >= maxWaitMs) {
        throw new RetriesExhausted(tries, elapsedMs, error);
      }
      const delayMs = Math.min(backoffMs(tries, random), maxWaitMs - elapsedMs);
      await untilAborted(observer.failed(error), signal);
      await clock.sleep(delayMs, signal);
    }
  }
}
