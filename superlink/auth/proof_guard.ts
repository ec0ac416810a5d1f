/**
 * Whether a proof of possession comes for the first time: a port, because one SuperLink that is alone
 * on its database knows it from memory, and several must agree in the database (`shared_guard.ts`).
 *
 * @module
 */

import type { GuardVerdict, ReplayGuard } from "../../keys/replay_guard.ts";
import { keys } from "../state/layout.ts";
import type { Marks } from "../state/marks.ts";

/** A proof whose signature has verified. */
export interface VerifiedProof {
  readonly keyId: string;
  /** Whether the key owns a node. */
  readonly owned: boolean;
  readonly timestampMicros: number;
  /** The r of the signature. */
  readonly r: bigint;
}

/** A key that registers itself by a proof. */
export interface Adoption {
  /** Adds the key's mark to the commit that makes its node. */
  addMark(this: void, operation: Deno.AtomicOperation): void;
  /** The commit has held: neither this proof nor an older one of the key is accepted again. */
  done(): void;
}

/** Judges proofs, each once. */
export interface ProofGuard {
  /** Tests a proof and remembers it, in one step. It is not forgotten by a restart. */
  accept(proof: VerifiedProof): Promise<GuardVerdict>;
  /** Prepares that a key comes to own a node by its proof. */
  adopt(keyId: string, timestampMicros: number): Adoption;
  /** Forgets a key whose proofs can never be accepted again. */
  forget(keyId: string): void;
  /** Lets go of what the window has left behind. */
  prune(nowMicros: number): void;
}

/** The guard of a SuperLink that is alone: the window in memory, and marks for what was before. */
export class LocalGuard implements ProofGuard {
  readonly #guard: ReplayGuard;
  /** Absent when the state does not outlive the process: then the guard has a floor instead. */
  readonly #marks: Marks | undefined;

  constructor(guard: ReplayGuard, marks: Marks | undefined) {
    this.#guard = guard;
    this.#marks = marks;
  }

  async accept({ keyId, owned, timestampMicros, r }: VerifiedProof): Promise<GuardVerdict> {
    const mark = await this.#marks?.before(keyId);
    // Between its test and its being remembered nothing else runs.
    const verdict = this.#guard.accept(keyId, owned, timestampMicros, r, mark);
    if (verdict === "fresh" && owned) await this.#marks?.cover(keyId, timestampMicros);
    return verdict;
  }

  adopt(keyId: string, timestampMicros: number): Adoption {
    const markMicros = this.#marks?.covering(timestampMicros);
    return {
      addMark(operation) {
        if (markMicros !== undefined) operation.set(keys.mark(keyId), markMicros);
      },
      done: () => {
        this.#guard.adopt(keyId, timestampMicros);
        if (markMicros !== undefined) this.#marks?.written(keyId, markMicros);
      },
    };
  }

  forget(keyId: string): void {
    this.#guard.forget(keyId);
  }

  prune(nowMicros: number): void {
    this.#guard.prune(nowMicros);
    this.#marks?.prune(nowMicros - this.#guard.windowMicros);
  }
}
