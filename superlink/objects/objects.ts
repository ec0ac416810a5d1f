/**
 * The content-addressed objects of a run's messages.
 *
 * An object belongs to a run and is needed by messages of it; it goes with the last of them, and all
 * go when the run ends. Small objects live in their Deno KV value, others in the blob store.
 *
 * @module
 */

import { objectIdOf } from "../../records/object_id.ts";
import type { TreeEntry } from "../../records/object_tree.ts";
import { checkObject } from "../../records/validate_object.ts";
import { StatusError } from "../../wire/status.ts";
import { commit } from "../state/commit.ts";
import { keys, type ObjectRow } from "../state/layout.ts";
import type { Blobs } from "./blobs.ts";

/** What is known of an object that a peer asks for. */
export type FoundObject =
  | { readonly state: "unknown" | "announced" }
  | { readonly state: "stored"; readonly content: Uint8Array };

/** Objects up to this size live in Deno KV, whose values have at most 64 KiB. */
const INLINE_LIMIT_BYTES = 32 * 1024;
/** Deno KV reads at most 10 keys at once. */
const READ_BATCH = 10;
/** Mutations in one commit, and bytes of values, with room to Deno KV's 1,000 and 800 KiB. */
const MUTATION_LIMIT = 900;

/** The objects of all runs. Callers that change one run's objects take turns. */
export class Objects {
  readonly #kv: Deno.Kv;
  readonly #blobs: Blobs;

  constructor(kv: Deno.Kv, blobs: Blobs) {
    this.#kv = kv;
    this.#blobs = blobs;
  }

  /** Which of the ids are not stored yet, in their order. */
  async missing(runId: bigint, objectIds: readonly string[]): Promise<string[]> {
    const missing: string[] = [];
    for (let start = 0; start < objectIds.length; start += READ_BATCH) {
      const ids = objectIds.slice(start, start + READ_BATCH);
      const rows = await this.#kv.getMany<ObjectRow[]>(ids.map((id) => keys.object(runId, id)));
      rows.forEach((row, index) => {
        const id = ids[index];
        if (id !== undefined && !row.value?.stored) missing.push(id);
      });
    }
    return missing;
  }

  /** Announces the objects of a message: whoever pushes one of them is welcome. */
  async announce(
    runId: bigint,
    messageId: string,
    entries: readonly TreeEntry[],
    missing: ReadonlySet<string>,
  ): Promise<void> {
    const announced: ObjectRow = { stored: false };
    for (let start = 0; start < entries.length; start += MUTATION_LIMIT / 2) {
      const operation = this.#kv.atomic();
      for (const { objectId } of entries.slice(start, start + MUTATION_LIMIT / 2)) {
        operation.set(keys.holder(runId, objectId, messageId), null);
        if (missing.has(objectId)) operation.set(keys.object(runId, objectId), announced);
      }
      await commit(operation);
    }
  }

  /**
   * Stores an object. False when it was not announced or its id is not the hash of its bytes.
   * Throws `FAILED_PRECONDITION` when the bytes are no object (the text is Flower's).
   */
  async put(runId: bigint, objectId: string, content: Uint8Array): Promise<boolean> {
    const key = keys.object(runId, objectId);
    const found = await this.#kv.get<ObjectRow>(key);
    if (found.value === null) return false;
    if (found.value.stored) return true;
    if (objectIdOf(content) !== objectId) return false;
    const fault = checkObject(objectId, content);
    if (fault !== undefined) throw new StatusError("FAILED_PRECONDITION", fault);
    const inline = content.length <= INLINE_LIMIT_BYTES;
    if (!inline) await this.#putBlob(runId, objectId, content);
    const row: ObjectRow = inline ? { stored: true, inline: content } : { stored: true };
    if (await commit(this.#kv.atomic().check(found).set(key, row)) !== undefined) return true;
    const now = await this.#kv.get<ObjectRow>(key);
    if (now.value === null && !inline) await this.#blobs.delete(String(runId), objectId);
    return now.value?.stored ?? false;
  }

  async get(runId: bigint, objectId: string): Promise<FoundObject> {
    const { value } = await this.#kv.get<ObjectRow>(keys.object(runId, objectId));
    if (value === null) return { state: "unknown" };
    if (!value.stored) return { state: "announced" };
    const content = value.inline ?? await this.#blobs.get(String(runId), objectId);
    return content ? { state: "stored", content } : { state: "unknown" };
  }

  /** Lets go of a message's objects; those that no other message needs are deleted. */
  async release(
    runId: bigint,
    messageId: string,
    entries: readonly TreeEntry[],
  ): Promise<void> {
    for (let start = 0; start < entries.length; start += MUTATION_LIMIT / 2) {
      const operation = this.#kv.atomic();
      const blobs: string[] = [];
      for (const { objectId } of entries.slice(start, start + MUTATION_LIMIT / 2)) {
        operation.delete(keys.holder(runId, objectId, messageId));
        if (await this.#heldByAnother(runId, objectId, messageId)) continue;
        const { value } = await this.#kv.get<ObjectRow>(keys.object(runId, objectId));
        operation.delete(keys.object(runId, objectId));
        if (value?.stored && !value.inline) blobs.push(objectId);
      }
      await commit(operation);
      await Promise.all(blobs.map((objectId) => this.#blobs.delete(String(runId), objectId)));
    }
  }

  /** Deletes all objects of a run. */
  async deleteRun(runId: bigint): Promise<void> {
    await deletePrefix(this.#kv, keys.holdersOfRun(runId));
    await deletePrefix(this.#kv, keys.objects(runId));
    await this.#blobs.deleteSpace(String(runId));
  }

  async #heldByAnother(runId: bigint, objectId: string, messageId: string): Promise<boolean> {
    const holders = this.#kv.list({ prefix: keys.holders(runId, objectId) }, { limit: 2 });
    for await (const { key } of holders) if (key.at(-1) !== messageId) return true;
    return false;
  }

  async #putBlob(runId: bigint, objectId: string, content: Uint8Array): Promise<void> {
    try {
      await this.#blobs.put(String(runId), objectId, content);
    } catch (cause) {
      throw new StatusError("UNAVAILABLE", "The SuperLink cannot store objects right now.", {
        cause,
      });
    }
  }
}

/** Deletes every key below a prefix. */
export async function deletePrefix(kv: Deno.Kv, prefix: Deno.KvKey): Promise<void> {
  let operation = kv.atomic();
  let count = 0;
  for await (const { key } of kv.list({ prefix })) {
    operation.delete(key);
    if (++count % MUTATION_LIMIT !== 0) continue;
    await commit(operation);
    operation = kv.atomic();
  }
  if (count % MUTATION_LIMIT !== 0) await commit(operation);
}
