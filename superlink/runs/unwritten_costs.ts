import type { RunRow } from "../state/layout.ts";

/** What a run costs: bytes of messages and objects, and seconds of ClientApps. */
export interface RunCosts {
  readonly bytesSent?: number;
  readonly bytesReceived?: number;
  readonly clientAppRuntimeS?: number;
}

/** What runs have cost that is not on disk yet. */
export class UnwrittenCosts {
  readonly #shared: boolean;
  readonly #costs = new Map<bigint, Required<RunCosts>>();

  /** `shared` says that other processes change the database, too. */
  constructor(shared: boolean) {
    this.#shared = shared;
  }

  add(runId: bigint, costs: RunCosts): void {
    const known = this.#costs.get(runId);
    this.#costs.set(runId, {
      bytesSent: (known?.bytesSent ?? 0) + (costs.bytesSent ?? 0),
      bytesReceived: (known?.bytesReceived ?? 0) + (costs.bytesReceived ?? 0),
      clientAppRuntimeS: (known?.clientAppRuntimeS ?? 0) + (costs.clientAppRuntimeS ?? 0),
    });
  }

  /** A row with what is not on disk yet. */
  with(row: RunRow): RunRow {
    const costs = this.#costs.get(row.runId);
    return costs ? this.#added(row, costs) ?? row : row;
  }

  /** The run has ended, and its row has all that it cost. */
  forget(runId: bigint): void {
    this.#costs.delete(runId);
  }

  /** Writes all by `change`, which is given how a row comes to the next, if it does. */
  async write(
    change: (runId: bigint, next: (row: RunRow) => RunRow | undefined) => Promise<unknown>,
  ): Promise<void> {
    for (const [runId, costs] of [...this.#costs]) {
      this.#costs.delete(runId);
      try {
        await change(runId, (row) => this.#added(row, costs));
      } catch (error) {
        this.add(runId, costs);
        throw error;
      }
    }
  }

  /** A run that has ended costs no more; but others may have noted before what is not written yet. */
  #added(row: RunRow, costs: Required<RunCosts>): RunRow | undefined {
    if (!this.#shared && row.status === "finished") return undefined;
    return {
      ...row,
      bytesSent: row.bytesSent + costs.bytesSent,
      bytesReceived: row.bytesReceived + costs.bytesReceived,
      clientAppRuntimeS: row.clientAppRuntimeS + costs.clientAppRuntimeS,
    };
  }
}
