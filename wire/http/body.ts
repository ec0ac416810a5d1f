/**
 * Reads the bodies of requests and answers, never more than was allowed.
 *
 * @module
 */

import { CollectedBytes } from "./collected_bytes.ts";

/** A body that was not read to its end. */
export class BodyError extends Error {
  override readonly name = "BodyError";

  constructor(readonly reason: "too large" | "too slow") {
    super(`The body is ${reason}.`);
  }
}

/** What {@linkcode readBody} allows. */
export interface BodyLimits {
  readonly maxBytes: number;
  /** How long nothing may come. */
  readonly idleMs: number;
}

/** The length that a header announces; `undefined` when there is none or it makes no sense. */
export function announcedLength(headers: Headers): number | undefined {
  const text = headers.get("content-length");
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/**
 * Reads a body to its end. Throws a {@linkcode BodyError} as soon as it is more than allowed or
 * stops coming, and leaves the rest unread.
 */
export async function readBody(
  { body, headers }: {
    readonly body: ReadableStream<Uint8Array> | null;
    readonly headers: Headers;
  },
  { maxBytes, idleMs }: BodyLimits,
): Promise<Uint8Array> {
  if ((announcedLength(headers) ?? 0) > maxBytes) throw new BodyError("too large");
  if (body === null) return new Uint8Array();
  const reader = body.getReader();
  const collected = new CollectedBytes();
  let slow = false;
  const giveUp = () => {
    slow = true;
    void reader.cancel().catch(() => {});
  };
  for (;;) {
    const timer = setTimeout(giveUp, idleMs);
    const { done, value } = await reader.read().finally(() => clearTimeout(timer));
    if (slow) throw new BodyError("too slow");
    if (done) break;
    if (collected.sizeBytes + value.length > maxBytes) {
      await reader.cancel().catch(() => {});
      throw new BodyError("too large");
    }
    collected.add(value);
  }
  // Also a single chunk is copied: it lies in a larger buffer, all of which Deno KV would store with
  // any field of the message that is kept.
  return collected.whole();
}
