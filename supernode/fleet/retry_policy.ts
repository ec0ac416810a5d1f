/**
 * When a failed call is tried again, and how long the pause before it is.
 *
 * @module
 */

import type { StatusError } from "../../wire/status.ts";

/** The limits of Flower's `--max-retries` and `--max-wait-time`, for each call; absent: none. */
export interface RetryLimits {
  /** A call is tried once more than this. */
  readonly maxRetries?: number | undefined;
  /** No try starts later than this after the first one. */
  readonly maxWaitMs?: number | undefined;
}

const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 20_000;

/**
 * The pause before the `retry`-th retry (from 1): 1, 2, 4, 8, 16, 20, 20 … s, each times a random
 * factor from 0 to 1 ("full jitter"), as in Flower 1.25, so that a fleet does not come back as one.
 */
export function backoffMs(retry: number, random: () => number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** (retry - 1), MAX_DELAY_MS) * random();
}

/**
 * Whether a call that failed this way may succeed when it is made again. Flower retries
 * `UNAVAILABLE` only, and over HTTP calls that took too long; what else is listed here comes from a
 * connection that broke during the call, from a server that is going away, or from a full thread
 * pool of Flower's own SuperLink.
 */
export function isTransient(error: StatusError): boolean {
  switch (error.status) {
    case "UNAVAILABLE":
    case "CANCELLED":
    case "DEADLINE_EXCEEDED":
      return true;
    case "INTERNAL":
      // An HTTP/2 stream that was reset (codes other than 0), which is no answer of a service.
      return /^Received RST_STREAM with code [1-9]/.test(error.message);
    case "RESOURCE_EXHAUSTED":
      return error.message.startsWith("Concurrent RPC limit exceeded");
    default:
      return false;
  }
}
