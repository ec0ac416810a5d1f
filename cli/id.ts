import { ExitError, UsageError } from "../terminal/errors.ts";

/** Reads a node or run id. Throws a {@linkcode UsageError} when it is not a whole number. */
export function parseId(text: string, name: string): bigint {
  if (/^\d{1,40}$/.test(text)) return BigInt(text);
  throw new UsageError(`${name} must be a whole number, not "${text}".`);
}

/** Throws an {@linkcode ExitError} for a number that is no 64-bit id. */
export function requireUint64(id: bigint): void {
  if (id < 2n ** 64n) return;
  throw new ExitError(`Value out of range: ${id}`, { remedy: "IDs are below 2^64." });
}
