/**
 * The page of a SuperLink, with the metrics and the health that are served beside it.
 *
 * @module
 */

import project from "../../deno.json" with { type: "json" };
import type { Log } from "../../terminal/log.ts";
import { type Address, isLoopback } from "../../wire/address.ts";
import { ListenError } from "../../wire/listen_error.ts";
import type { ServerTls } from "../../wire/tls.ts";
import { TokenAttempts } from "../access/attempts.ts";
import type { AuditTrail } from "../audit/audit.ts";
import type { Clock } from "../clock.ts";
import { CallRate } from "../call_rate.ts";
import { limitLog } from "../limit_log.ts";
import { callLimits, type ChangedLimits, limitOf } from "../limits.ts";
import type { Listeners } from "../listeners.ts";
import { Fresh } from "../metrics/fresh.ts";
import { Metrics } from "../metrics/metrics.ts";
import { readiness } from "../metrics/readiness.ts";
import type { Onlooker } from "../onlooker.ts";
import { RunRounds } from "../rounds/run_rounds.ts";
import type { Services } from "../services.ts";
import type { State } from "../state.ts";
import type { Database } from "../state/database.ts";
import { keys } from "../state/layout.ts";
import type { PageAccess } from "./access.ts";
import type { DashboardOptions } from "./flags.ts";
import { accessRoutes } from "./access_routes.ts";
import { actionRoutes } from "./action_routes.ts";
import { assetRoutes } from "./assets.ts";
import { AuditTail } from "./audit_list.ts";
import { dataRoutes } from "./data_routes.ts";
import { Live } from "./live.ts";
import { loginRoutes } from "./login_routes.ts";
import { monitoringRoutes } from "./monitoring.ts";
import { loginsRevision, nodesRevision, runsRevision } from "./revisions.ts";
import { RunFollower } from "./run_follower.ts";
import { NodeTraffic } from "./node_traffic.ts";
import { NodeViews } from "./node_views.ts";
import { operatorCalls } from "./operator_calls.ts";
import { pageNotes } from "./page_notes.ts";
import { PageTokens } from "./page_tokens.ts";
import { pageHandler } from "./routes.ts";
import { SeenRefusals } from "./seen_refusals.ts";
import { PageSessions } from "./sessions.ts";

/** What a page is made of. */
export interface DashboardParts {
  readonly options: DashboardOptions;
  readonly limits: ChangedLimits;
  readonly access: PageAccess;
  /** The token of the SuperLink's environment, which opens the page, too. */
  readonly operatorToken: string | undefined;
  /** What the APIs are served with; the page is, too, beyond this machine. */
  readonly tls: ServerTls | undefined;
  readonly database: Database;
  readonly audit: AuditTrail;
  /** Where the audit log is, if there is one. */
  readonly auditFolder: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is shown, once the SuperLink has it. */
export interface DashboardSources {
  readonly state: State;
  readonly services: Services;
  readonly listeners: Listeners;
  readonly isServing: () => boolean;
}

/** Rows of nodes and runs are at most so old. */
const ROWS_MS = 1_000;
const OBJECTS_MS = 30_000;
const READINESS_MS = 1_000;

/** The page of one SuperLink. */
export class Dashboard {
  readonly #parts: DashboardParts;
  readonly #metrics = new Metrics();
  readonly #traffic = new NodeTraffic();
  readonly #refusals = new SeenRefusals();
  readonly #startedAtMs = Date.now();
  #heldPulls = 0;
  #live: Live | undefined;

  /** Told of what the page shows. */
  readonly onlooker: Onlooker = {
    called: (call) => {
      this.#metrics.called(call);
      this.#traffic.called(call);
    },
    refused: (refusal) => {
      this.#metrics.refused(refusal.reason);
      this.#refusals.add(refusal);
    },
    admitted: (caller, call) => this.#traffic.admitted(caller, call),
    held: (change) => {
      this.#heldPulls += change;
    },
  };

  /** Follows what runs send and what comes back. */
  readonly rounds: RunRounds;

  constructor(parts: DashboardParts) {
    this.#parts = parts;
    this.rounds = new RunRounds(parts.database.kv);
  }

