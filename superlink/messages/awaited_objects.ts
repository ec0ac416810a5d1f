import type { MessageObjects } from "../objects/message_objects.ts";
import type { Awaitable, Objects } from "../objects/objects.ts";
import { batches } from "../state/batches.ts";
import type { MessageRow } from "../state/layout.ts";
import type { MessageRows } from "./message_rows.ts";

/** Deno KV reads at most 10 keys at once. */
const AT_ONCE = 10;

type Address = Pick<MessageRow, "runId" | "messageId">;

/** Which incomplete messages wait for which objects. */
export interface AwaitedObjects {
  /** A message waits for objects; nothing to note when there are none. */
  add(row: MessageRow, missing: readonly string[]): void;
  /** Those of the objects, all announced, that messages wait for. */
  of(runId: bigint, objectIds: readonly string[]): Awaitable<string[]>;
  /** The messages that wait for this object and for nothing else. */
  onlyAwaiting(runId: bigint, objectId: string): Awaitable<MessageRow[]>;
  /** Nobody waits for the object any more: it is there. */
  arrived(runId: bigint, objectId: string): void;
  /** The message waits no longer. */
  forget(address: Address): void;
  forgetRun(runId: bigint): void;
}

/** What is known in memory, and rebuilt from disk after a start. */
export class LocalAwaitedObjects implements AwaitedObjects {
  readonly #runs = new Map<bigint, {
    /** For each object, the messages that wait for it. */
    readonly objects: Map<string, Set<MessageRow>>;
    /** For each incomplete message, the objects that it waits for. */
    readonly messages: Map<string, { readonly row: MessageRow; readonly missing: Set<string> }>;
  }>();

  add(row: MessageRow, missing: readonly string[]): void {
    if (missing.length === 0) return;
    const run = this.#runs.get(row.runId) ?? { objects: new Map(), messages: new Map() };
    this.#runs.set(row.runId, run);
    run.messages.set(row.messageId, { row, missing: new Set(missing) });
    for (const objectId of missing) {
      const waiting = run.objects.get(objectId) ?? new Set();
      waiting.add(row);
      run.objects.set(objectId, waiting);
    }
  }

  of(runId: bigint, objectIds: readonly string[]): string[] {
    const awaited = this.#runs.get(runId)?.objects;
    return awaited ? objectIds.filter((objectId) => awaited.has(objectId)) : [];
  }

  onlyAwaiting(runId: bigint, objectId: string): MessageRow[] {
    const run = this.#runs.get(runId);
    return [...run?.objects.get(objectId) ?? []].filter(
      ({ messageId }) => run?.messages.get(messageId)?.missing.size === 1,
    );
  }

  arrived(runId: bigint, objectId: string): void {
    const run = this.#runs.get(runId);
    for (const { messageId } of run?.objects.get(objectId) ?? []) {
      const missing = run?.messages.get(messageId)?.missing;
      missing?.delete(objectId);
      if (missing?.size === 0) run?.messages.delete(messageId);
    }
    run?.objects.delete(objectId);
  }

  forget({ runId, messageId }: Address): void {
    const run = this.#runs.get(runId);
    const waiter = run?.messages.get(messageId);
    if (!run || !waiter) return;
    for (const objectId of waiter.missing) {
      const waiting = run.objects.get(objectId);
      waiting?.delete(waiter.row);
      if (waiting?.size === 0) run.objects.delete(objectId);
    }
    run.messages.delete(messageId);
  }

  forgetRun(runId: bigint): void {
    this.#runs.delete(runId);
  }
}

/** What the rows of objects and messages say, read each time. */
export class DerivedAwaitedObjects implements AwaitedObjects {
  readonly #objects: Objects;
  readonly #rows: MessageRows;
  readonly #objectsOf: (row: MessageRow) => Promise<MessageObjects>;

  constructor(
    objects: Objects,
    rows: MessageRows,
    objectsOf: (row: MessageRow) => Promise<MessageObjects>,
  ) {
    this.#objects = objects;
    this.#rows = rows;
    this.#objectsOf = objectsOf;
  }

  of(runId: bigint, objectIds: readonly string[]): Promise<string[]> {
    return this.#objects.missing(runId, objectIds);
  }

  async onlyAwaiting(runId: bigint, objectId: string): Promise<MessageRow[]> {
    const ready: MessageRow[] = [];
    for (const holder of await this.#objects.holders(runId, objectId)) {
      const sharers = await this.#objects.branchHolders(runId, holder);
      ready.push(...await this.#ready(runId, sharers.length > 0 ? sharers : [holder], objectId));
    }
    return ready;
  }

  /** Of messages with the same content, those that have everything but perhaps one object. */
  async #ready(runId: bigint, messageIds: readonly string[], but: string): Promise<MessageRow[]> {
    const rows = await Promise.all(messageIds.map((id) => this.#rows.find(runId, id)));
    const waiting = rows.flatMap((row) => row && !row.complete ? [row] : []);
    const [first] = waiting;
    if (!first) return [];
    const { branch } = await this.#objectsOf(first);
    const others = (branch?.objectIds ?? []).filter((id) => id !== but);
    // They arrive in their order, mostly, so the last ones are missing first.
    for (const some of batches(others.toReversed(), AT_ONCE)) {
      if ((await this.#objects.missing(runId, some)).length > 0) return [];
    }
    const own = waiting.map(({ messageId }) => messageId).filter((id) => id !== but);
    const missing = new Set(await this.#objects.missing(runId, own));
    return waiting.filter(({ messageId }) => !missing.has(messageId));
  }

  add(): void {}

  arrived(): void {}

  forget(): void {}

  forgetRun(): void {}
}
