import { keys, type MessageRow } from "../state/layout.ts";
import type { Awaitable } from "../objects/objects.ts";

/** Where an instruction is found. */
export type InstructionAddress = Pick<MessageRow, "runId" | "messageId">;

/** The instruction that each node was handed and has not confirmed. */
export interface HandedOut {
  to(nodeId: bigint): Awaitable<InstructionAddress | undefined>;
  /** The commit that hands an instruction out has held. */
  add(nodeId: bigint, address: InstructionAddress): void;
  /** The node has it, or will not get it; any instruction when none is named. */
  remove(nodeId: bigint, messageId?: string): void;
}

/** What is known in memory. */
export class LocalHandedOut implements HandedOut {
  readonly #known = new Map<bigint, InstructionAddress>();

  /** Begins with what an earlier process handed out. */
  constructor(rows: readonly MessageRow[]) {
    for (const { nodeId, runId, messageId } of rows) this.add(nodeId, { runId, messageId });
  }

  to(nodeId: bigint): InstructionAddress | undefined {
    return this.#known.get(nodeId);
  }

  add(nodeId: bigint, address: InstructionAddress): void {
    this.#known.set(nodeId, address);
  }

  remove(nodeId: bigint, messageId?: string): void {
    const known = this.#known.get(nodeId);
    if (messageId === undefined || known?.messageId === messageId) this.#known.delete(nodeId);
  }
}

/** What the database says: the rows of instructions have an index of it. */
export class StoredHandedOut implements HandedOut {
  readonly #kv: Deno.Kv;

  constructor(kv: Deno.Kv) {
    this.#kv = kv;
  }

  async to(nodeId: bigint): Promise<InstructionAddress | undefined> {
    for await (const { key } of this.#kv.list({ prefix: keys.handedOutTo(nodeId) })) {
      const [runId, messageId] = key.slice(-2);
      if (typeof runId === "bigint" && typeof messageId === "string") return { runId, messageId };
    }
    return undefined;
  }

  add(): void {}

  remove(): void {}
}
