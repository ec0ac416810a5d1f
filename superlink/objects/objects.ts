/**
 * The content-addressed objects of a run's messages.
 *
 * An object belongs to a run and is needed by messages of it; it goes with the last of them, and all
 * go when the run ends. Small objects live in their Deno KV value, others in the blob store.
 *
 * @module
 */

import type { CarriedObject, CarryRoom } from "../../records/carry_room.ts";
import { isObjectId } from "../../records/object_id.ts";
import { checkObject } from "../../records/validate_object.ts";
import { StatusError } from "../../wire/status.ts";
import type { RunTurns } from "../messages/run_turns.ts";
import { batches } from "../state/batches.ts";
import { deletePrefix, KEYS_IN_COMMIT } from "../state/delete_prefix.ts";
import { keys, type ObjectRow } from "../state/layout.ts";
import type { Blobs } from "./blobs.ts";
import type { MessageObjects } from "./message_objects.ts";
import { digestOf } from "./object_digest.ts";
import type { ReleasedObjects } from "./released_objects.ts";

/** What is known of an object that a peer asks for. */
export type FoundObject =
  | { readonly state: "unknown" | "announced" }
  | { readonly state: "stored"; readonly content: Uint8Array };

/** Objects up to this size live in Deno KV, whose values have at most 64 KiB. */
const INLINE_LIMIT_BYTES = 32 * 1024;
/** Deno KV reads at most 10 keys at once. */
const READ_BATCH = 10;
/** Objects that are announced or let go in one commit, with up to three keys each. */
const OBJECTS_IN_COMMIT = Math.floor(KEYS_IN_COMMIT / 3);

/** A stored object that nobody needs any more. */
interface Freed {
  readonly objectId: string;
  readonly blobName: string | undefined;
}

/** What the objects work on. */
export interface ObjectsOptions {
  readonly kv: Deno.Kv;
  readonly blobs: Blobs;
  readonly turns: RunTurns;
  readonly released: ReleasedObjects;
  /**
   * Whether other processes store objects of the same runs. Then each upload has a blob of its own:
   * nobody deletes what another one is about to store.
   */
  readonly shared: boolean;
}

/** Completes an operation with the rows of a message, and commits it. */
export type Save = (operation: Deno.AtomicOperation) => Promise<void>;

/**
 * The objects of all runs. All methods but {@linkcode receive}, {@linkcode missing},
 * {@linkcode holders} and {@linkcode get} are called in the run's turn.
 */
export class Objects {
  readonly #kv: Deno.Kv;
  readonly #blobs: Blobs;
  readonly #turns: RunTurns;
  readonly #released: ReleasedObjects;
  readonly #shared: boolean;

  constructor({ kv, blobs, turns, released, shared }: ObjectsOptions) {
    this.#kv = kv;
    this.#blobs = blobs;
    this.#turns = turns;
    this.#released = released;
    this.#shared = shared;
  }

  /** Deletes what a killed process wrote for runs that have ended. */
  async recover(): Promise<void> {
    for (const space of await this.#blobs.spaces()) {
      if (/^\d+$/.test(space)) await this.#deleteSpaceIfEnded(space);
    }
  }

  /** Those of the objects that are not stored, in their order. */
  async missing(runId: bigint, objectIds: readonly string[]): Promise<string[]> {
    return await this.#without(runId, objectIds, (row) => row?.stored ?? false);
  }

  /** Those of the objects that are neither stored nor announced, in their order. */
  async unknown(runId: bigint, objectIds: readonly string[]): Promise<string[]> {
    return await this.#without(runId, objectIds, (row) => row !== null);
  }

  /**
   * Announces the objects of a message that is about to be stored: whoever pushes one that is missing
   * is welcome. `save` commits the message with them; of a large message some go ahead of it.
   *
   * @param awaited those objects of a branch that is announced already which are on their way.
   */
  async announce(
    runId: bigint,
    messageId: string,
    { branch }: MessageObjects,
    awaited: (objectIds: readonly string[]) => Awaitable<string[]>,
    save: (operation: Deno.AtomicOperation, missing: string[]) => Promise<void>,
  ): Promise<void> {
    let missing: string[] = [];
    let operation = this.#turns.atomic(runId);
    if (branch && await this.#hasAny(keys.branchHolders(runId, branch.branchId))) {
      missing = [...await awaited(branch.objectIds)];
    } else if (branch) {
      missing = await this.missing(runId, branch.objectIds);
      const absent = new Set(missing);
      for (const [index, ids] of batches(branch.objectIds, OBJECTS_IN_COMMIT).entries()) {
        if (index > 0) {
          await this.#turns.commit(runId, operation);
          operation = this.#turns.atomic(runId);
        }
        for (const id of ids) this.#hold(operation, runId, id, branch.branchId, absent.has(id));
      }
    }
    if (branch) operation.set(keys.branch(runId, branch.branchId, messageId), null);
    const [own] = await this.missing(runId, [messageId]);
    if (own !== undefined) missing.push(own);
    this.#hold(operation, runId, messageId, messageId, own !== undefined);
    await save(operation, missing);
  }

