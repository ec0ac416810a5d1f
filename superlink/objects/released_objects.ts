import { deletePrefix } from "../state/delete_prefix.ts";
import { keys } from "../state/layout.ts";

/**
 * Objects that were stored and are not needed any more, the latest ones. A peer that did not get the
 * answer to its push, because the SuperLink was killed or the connection broke, pushes again when
 * the receiver may have fetched and confirmed the message: told that its object is not wanted, an
 * app ends.
 */
export interface ReleasedObjects {
  /** Adds to the operation that lets go of an object what makes it known afterwards. */
  note(operation: Deno.AtomicOperation, runId: bigint, objectId: string): void;
  /** The operation was committed. */
  add(runId: bigint, objectId: string): void;
  has(runId: bigint, objectId: string): boolean | Promise<boolean>;
  /** The run has ended. */
  forgetRun(runId: bigint): Promise<void>;
}

/** How many are remembered; each takes about 200 bytes. */
const LIMIT = 20_000;

/** Those of one process, in memory. */
export class LocalReleasedObjects implements ReleasedObjects {
  /** In the order in which they were let go. */
  readonly #ids = new Set<string>();

  note(): void {}

  add(runId: bigint, objectId: string): void {
    const id = `${runId}/${objectId}`;
    this.#ids.delete(id);
    this.#ids.add(id);
    if (this.#ids.size <= LIMIT) return;
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      break;
    }
  }

  has(runId: bigint, objectId: string): boolean {
    return this.#ids.has(`${runId}/${objectId}`);
  }

  forgetRun(): Promise<void> {
    return Promise.resolve();
  }
}

/** Longer than a peer tries to push the same object, in milliseconds. */
const KEPT_MS = 600_000;

/** Those of several SuperLinks, in the database that they share. */
export class SharedReleasedObjects implements ReleasedObjects {
  readonly #kv: Deno.Kv;

  constructor(kv: Deno.Kv) {
    this.#kv = kv;
  }

  note(operation: Deno.AtomicOperation, runId: bigint, objectId: string): void {
    operation.set(keys.released(runId, objectId), null, { expireIn: KEPT_MS });
  }

  add(): void {}

  async has(runId: bigint, objectId: string): Promise<boolean> {
    const { versionstamp } = await this.#kv.get(keys.released(runId, objectId));
    return versionstamp !== null;
  }

  async forgetRun(runId: bigint): Promise<void> {
    await deletePrefix(this.#kv, keys.releasedOfRun(runId));
  }
}
