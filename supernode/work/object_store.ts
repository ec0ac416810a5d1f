/**
 * The objects of the messages that a SuperNode has in hand, in memory.
 *
 * @module
 */

import type { CarriedObject, CarryRoom } from "../../records/carry_room.ts";
import { objectIdOf } from "../../records/object_id.ts";
import type { TreeEntry } from "../../records/object_tree.ts";
import { checkObject } from "../../records/validate_object.ts";
import { StatusError } from "../../wire/status.ts";
import { KeptObjects } from "./kept_objects.ts";

/** What is known of an object. */
export type StoredObject =
  | { readonly state: "unknown" | "announced" }
  | { readonly state: "stored"; readonly content: Uint8Array };

interface Entry {
  readonly holders: Set<string>;
  content?: Uint8Array;
}

interface Holding {
  readonly runId: bigint;
  readonly keys: readonly string[];
}

/** What may be kept for later is this part of what may be held. */
const KEPT_SHARE = 1 / 4;

/**
 * Objects by their run and id. An object is announced by a message whose tree names it, may then be
 * put, and goes with the last message that holds it. What the last instruction of a run was made of
 * is kept as long as there is room, and there at once when another one names it.
 */
export class ObjectStore {
  readonly #limitBytes: number;
  readonly #objects = new Map<string, Entry>();
  readonly #holdings = new Map<string, Holding>();
  readonly #kept: KeptObjects;
  readonly #listeners = new Set<() => void>();
  #sizeBytes = 0;

  /** Takes up to `limitBytes` of contents. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
    this.#kept = new KeptObjects(limitBytes * KEPT_SHARE);
  }

  /** The sum of all contents that messages hold. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The sum of all contents that are kept for later. */
  get keptBytes(): number {
    return this.#kept.sizeBytes;
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
      else this.#objects.set(key, this.#newEntry(key, messageId));
    }
    const keys = entries.map(({ objectId }) => keyOf(runId, objectId));
    this.#holdings.set(messageId, { runId, keys });
    return entries.map(({ objectId }) => objectId)
      .filter((objectId) => !this.#objects.get(keyOf(runId, objectId))?.content);
  }

  /** Lets go of a message's objects; unknown messages are passed over. */
  release(messageId: string): void {
    this.#letGo(messageId);
  }

  /** Lets go of an instruction's objects, and keeps those that nobody else holds for the next one. */
  retire(messageId: string): void {
    const holding = this.#holdings.get(messageId);
    if (holding) this.#kept.keep(holding.runId, this.#letGo(messageId));
  }

  /** Forgets what was kept. */
  forgetKept(): void {
    this.#kept.shrinkTo(0);
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
    const roomBytes = this.#limitBytes - this.#sizeBytes - content.length;
    this.#kept.shrinkTo(Math.max(0, roomBytes));
    if (roomBytes < 0) {
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

  /** Those of the objects that are there, in order, as many as there is room for. */
  carried(runId: bigint, objectIds: readonly string[], room: CarryRoom): CarriedObject[] {
    const carried: CarriedObject[] = [];
    for (const objectId of objectIds) {
      const found = this.get(runId, objectId);
      if (found.state === "stored" && room.take(found.content.length)) {
        carried.push({ objectId, content: found.content });
      }
    }
    return carried;
  }

  /** Whether all objects of an announced message are there. */
  isComplete(messageId: string): boolean {
    const keys = this.#holdings.get(messageId)?.keys;
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

  #newEntry(key: string, messageId: string): Entry {
    const holders = new Set([messageId]);
    const content = this.#kept.take(key);
    if (!content) return { holders };
    this.#sizeBytes += content.length;
    return { holders, content };
  }

  /** Gives the contents that nobody else holds. */
  #letGo(messageId: string): [key: string, content: Uint8Array][] {
    const contents: [string, Uint8Array][] = [];
    for (const key of this.#holdings.get(messageId)?.keys ?? []) {
      const entry = this.#objects.get(key);
      entry?.holders.delete(messageId);
      if (entry?.holders.size !== 0) continue;
      this.#objects.delete(key);
      if (!entry.content) continue;
      this.#sizeBytes -= entry.content.length;
      contents.push([key, entry.content]);
    }
    this.#holdings.delete(messageId);
    this.#changed();
    return contents;
  }

  #changed(): void {
    for (const look of this.#listeners) look();
  }
}

function keyOf(runId: bigint, objectId: string): string {
  return `${runId}/${objectId}`;
}