  /**
   * Checks an object that a peer pushes, and writes it if it is large. Gives the row to store it with,
   * `stored` when it is there already (or was, until a moment ago), or `unwanted` when it was not announced or its id is not the
   * hash of its bytes. Throws `FAILED_PRECONDITION` when the bytes are no object (the text is
   * Flower's).
   */
  async receive(
    runId: bigint,
    objectId: string,
    content: Uint8Array,
  ): Promise<ObjectRow | "stored" | "unwanted"> {
    if (!isObjectId(objectId)) return "unwanted";
    const { value } = await this.#kv.get<ObjectRow>(keys.object(runId, objectId));
    if (value === null) return await this.#released.has(runId, objectId) ? "stored" : "unwanted";
    if (value.stored) return "stored";
    if (await digestOf(content) !== objectId) return "unwanted";
    const fault = checkObject(objectId, content);
    if (fault !== undefined) throw new StatusError("FAILED_PRECONDITION", fault);
    // A copy: Deno KV would store all of the buffer that the bytes lie in.
    if (content.length <= INLINE_LIMIT_BYTES) {
      return { stored: true, inline: new Uint8Array(content) };
    }
    const blobName = this.#shared ? `${objectId}.${crypto.randomUUID()}` : undefined;
    try {
      await this.#blobs.put(String(runId), blobName ?? objectId, content);
    } catch (error) {
      // The run ended meanwhile, and its folder was deleted under the file that was being written.
      const now = await this.#kv.get<ObjectRow>(keys.object(runId, objectId));
      if (now.value === null) return "unwanted";
      throw error;
    }
    return blobName === undefined ? { stored: true } : { stored: true, blobName };
  }

  /** The rows of objects that came with their message; none for those that are not what they say. */
  async carriedRows(carried: readonly CarriedObject[]): Promise<Map<string, ObjectRow>> {
    const rows = new Map<string, ObjectRow>();
    for (const { objectId, content } of carried) {
      const isGood = content.length <= INLINE_LIMIT_BYTES && await digestOf(content) === objectId &&
        checkObject(objectId, content) === undefined;
      // A copy: Deno KV would store all of the buffer that the bytes lie in.
      if (isGood) rows.set(objectId, { stored: true, inline: new Uint8Array(content) });
    }
    return rows;
  }

  /**
   * Stores what {@linkcode receive} gave, if the object is still announced; `save` commits it. When
   * nobody needs it any more, what was written of it is removed, and the answer is false.
   */
  async store(runId: bigint, objectId: string, row: ObjectRow, save: Save): Promise<boolean> {
    const key = keys.object(runId, objectId);
    const found = await this.#kv.get<ObjectRow>(key);
    const wanted = found.value !== null;
    // Another process was faster: what it stored may be on its way to a peer already.
    const late = this.#shared && found.value?.stored === true;
    if (wanted) {
      await save(
        late ? this.#turns.atomic(runId) : this.#turns.atomic(runId).check(found).set(key, row),
      );
    }
    if ((late || !wanted) && !row.inline) await this.#discard(runId, blobNameOf(objectId, row));
    return wanted;
  }

  async get(runId: bigint, objectId: string): Promise<FoundObject> {
    if (!isObjectId(objectId)) return { state: "unknown" };
    const { value } = await this.#kv.get<ObjectRow>(keys.object(runId, objectId));
    if (value === null) return { state: "unknown" };
    if (!value.stored) return { state: "announced" };
    const content = value.inline ??
      await this.#blobs.get(String(runId), blobNameOf(objectId, value));
    return content ? { state: "stored", content } : { state: "unknown" };
  }

  /** Those of the objects that live in Deno KV, in order, as many as there is room for. */
  async getCarried(
    runId: bigint,
    objectIds: readonly string[],
    room: CarryRoom,
  ): Promise<CarriedObject[]> {
    const carried: CarriedObject[] = [];
    for (const ids of batches(objectIds, READ_BATCH)) {
      if (room.isFull) break;
      const rows = await this.#kv.getMany<ObjectRow[]>(ids.map((id) => keys.object(runId, id)));
      for (const [index, { value }] of rows.entries()) {
        const [objectId, content] = [ids[index], value?.inline];
        if (objectId !== undefined && content && room.take(content.length)) {
          carried.push({ objectId, content });
        }
      }
    }
    return carried;
  }

