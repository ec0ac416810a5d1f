import { createHash } from "node:crypto";

const OBJECT_ID = /^[0-9a-f]{64}$/;

/** Whether `text` is an object id: the 64 lower-case hex digits of a SHA-256. */
export function isObjectId(text: string): boolean {
  return OBJECT_ID.test(text);
}

/**
 * The object id of a content that is given in pieces (head, then body): lower-case hex SHA-256 over
 * all of them. In pieces, so that an array chunk is hashed where it lies and not copied behind its head.
 */
export function objectIdOf(...pieces: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
}
