import { keys, type MessageRow } from "../state/layout.ts";
import type { Awaitable } from "../objects/objects.ts";

/** Where an instruction is found. */
export type InstructionAddress = Pick<MessageRow, "runId" | "messageId">;

/**
 * The instructions that each node was handed and has not confirmed: one for a process, and a node that
 * is handed over has two for a while.
 */
export interface HandedOut {
  to(nodeId: bigint): Awaitable<readonly InstructionAddress[]>;
  /** The commit that hands an instruction out has held. */
  add(nodeId: bigint, address: InstructionAddress): void;
  /** The node has it, or will not get it. */
  remove(nodeId: bigint, messageId: string): void;
}

/** What is known in memory. */
export class LocalHandedOut implements HandedOut {
  readonly #known = new Map<bigint, readonly InstructionAddress[]>();

  /** Begins with what an earlier process handed out. */
  constructor(rows: readonly MessageRow[]) {
    for (const { nodeId, runId, messageId } of rows) this.add(nodeId, { runId, messageId });
  }

  to(nodeId: bigint): readonly InstructionAddress[] {
    return this.#known.get(nodeId) ?? [];
  }

  add(nodeId: bigint, address: InstructionAddress): void {
    this.#known.set(nodeId, [...this.to(nodeId), address]);
  }

  remove(nodeId: bigint, messageId: string): void {
    const left = this.to(nodeId).filter((one) => one.messageId !== messageId);
    if (left.length > 0) this.#known.set(nodeId, left);
    else this.#known.delete(nodeId);
  }
}

/** What the database says: the rows of instructions have an index of it. */
export class StoredHandedOut implements HandedOut {
  readonly #kv: Deno.Kv;

  constructor(kv: Deno.Kv) {
    this.#kv = kv;
  }

  async to(nodeId: bigint): Promise<readonly InstructionAddress[]> {
    const found: InstructionAddress[] = [];
    for await (const { key } of this.#kv.list({ prefix: keys.handedOutTo(nodeId) })) {
      const [runId, messageId] = key.slice(-2);
      if (typeof runId === "bigint" && typeof messageId === "string") {
        found.push({ runId, messageId });
      }
    }
    return found;
  }

  add(): void {}

  remove(): void {}
}
