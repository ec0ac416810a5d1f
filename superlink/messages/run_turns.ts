/**
 * The turns in which the messages and objects of a run are changed.
 *
 * What belongs to a run hangs together in more rows than one commit can check: an object goes with the
 * last message that needs it, a message is complete with its last object. So a run is changed in one
 * turn at a time. Alone on its database a SuperLink lets its own calls queue. Several agree on a row of
 * the run that every commit of a turn checks and writes: should another one have committed since the
 * turn began, nothing is written and the turn begins anew.
 *
 * @module
 */

import { StatusError } from "../../wire/status.ts";
import { notRunningText } from "../runs/run_life.ts";
import { commit, Contention } from "../state/commit.ts";
import { keys, type RunRow, type TurnRow } from "../state/layout.ts";
import { Transitions } from "../state/transitions.ts";

/** There are no more turns of this run: its rows are deleted. */
export class RunEnded extends StatusError {
  /** With the text that Flower has for a run in this state. */
  constructor(row: RunRow | null) {
    super("PERMISSION_DENIED", (row && notRunningText(row)) ?? "Run is finished.");
  }
}

/**
 * Throws when the run takes no messages any more. Asked in the run's turn, because its messages are
 * deleted in a turn when it ends: what comes later would stay for ever.
 */
export type Gate = () => Promise<unknown>;

/** Gives turns, and what commits in them. */
export interface RunTurns {
  /**
   * Runs a task in a turn of the run; its reads and checks belong inside. May throw a
   * {@linkcode RunEnded}.
   */
  run<T>(runId: bigint, task: () => Promise<T>): Promise<T>;
  /** An operation of the turn that the run is in. */
  atomic(runId: bigint): Deno.AtomicOperation;
  /**
   * Commits it, and gives the versionstamp, or `undefined` when a check of its own did not hold.
   * Throws a `StorageFailure`, or a {@linkcode Contention} when the turn is lost.
   */
  commit(runId: bigint, operation: Deno.AtomicOperation): Promise<string | undefined>;
  /** Runs the task that deletes the run's rows, and after which there is no turn any more. */
  end(runId: bigint, task: () => Promise<void>): Promise<void>;
}

/** The turns of a SuperLink that is alone. */
export class LocalTurns implements RunTurns {
  readonly #kv: Deno.Kv;
  readonly #turns = new Transitions<bigint>();

  constructor(kv: Deno.Kv) {
    this.#kv = kv;
  }

  run<T>(runId: bigint, task: () => Promise<T>): Promise<T> {
    return this.#turns.run(runId, task);
  }

  atomic(): Deno.AtomicOperation {
    return this.#kv.atomic();
  }

  commit(_runId: bigint, operation: Deno.AtomicOperation): Promise<string | undefined> {
    return commit(operation);
  }

  end(runId: bigint, task: () => Promise<void>): Promise<void> {
    return this.#turns.run(runId, task);
  }
}

/** The row outlives the run by more than any turn lasts: one from before must not fit again. */
const AFTER_END_MS = 3_600_000;

/** The turns of several SuperLinks on one database. */
export class SharedTurns implements RunTurns {
  readonly #kv: Deno.Kv;
  readonly #turns = new Transitions<bigint>();
  /** Where the turns stand that this process is in. */
  readonly #current = new Map<bigint, string | null>();

  constructor(kv: Deno.Kv) {
    this.#kv = kv;
  }

  run<T>(runId: bigint, task: () => Promise<T>): Promise<T> {
    return this.#turn(runId, async (ended) => {
      if (ended) throw new RunEnded((await this.#kv.get<RunRow>(keys.run(runId))).value);
      return await task();
    });
  }

  atomic(runId: bigint): Deno.AtomicOperation {
    return this.#atomic(runId, false);
  }

  async commit(runId: bigint, operation: Deno.AtomicOperation): Promise<string | undefined> {
    const versionstamp = await commit(operation);
    if (versionstamp !== undefined) {
      this.#current.set(runId, versionstamp);
      return versionstamp;
    }
    const now = await this.#kv.get(keys.turn(runId));
    if (now.versionstamp === this.#current.get(runId)) return undefined;
    throw new Contention("A run's messages");
  }

  async end(runId: bigint, task: () => Promise<void>): Promise<void> {
    await this.#turn(runId, async () => {
      await this.commit(runId, this.#atomic(runId, true));
      await task();
    });
  }

  #turn<T>(runId: bigint, task: (ended: boolean) => Promise<T>): Promise<T> {
    return this.#turns.run(runId, async () => {
      const { value, versionstamp } = await this.#kv.get<TurnRow>(keys.turn(runId));
      this.#current.set(runId, versionstamp);
      try {
        return await task(value?.ended ?? false);
      } finally {
        this.#current.delete(runId);
      }
    });
  }

  #atomic(runId: bigint, ended: boolean): Deno.AtomicOperation {
    const versionstamp = this.#current.get(runId);
    if (versionstamp === undefined) throw new Error("A run's rows are changed in its turn only.");
    const key = keys.turn(runId);
    const row: TurnRow = { ended };
    return this.#kv.atomic().check({ key, versionstamp })
      .set(key, row, ended ? { expireIn: AFTER_END_MS } : {});
  }
}
