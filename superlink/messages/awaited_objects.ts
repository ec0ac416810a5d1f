import type { MessageRow } from "../state/layout.ts";

type Address = Pick<MessageRow, "runId" | "messageId">;

/** Which incomplete messages wait for which objects. Rebuilt from disk after a start. */
export class AwaitedObjects {
  readonly #runs = new Map<bigint, {
    /** For each object, the messages that wait for it. */
    readonly objects: Map<string, Set<MessageRow>>;
    /** For each incomplete message, the objects that it waits for. */
    readonly messages: Map<string, { readonly row: MessageRow; readonly missing: Set<string> }>;
  }>();

  /** A message waits for objects; nothing to note when there are none. */
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

  /** Whether a message waits for the object. */
  has(runId: bigint, objectId: string): boolean {
    return this.#runs.get(runId)?.objects.has(objectId) ?? false;
  }

  /** The messages that wait for this object and for nothing else. */
  onlyAwaiting(runId: bigint, objectId: string): MessageRow[] {
    const run = this.#runs.get(runId);
    return [...run?.objects.get(objectId) ?? []].filter(
      ({ messageId }) => run?.messages.get(messageId)?.missing.size === 1,
    );
  }

  /** Nobody waits for the object any more: it is there. */
  arrived(runId: bigint, objectId: string): void {
    const run = this.#runs.get(runId);
    for (const { messageId } of run?.objects.get(objectId) ?? []) {
      const missing = run?.messages.get(messageId)?.missing;
      missing?.delete(objectId);
      if (missing?.size === 0) run?.messages.delete(messageId);
    }
    run?.objects.delete(objectId);
  }

  /** The message waits no longer. */
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
