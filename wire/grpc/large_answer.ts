/**
 * Answers with large contents, sent from where they lie. grpc-js would copy each into a message of its
 * own first, which for a model that all nodes of a round fetch is as many models in memory.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Stream } from "./http2_call.ts";

/** An answer as parts that follow each other. */
export class LargeAnswer {
  readonly parts: readonly Uint8Array[];
  readonly sizeBytes: number;

  constructor(parts: readonly Uint8Array[]) {
    this.parts = parts;
    this.sizeBytes = parts.reduce((sizeBytes, { length }) => sizeBytes + length, 0);
  }
}

/** As much lies in the stream's buffer at a time. */
const PIECE_BYTES = 1024 * 1024;

/** Sends an answer as one message (gRPC over HTTP/2, "Length-Prefixed-Message"), or until nobody reads. */
export async function sendLarge(stream: Stream, { parts, sizeBytes }: LargeAnswer): Promise<void> {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(sizeBytes, 1);
  for (const part of [prefix, ...parts]) {
    for (let start = 0; start < part.length; start += PIECE_BYTES) {
      const { promise, resolve } = Promise.withResolvers<Error | null | undefined>();
      stream.write(part.subarray(start, start + PIECE_BYTES), resolve);
      // What went wrong ends the stream, and its call learns of it there.
      if (await promise) return;
    }
  }
}