  /**
   * Serves the page; gives the address really used. A default port that another program has is no
   * reason not to serve the federation; one that was asked for is.
   */
  async open(
    { state, services, listeners, isServing }: DashboardSources,
  ): Promise<Address | undefined> {
    const {
      options: { address, byDefault },
      access,
      operatorToken,
      tls,
      database,
      clock,
      log,
      audit: trail,
      auditFolder,
      limits,
    } = this.#parts;
    const pageTls = isLoopback(address.host) ? undefined : tls;
    const failed = (error: unknown) => {
      const text = error instanceof Error ? error.stack ?? error.message : String(error);
      log.error("superlink.internal-error", `The page failed: ${text}`);
    };
    const tokens = new PageTokens({
      access,
      operatorToken,
      grants: state.grants,
      attempts: new TokenAttempts(limitOf(limits, "page-wrong-tokens"), clock),
    });
    const notes = pageNotes(trail, log);
    const sessions = new PageSessions(tokens, notes, pageTls !== undefined);
    const nodes = new Fresh(() => state.nodes.list(clock.nowMicros()), ROWS_MS);
    const runs = new Fresh(() => state.runs.list(), ROWS_MS);
    const audit = auditFolder === undefined ? undefined : new AuditTail(auditFolder);
    const live = new Live({
      revisions: async () => ({
        logins: loginsRevision(await state.logins.pending()),
        nodes: nodesRevision(await nodes.get()),
        runs: runsRevision(await runs.get()) + this.rounds.revision,
        refusals: this.#refusals.count,
        audit: await audit?.revision() ?? 0,
      }),
      logRevision: async (runId) => await state.runs.logs.newest(runId),
      failed,
    });
    this.#live = live;
    const objectCount = new Fresh(() => countObjects(database.kv), OBJECTS_MS);
    const ready = new Fresh(() => readiness({ database, auditFolder, isServing }), READINESS_MS);
    const monitoring = monitoringRoutes(this.#metrics, {
      version: project.version,
      startedAtMs: this.#startedAtMs,
      nowMicros: () => clock.nowMicros(),
      nodes: () => nodes.get(),
      runs: () => runs.get(),
      objectCount: () => objectCount.get(),
      readiness: () => ready.get(),
      heldPulls: () => this.#heldPulls,
      pageListeners: () => live.size,
    });
    const call = operatorCalls([services.control141, ...services.operators], trail);
    const looked = () => {
      nodes.forget();
      runs.forget();
    };
    const routes = [
      ...monitoring,
      ...assetRoutes(),
      ...loginRoutes({ tokens, sessions, version: project.version, notes }),
      ...dataRoutes({
        nodes: new NodeViews(nodes, this.#traffic, () => clock.nowMicros()),
        registry: state.nodes,
        logins: state.logins,
        runRows: runs,
        runs: state.runs,
        follower: new RunFollower(state.runs),
        rounds: this.rounds,
        refusals: this.#refusals,
        audit,
        live,
        sessions,
        clock,
      }),
      ...actionRoutes(call, looked),
      ...accessRoutes(call),
    ];
    const rate = new CallRate(callLimits(limits).page, clock, limitLog(log, clock));
    const handler = pageHandler(routes, sessions, rate, failed);
    try {
      const bound = await listeners.web({ name: "page", address, tls: pageTls }, handler);
      if (pageTls === undefined && !isLoopback(address.host)) {
        log.warning(
          "superlink.page-plain",
          "The page is served without TLS beyond this machine: whoever can listen on the network " +
            "can take the tokens that open it. Give the SuperLink a certificate, or keep the page " +
            "on 127.0.0.1.",
        );
      }
      return bound;
    } catch (error) {
      if (!(error instanceof ListenError) || !byDefault) throw error;
      log.warning(
        "superlink.no-page",
        `${error.message} There is no page and no /metrics: choose another port with ` +
          "--dashboard-address, or give --dashboard-address none.",
      );
      return undefined;
    }
  }

  /** Lets the pages go that are told of changes: a server ends once nothing is under way. */
  stop(): void {
    this.#live?.stop();
  }
}

async function countObjects(kv: Deno.Kv): Promise<number> {
  let count = 0;
  for await (const _ of kv.list({ prefix: keys.allObjects }, { batchSize: 500 })) count++;
  return count;
}
