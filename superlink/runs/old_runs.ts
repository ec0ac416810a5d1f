/**
 * Deletes runs that ended long ago, with their logs, events and FABs, where an operator set for how long
 * they are kept.
 *
 * @module
 */

import type { Log } from "../../terminal/log.ts";
import type { AuditTrail } from "../audit/audit.ts";
import { AuditEvents } from "../audit/events.ts";
import type { Clock } from "../clock.ts";
import { commit } from "../state/commit.ts";
import { deletePrefix } from "../state/delete_prefix.ts";
import { keys, type RunRow } from "../state/layout.ts";
import type { Fabs } from "./fabs.ts";

/** What is needed to delete them. */
export interface OldRunsOptions {
  /** A database that nobody else serves. */
  readonly kv: Deno.Kv;
  readonly fabs: Fabs;
  /** How long a run is kept after its end. */
  readonly keepMicros: number;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly log: Log;
}

/** The runs of one database that are past their time. */
export class OldRuns {
  readonly #options: OldRunsOptions;

  constructor(options: OldRunsOptions) {
    this.#options = options;
  }

  /** Deletes those that are due; gives their ids. */
  async sweep(): Promise<bigint[]> {
    const { kv, fabs, keepMicros, audit, clock, log } = this.#options;
    const before = clock.nowMicros() - keepMicros;
    const deleted: RunRow[] = [];
    const fabHashes = new Set<string>();
    for await (const { value } of kv.list<RunRow>({ prefix: keys.runs })) {
      if (value.finishedAt === undefined || value.finishedAt > before) fabHashes.add(value.fabHash);
      // What its messages left goes first; upkeep tries that again.
      else if ((await kv.get(keys.endingRun(value.runId))).versionstamp === null) {
        deleted.push(value);
      } else fabHashes.add(value.fabHash);
    }
    const events = new AuditEvents(audit);
    for (const row of deleted) {
      const { runId, fabId } = row;
      await deletePrefix(kv, keys.logs(runId));
      await deletePrefix(kv, keys.events(runId));
      await deletePrefix(kv, keys.rounds(runId));
      // Last: until then it is found again.
      await commit(kv.atomic().delete(keys.logEnd(runId)).delete(keys.run(runId)));
      events.runDeleted(row);
      const sentence =
        `Run ${runId} of ${fabId} was deleted: it ended longer ago than --keep-runs.`;
      log.info("run.deleted", sentence, { runId: String(runId) });
    }
    for (const hash of new Set(deleted.map(({ fabHash }) => fabHash))) {
      if (!fabHashes.has(hash)) await fabs.delete(hash);
    }
    return deleted.map(({ runId }) => runId);
  }
}
