/**
 * The objects of the messages that a SuperNode has in hand, in memory.
 *
 * @module
 */

import { objectIdOf } from "../../records/object_id.ts";
import type { TreeEntry } from "../../records/object_tree.ts";
import { checkObject } from "../../records/validate_object.ts";
import { StatusError } from "../../wire/status.ts";

/** What is known of an object. */
export type StoredObject =
  | { readonly state: "unknown" | "announced" }
  | { readonly state: "stored"; readonly content: Uint8Array };

interface Entry {
  readonly holders: Set<string>;
  content?: Uint8Array;
}

/**
 * Objects by their run and id. An object is announced by a message whose tree names it, may then be
 * put, and goes with the last message that holds it.
 */
export class ObjectStore {
  readonly #limitBytes: number;
  readonly #objects = new Map<string, Entry>();
  readonly #keysOfHolder = new Map<string, readonly string[]>();
  readonly #listeners = new Set<() => void>();
  #sizeBytes = 0;

  /** Takes up to `limitBytes` of contents. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** The sum of all contents. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** How many objects are held, with or without content. */
  get size(): number {
    return this.#objects.size;
  }

  /** Announces the objects of a message, and gives the ids of those that are missing, in order. */
  announce(runId: bigint, messageId: string, entries: readonly TreeEntry[]): string[] {
    for (const { objectId } of entries) {
      const key = keyOf(runId, objectId);
      const entry = this.#objects.get(key);
      if (entry) entry.holders.add(messageId);
      else this.#objects.set(key, { holders: new Set([messageId]) });
    }
    const keys = entries.map(({ objectId }) => keyOf(runId, objectId));
    this.#keysOfHolder.set(messageId, keys);
    return entries.map(({ objectId }) => objectId)
      .filter((objectId) => !this.#objects.get(keyOf(runId, objectId))?.content);
  }

  /** Lets go of a message's objects; unknown messages are passed over. */
  release(messageId: string): void {
    for (const key of this.#keysOfHolder.get(messageId) ?? []) {
      const entry = this.#objects.get(key);
      entry?.holders.delete(messageId);
      if (entry?.holders.size !== 0) continue;
      this.#sizeBytes -= entry.content?.length ?? 0;
      this.#objects.delete(key);
    }
    this.#keysOfHolder.delete(messageId);
    this.#changed();
  }

  /**
   * Keeps an object's content. `false` when nobody announced it or the content has another hash.
   * Throws a `StatusError`: `FAILED_PRECONDITION` for bytes that are no object, and
   * `RESOURCE_EXHAUSTED` when there is no room.
   */
  put(runId: bigint, objectId: string, content: Uint8Array): boolean {
    const entry = this.#objects.get(keyOf(runId, objectId));
    if (!entry || objectIdOf(content) !== objectId) return false;
    const fault = checkObject(objectId, content);
    if (fault !== undefined) throw new StatusError("FAILED_PRECONDITION", fault);
    if (entry.content) return true;
    if (this.#sizeBytes + content.length > this.#limitBytes) {
      throw new StatusError(
        "RESOURCE_EXHAUSTED",
        `The SuperNode holds ${this.#sizeBytes} bytes of objects, and takes ${this.#limitBytes}.`,
      );
    }
    entry.content = content;
    this.#sizeBytes += content.length;
    this.#changed();
    return true;
  }

  /** What is there of an object. */
  get(runId: bigint, objectId: string): StoredObject {
    const entry = this.#objects.get(keyOf(runId, objectId));
    if (!entry) return { state: "unknown" };
    return entry.content ? { state: "stored", content: entry.content } : { state: "announced" };
  }

  /** Whether all objects of an announced message are there. */
  isComplete(messageId: string): boolean {
    const keys = this.#keysOfHolder.get(messageId);
    return keys !== undefined && keys.every((key) => this.#objects.get(key)?.content);
  }

  /**
   * Waits until an announced object is there or let go of, at most `waitMs`, and gives what is there
   * of it then. Ends early when `signal` aborts.
   */
  async untilStored(
    runId: bigint,
    objectId: string,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<StoredObject> {
    const found = this.get(runId, objectId);
    if (found.state !== "announced" || signal.aborted) return found;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => this.get(runId, objectId).state !== "announced" && resolve();
    const end = () => resolve();
    const timer = setTimeout(end, waitMs);
    signal.addEventListener("abort", end);
    this.#listeners.add(look);
    await promise;
    this.#listeners.delete(look);
    signal.removeEventListener("abort", end);
    clearTimeout(timer);
    return this.get(runId, objectId);
  }

  #changed(): void {
    for (const look of this.#listeners) look();
  }
}

function keyOf(runId: bigint, objectId: string): string {
  return `${runId}/${objectId}`;
}
