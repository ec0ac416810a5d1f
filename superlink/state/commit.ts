import { delay } from "@std/async";
import { StatusError } from "../../wire/status.ts";

/**
 * The state cannot be written right now, because the disk is full, say. `UNAVAILABLE` is the one
 * status on which every SuperNode comes back; other peers are told by `storage_boundary.ts`.
 */
export class StorageFailure extends StatusError {
  constructor(cause: unknown) {
    super("UNAVAILABLE", "The SuperLink cannot write its state right now.", { cause });
  }
}

/**
 * Somebody else changed what a transition started from, and nothing of it was written. `Transitions`
 * does it again; a peer that is told of it all the same may come back.
 */
export class Contention extends StatusError {
  constructor(what: string) {
    super("UNAVAILABLE", "The SuperLink is busy with this. Try again.", {
      cause: new Error(`${what} was changed by somebody else, again and again.`),
    });
  }
}

/** How often a commit is tried that found the file held by another of its connections. */
const MAX_ATTEMPTS = 30;
/** The longest pause before that, in milliseconds. */
const MAX_PAUSE_MS = 250;

/**
 * Commits, and gives the new versionstamp, or `undefined` when a check did not hold. Throws a
 * {@linkcode StorageFailure} when the database cannot write.
 */
export async function commit(operation: Deno.AtomicOperation): Promise<string | undefined> {
  for (let attempt = 1;; attempt++) {
    try {
      const result = await operation.commit();
      return result.ok ? result.versionstamp : undefined;
    } catch (cause) {
      // Past a limit of Deno KV it would fail for ever: a defect, not a state of the disk.
      if (cause instanceof TypeError && /too (?:large|many)/i.test(cause.message)) throw cause;
      if (!isHeld(cause) || attempt === MAX_ATTEMPTS) throw new StorageFailure(cause);
      await delay(Math.random() * MAX_PAUSE_MS);
    }
  }
}

/** Several isolates have a connection each to one file, and one of them is writing; nothing was. */
function isHeld(cause: unknown): boolean {
  return cause instanceof Error && /database is locked/i.test(cause.message);
}
