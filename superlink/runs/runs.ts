/**
 * The runs of the federation: their status, the tokens of their apps, and what they cost.
 *
 * Every transition is one atomic commit that checks the row it started from.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { encodeHex } from "@std/encoding";
import { type Bells, topics } from "../bells.ts";
import { commit, Contention, StorageFailure } from "../state/commit.ts";
import { keys, type RunEnd, type RunRow } from "../state/layout.ts";
import { randomId } from "../../records/random_id.ts";
import { Transitions } from "../state/transitions.ts";
import * as life from "./run_life.ts";
import { RunLogs } from "./run_logs.ts";
import { type NewEvent, TaskEvents } from "./task_events.ts";
import { LocalTokenLeases, SharedTokenLeases, type TokenLeases } from "./token_leases.ts";
import { type RunCosts, UnwrittenCosts } from "./unwritten_costs.ts";

/** What a run is started with. */
export type NewRun = Pick<
  RunRow,
  "accountId" | "federation" | "fabId" | "fabVersion" | "fabHash" | "runtime" | "overrides"
>;

/** A token has as many random bytes, and twice the characters (Flower 1.25). */
const TOKEN_BYTES = 128;

/** What runs work on. */
export interface RunsOptions {
  readonly kv: Deno.Kv;
  readonly bells: Bells;
  /** Whether other processes change the database, too. */
  readonly shared: boolean;
  /** Told of a run whenever it has come to another status. */
  readonly onStatus?: ((row: RunRow) => void) | undefined;
  /** Told once of a run that has ended. */
  readonly onEnded?: ((row: RunRow) => void) | undefined;
  /** Awaited whenever a run has ended, and again when that failed. */
  readonly onFinished: (row: RunRow) => Promise<void>;
}

/** The runs of one database. */
export class Runs {
  readonly #kv: Deno.Kv;
  readonly #bells: Bells;
  readonly #onStatus: ((row: RunRow) => void) | undefined;
  readonly #onEnded: ((row: RunRow) => void) | undefined;
  readonly #onFinished: (row: RunRow) => Promise<void>;
  readonly #turns = new Transitions<bigint>();
  readonly #tokens: TokenLeases;
  readonly #cleaning = new Set<bigint>();
  #startMicros = 0;
  readonly #costs: UnwrittenCosts;
  readonly logs: RunLogs;
  readonly events: TaskEvents;

  constructor({ kv, bells, shared, onStatus, onEnded, onFinished }: RunsOptions) {
    this.#kv = kv;
    this.#bells = bells;
    this.#costs = new UnwrittenCosts(shared);
    this.#onStatus = onStatus;
    this.#onEnded = onEnded;
    this.#onFinished = onFinished;
    this.#tokens = shared ? new SharedTokenLeases(kv) : new LocalTokenLeases(kv);
    this.logs = new RunLogs(kv, shared);
    this.events = new TaskEvents(kv);
  }

  /** Makes a pending run. */
  async create(run: NewRun, nowMicros: number): Promise<RunRow> {
    const row: RunRow = {
      ...run,
      runId: randomId(),
      status: "pending",
      details: "",
      pendingAt: nowMicros,
      launched: false,
      bytesSent: 0,
      bytesReceived: 0,
      clientAppRuntimeS: 0,
    };
    const key = keys.run(row.runId);
    const operation = this.#kv.atomic().check({ key, versionstamp: null })
      .set(key, row)
      .set(keys.openRun(row.runId), null);
    if (await commit(operation) === undefined) return await this.create(run, nowMicros);
    this.#onStatus?.(row);
    this.#bells.ring(topics.pendingRuns);
    return row;
  }

  async get(runId: bigint): Promise<RunRow | undefined> {
    const { value } = await this.#kv.get<RunRow>(keys.run(runId));
    return value === null ? undefined : this.#costs.with(value);
  }