  /**
   * Lets go of a message's objects; those that no other message needs are deleted. `save` commits what
   * becomes of the message with it.
   */
  async release(
    runId: bigint,
    messageId: string,
    { branch }: MessageObjects,
    save: Save,
  ): Promise<void> {
    const operation = this.#turns.atomic(runId);
    const freed: Freed[] = [];
    if (branch) operation.delete(keys.branch(runId, branch.branchId, messageId));
    await this.#letGo(operation, runId, [messageId], messageId, freed);
    const branchEnds = branch && !await this.#hasAny(
      keys.branchHolders(runId, branch.branchId),
      messageId,
    );
    const [first = [], ...rest] = branchEnds ? batches(branch.objectIds, OBJECTS_IN_COMMIT) : [];
    if (branch) await this.#letGo(operation, runId, first, branch.branchId, freed);
    await save(operation);
    for (const ids of rest) {
      const more = this.#turns.atomic(runId);
      if (branch) await this.#letGo(more, runId, ids, branch.branchId, freed);
      await this.#turns.commit(runId, more);
    }
    for (const { objectId, blobName } of freed) {
      this.#released.add(runId, objectId);
      if (blobName !== undefined) await this.#blobs.delete(String(runId), blobName);
    }
  }

  /** Deletes all objects of a run. */
  async deleteRun(runId: bigint): Promise<void> {
    await deletePrefix(this.#kv, keys.branches(runId));
    await deletePrefix(this.#kv, keys.holdersOfRun(runId));
    await deletePrefix(this.#kv, keys.objects(runId));
    await this.#released.forgetRun(runId);
    await this.#blobs.deleteSpace(String(runId));
  }

  /** The branches and messages that need the object. */
  async holders(runId: bigint, objectId: string): Promise<string[]> {
    return await this.#names(keys.holders(runId, objectId));
  }

  /** The messages that need a branch; none when there is no such branch. */
  async branchHolders(runId: bigint, branchId: string): Promise<string[]> {
    return await this.#names(keys.branchHolders(runId, branchId));
  }

  async #names(prefix: Deno.KvKey): Promise<string[]> {
    const names: string[] = [];
    for await (const { key } of this.#kv.list({ prefix })) names.push(String(key.at(-1)));
    return names;
  }

  async #without(
    runId: bigint,
    objectIds: readonly string[],
    rule: (row: ObjectRow | null) => boolean,
  ): Promise<string[]> {
    const found = await Promise.all(
      batches(objectIds, READ_BATCH).map(async (ids) => {
        const rows = await this.#kv.getMany<ObjectRow[]>(ids.map((id) => keys.object(runId, id)));
        return rows.map(({ value }) => rule(value));
      }),
    );
    const flags = found.flat();
    return objectIds.filter((_, index) => !flags[index]);
  }

  #hold(
    operation: Deno.AtomicOperation,
    runId: bigint,
    objectId: string,
    holderId: string,
    missing: boolean,
  ): void {
    const announced: ObjectRow = { stored: false };
    operation.set(keys.holder(runId, objectId, holderId), null);
    if (missing) operation.set(keys.object(runId, objectId), announced);
  }

  async #letGo(
    operation: Deno.AtomicOperation,
    runId: bigint,
    objectIds: readonly string[],
    holderId: string,
    freed: Freed[],
  ): Promise<void> {
    await Promise.all(objectIds.map(async (objectId) => {
      const holders = keys.holders(runId, objectId);
      operation.delete(keys.holder(runId, objectId, holderId));
      if (await this.#hasAny(holders, holderId)) return;
      const { value } = await this.#kv.get<ObjectRow>(keys.object(runId, objectId));
      operation.delete(keys.object(runId, objectId));
      if (!value?.stored) return;
      this.#released.note(operation, runId, objectId);
      freed.push({
        objectId,
        blobName: value.inline ? undefined : blobNameOf(objectId, value),
      });
    }));
  }

  /** Whether there is a key below a prefix that does not end on `except`. */
  async #hasAny(prefix: Deno.KvKey, except?: string): Promise<boolean> {
    for await (const { key } of this.#kv.list({ prefix }, { limit: 2 })) {
      if (key.at(-1) !== except) return true;
    }
    return false;
  }

  async #discard(runId: bigint, blobName: string): Promise<void> {
    const space = String(runId);
    await this.#blobs.delete(space, blobName);
    await this.#deleteSpaceIfEnded(space);
  }

  async #deleteSpaceIfEnded(space: string): Promise<void> {
    const { versionstamp } = await this.#kv.get(keys.openRun(BigInt(space)));
    if (versionstamp === null) await this.#blobs.deleteSpace(space);
  }
}

/** What may be known at once. */
export type Awaitable<T> = T | Promise<T>;

function blobNameOf(objectId: string, { blobName = objectId }: ObjectRow): string {
  return blobName;
}