  /** Every run, oldest first. */
  async list(): Promise<RunRow[]> {
    const runs: RunRow[] = [];
    for await (const { value } of this.#kv.list<RunRow>({ prefix: keys.runs })) {
      runs.push(this.#costs.with(value));
    }
    return runs.sort((a, b) => a.pendingAt - b.pendingAt);
  }

  /** The runs that are not finished, oldest first. */
  async open(): Promise<RunRow[]> {
    const runs: RunRow[] = [];
    for await (const { key } of this.#kv.list({ prefix: keys.openRuns })) {
      const runId = key.at(-1);
      const row = typeof runId === "bigint" ? await this.get(runId) : undefined;
      if (row) runs.push(row);
    }
    return runs.sort((a, b) => a.pendingAt - b.pendingAt);
  }

  /**
   * Gives a token for the app of a pending run, or `undefined` when the run has one or is none.
   * `launched` says that the SuperLink itself starts the app; then a run whose app was being started
   * by an earlier process of the SuperLink gets a new token too.
   */
  async requestToken(
    runId: bigint,
    nowMicros: number,
    launched = false,
  ): Promise<string | undefined> {
    return await this.#giveToken(runId, nowMicros, (row, tokenHash) => {
      const again = launched && row.status === "starting" && row.launched;
      if (row.status !== "pending" && !again) return undefined;
      return { ...life.starting(row, nowMicros, tokenHash), launched };
    });
  }

  /**
   * Gives a token for the app of a pending run as {@linkcode requestToken} does, but one that is not
   * used leaves the run pending, for somebody else to start.
   */
  async claimTask(runId: bigint, nowMicros: number): Promise<string | undefined> {
    return await this.#giveToken(
      runId,
      nowMicros,
      (row, tokenHash) =>
        row.status === "pending"
          ? { ...life.starting(row, nowMicros, tokenHash), requeues: true }
          : undefined,
    );
  }

  /** The run that a token is for, while its lease runs. */
  async ofToken(token: string, nowMicros: number): Promise<RunRow | undefined> {
    const runId = await this.#tokens.runOf(hashOf(token), nowMicros);
    return runId === undefined ? undefined : await this.get(runId);
  }

  /** Renews the lease of a token; false when it has ended. */
  async heartbeat(token: string, nowMicros: number): Promise<boolean> {
    const until = nowMicros + life.TOKEN_LIFE_MICROS;
    return await this.#tokens.renew(hashOf(token), nowMicros, until);
  }

  /** Starting to running; `undefined` when the run is in another state. */
  async startRunning(runId: bigint, nowMicros: number): Promise<RunRow | undefined> {
    return await this.#change(
      runId,
      (row) => row.status === "starting" ? life.running(row, nowMicros) : undefined,
    );
  }

  /** The app hands in its outputs and its token. */
  async outputsPushed(runId: bigint, nowMicros: number): Promise<void> {
    await this.#change(
      runId,
      (row) => row.status === "running" ? life.outputsPushed(row, nowMicros) : undefined,
    );
  }

  /** Whether an app that held this token has handed in its outputs: it did not get the answer. */
  async hasPushedOutputs(runId: bigint, token: string): Promise<boolean> {
    const row = await this.get(runId);
    return row?.outputsAt !== undefined && row.tokenHash === hashOf(token);
  }

  /** Ends a run; `undefined` when it may not end so from where it is. */
  async finish(
    runId: bigint,
    nowMicros: number,
    end: RunEnd,
    details: string,
  ): Promise<RunRow | undefined> {
    const row = await this.#change(
      runId,
      (row) =>
        life.mayFinish(row, end)
          ? life.finished(this.#costs.with(row), nowMicros, end, details)
          : undefined,
      (operation) => operation.delete(keys.openRun(runId)).set(keys.endingRun(runId), null),
    );
    if (!row) return undefined;
    this.#costs.forget(runId);
    this.#onEnded?.(row);
    try {
      await this.#cleanUp(row);
    } catch (error) {
      // The run has ended all the same; upkeep tries again.
      if (!(error instanceof StorageFailure || error instanceof Contention)) throw error;
    }
    return row;
  }

  /** Deletes what runs that have ended left, where that failed before. */
  async cleanUpEnded(): Promise<void> {
    for await (const { key } of this.#kv.list({ prefix: keys.endingRuns })) {
      const runId = key.at(-1);
      const row = typeof runId === "bigint" ? await this.get(runId) : undefined;
      if (row && !this.#cleaning.has(row.runId)) await this.#cleanUp(row);
    }
  }

  /** Adds to the log of a run. */
  async appendLog(runId: bigint, text: string, nowMicros: number): Promise<void> {
    await this.#turns.run(runId, () => this.logs.append(runId, text, nowMicros));
    this.#bells.ring(topics.log(runId));
  }

  /** Adds to the events of a run; false when they are not taken. */
  async appendEvents(
    runId: bigint,
    events: readonly NewEvent[],
    nowMicros: number,
  ): Promise<boolean> {
    const taken = await this.#turns.run(
      runId,
      () => this.events.append(runId, events, nowMicros),
    );
    if (taken) this.#bells.ring(topics.events(runId));
    return taken;
  }

  /** Notes what a run cost; on disk with the next {@linkcode writeCosts} or when it ends. */
  addCosts(runId: bigint, costs: RunCosts): void {
    this.#costs.add(runId, costs);
  }

  /** Writes the costs of runs to disk. */
  async writeCosts(): Promise<void> {
    await this.#costs.write((runId, next) => this.#change(runId, next));
  }

  /**
   * Ends the runs whose apps are silent for longer than their lease, or never reported how they
   * ended. Gives those runs.
   */
  async expireDue(nowMicros: number): Promise<RunRow[]> {
    const ended: RunRow[] = [];
    for (const row of await this.open()) {
      const due = await this.#dueSince(row, nowMicros);
      if (due === undefined) continue;
      if (row.requeues && row.status === "starting") {
        await this.#requeue(row);
        continue;
      }
      const lastLine = await this.logs.lastLine(row.runId);
      const details = [due.why, ...lastLine === undefined ? [] : [`Last log line: ${lastLine}`]];
      const finished = await this.finish(row.runId, due.at, "failed", details.join(" "));
      if (finished) ended.push(finished);
    }
    return ended;
  }

  /**
   * After a start: grants apps that may still run a new lease, and finishes what an earlier process
   * of the SuperLink was about to clean up.
   */
  async recover(nowMicros: number): Promise<void> {
    this.#startMicros = nowMicros;
    await this.cleanUpEnded();
    for (const row of await this.open()) {
      const tokenHash = life.heldToken(row);
      if (tokenHash !== undefined) {
        this.#tokens.given(tokenHash, nowMicros + life.TOKEN_LIFE_MICROS);
      }
    }
  }

  async #requeue({ runId, tokenHash }: RunRow): Promise<void> {
    const requeued = await this.#change(
      runId,
      (row) =>
        row.status === "starting" && row.tokenHash === tokenHash
          ? life.pendingAgain(row)
          : undefined,
    );
    if (requeued) this.#bells.ring(topics.pendingRuns);
  }

  async #giveToken(
    runId: bigint,
    nowMicros: number,
    next: (row: RunRow, tokenHash: string) => RunRow | undefined,
  ): Promise<string | undefined> {
    const token = encodeHex(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)));
    const tokenHash = hashOf(token);
    const row = await this.#change(runId, (row) => next(row, tokenHash));
    if (!row) return undefined;
    this.#tokens.given(tokenHash, nowMicros + life.FIRST_TOKEN_LIFE_MICROS);
    return token;
  }

  async #dueSince(
    row: RunRow,
    nowMicros: number,
  ): Promise<{ at: number; why: string } | undefined> {
    if (row.outputsAt !== undefined) {
      const at = Math.max(row.outputsAt, this.#startMicros) + life.REPORT_TIME_MICROS;
      if (at > nowMicros) return undefined;
      return { at, why: "The ServerApp handed in its outputs but did not report how it ended." };
    }
    const at = await this.#tokens.until(row.tokenHash ?? "");
    if (at === undefined || at > nowMicros) return undefined;
    return { at, why: "No heartbeat received from the run." };
  }

  async #cleanUp(row: RunRow): Promise<void> {
    const { runId } = row;
    this.#cleaning.add(runId);
    try {
      this.#bells.ring(topics.replies(runId));
      await this.#onFinished(row);
      await commit(this.#kv.atomic().delete(keys.endingRun(runId)));
      this.logs.forget(runId);
    } finally {
      this.#cleaning.delete(runId);
    }
  }

  /** Changes a run's row, and the index of its token with it. */
  async #change(
    runId: bigint,
    next: (row: RunRow) => RunRow | undefined,
    also: (operation: Deno.AtomicOperation) => void = () => {},
  ): Promise<RunRow | undefined> {
    return await this.#turns.run(runId, async () => {
      const found = await this.#kv.get<RunRow>(keys.run(runId));
      if (found.value === null) return undefined;
      const row = next(found.value);
      if (!row) return undefined;
      const operation = this.#kv.atomic().check(found).set(keys.run(runId), row);
      const [before, after] = [life.heldToken(found.value), life.heldToken(row)];
      if (before !== undefined && before !== after) operation.delete(keys.token(before));
      if (after !== undefined && before !== after) {
        const until = (row.startingAt ?? 0) + life.FIRST_TOKEN_LIFE_MICROS;
        operation.set(keys.token(after), this.#tokens.row(runId, until));
      }
      also(operation);
      if (await commit(operation) === undefined) throw new Contention("A run");
      if (before !== undefined && before !== after) this.#tokens.taken(before);
      if (row.status !== found.value.status) {
        this.#onStatus?.(row);
        this.#bells.ring(topics.run(runId));
      }
      return row;
    });
  }
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
