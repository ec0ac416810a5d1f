/**
 * What the page shows.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Logins } from "../access/logins.ts";
import type { Fresh } from "../metrics/fresh.ts";
import type { RunRounds } from "../rounds/run_rounds.ts";
import type { Runs } from "../runs/runs.ts";
import type { RunRow } from "../state/layout.ts";
import type { Nodes } from "../state/nodes.ts";
import { AUDIT_COLUMNS, type AuditTail, auditText, nodeOfLine } from "./audit_list.ts";
import type { Live } from "./live.ts";
import { NODE_COLUMNS, nodeText } from "./node_list.ts";
import type { NamedNode, NodeViews } from "./node_views.ts";
import { plotsOf, repliesOf } from "./plots.ts";
import { json, PageError, type Route } from "./routes.ts";
import type { RunFollower } from "./run_follower.ts";
import { RUN_COLUMNS, runText, runView } from "./run_list.ts";
import type { SeenRefusal, SeenRefusals } from "./seen_refusals.ts";
import type { PageSessions } from "./sessions.ts";
import { wantedOf, windowOf } from "./window.ts";

/** What is shown. */
export interface PageData {
  readonly nodes: NodeViews;
  readonly registry: Pick<Nodes, "get">;
  readonly runRows: Fresh<readonly RunRow[]>;
  readonly runs: Runs;
  readonly follower: RunFollower;
  readonly rounds: RunRounds;
  readonly logins: Pick<Logins, "pending">;
  readonly refusals: SeenRefusals;
  /** The newest lines of the audit log, where there is one. */
  readonly audit: AuditTail | undefined;
  readonly live: Live;
  readonly sessions: PageSessions;
  readonly clock: Clock;
}

const LOG_CHUNKS = 200;

/** The routes that give it. */
export function dataRoutes(data: PageData): Route[] {
  const { nodes, registry, runRows, runs, follower, logins, refusals, audit, live, clock } = data;
  const { rounds: runRounds, sessions } = data;
  const nowMs = () => clock.nowMicros() / 1000;
  const get = (path: RegExp, answer: Route["answer"]): Route => ({
    method: "GET",
    path,
    to: "signed-in",
    answer,
  });
  return [
    get(/^\/api\/overview$/, async ({ holder }) => {
      const [views, rows] = await Promise.all([nodes.all(), runRows.get()]);
      // They wait for those who can answer them.
      const waiting = holder?.role === "admin" ? await logins.pending() : [];
      return json({
        nodes: countsOf(views.map(({ status }) => status)),
        runs: countsOf(rows.map(({ end, status }) => end ?? status)),
        refusals: refusals.count,
        logins: waiting.length,
      });
    }),
    get(/^\/api\/nodes$/, async ({ query }) => {
      const views = await nodes.all();
      const status = query.get("status") ?? "";
      const shown = status === ""
        ? views.filter((view) => view.status !== "unregistered")
        : views.filter((view) => status === "all" || view.status === status);
      return json({
        ...windowOf(shown, wantedOf(query), nodeText, NODE_COLUMNS),
        now: nowMs(),
      });
    }),
    get(/^\/api\/nodes\/(?<id>\d{1,20})$/, async ({ caught }) => {
      const node = await registry.get(BigInt(caught.id ?? ""));
      if (!node) throw new PageError(404, "There is no such SuperNode.");
      return json(nodes.of(node));
    }),
    get(/^\/api\/runs$/, async ({ query }) => {
      const views = (await runRows.get()).map(runView).reverse();
      const { rows, total } = windowOf(views, wantedOf(query), runText, RUN_COLUMNS);
      const withProgress = await Promise.all(rows.map(async (view) => {
        const runId = BigInt(view.id);
        const { round, rounds } = await follower.progress(runId);
        return { ...view, round: round || await runRounds.latest(runId), rounds };
      }));
      return json({ rows: withProgress, total, now: nowMs() });
    }),
    get(/^\/api\/runs\/(?<id>\d{1,20})$/, async ({ caught }) => {
      const row = await runs.get(BigInt(caught.id ?? ""));
      if (!row) throw new PageError(404, "There is no such run.");
      const logged = await follower.progress(row.runId);
      const rounds = await runRounds.of(row.runId);
      const replies = repliesOf(rounds);
      return json({
        ...runView(row),
        round: logged.round || replies?.round || 0,
        rounds: logged.rounds,
        replies,
        series: plotsOf(rounds, logged, row.status !== "finished"),
        now: nowMs(),
      });
    }),
    get(/^\/api\/runs\/(?<id>\d{1,20})\/log$/, async ({ caught, query }) => {
      const after = Number(query.get("after") ?? 0);
      if (!Number.isSafeInteger(after)) throw new PageError(400, "after is a whole number.");
      const chunks = await runs.logs.after(BigInt(caught.id ?? ""), after, LOG_CHUNKS);
      return json({
        text: chunks.map(({ text }) => text).join(""),
        cursor: chunks.at(-1)?.at ?? after,
        more: chunks.length === LOG_CHUNKS,
      });
    }),
    get(/^\/api\/refusals$/, async ({ query }) => {
      const named = await nodes.named();
      const seen = refusals.list().map((refusal) => ({
        ...refusal,
        node: named.get(refusal.fingerprint ?? ""),
      }));
      const list = windowOf(seen, wantedOf(query), refusalText, {
        time: ({ number }) => number,
        reason: ({ reason }) => reason,
        method: ({ method }) => method,
        peer: ({ peer }) => peer,
        fingerprint: ({ fingerprint }) => fingerprint,
        node: ({ node }) => node && (node.name || node.id),
      });
      return json({ ...list, count: refusals.count, now: nowMs() });
    }),
    get(/^\/api\/audit$/, async ({ query }) => {
      const lines = await audit?.newest();
      const named = await nodes.named();
      const rows = (lines ?? []).map((line) => ({ ...line, node: nodeOfLine(line, named) }));
      const list = windowOf(rows, wantedOf(query), auditText, AUDIT_COLUMNS);
      return json({ ...list, kept: lines !== undefined, now: nowMs() });
    }),
    get(/^\/api\/events$/, ({ query, request: { headers }, peer }) => {
      const run = query.get("run") ?? "";
      if (!/^\d{0,20}$/.test(run)) throw new PageError(400, "run is the id of a run.");
      const stillMay = async () => await sessions.holderOf(headers, peer) !== undefined;
      return live.listen(run === "" ? undefined : BigInt(run), stillMay);
    }),
  ];
}

function refusalText(
  { reason, method, peer, fingerprint = "", node }: SeenRefusal & { node: NamedNode | undefined },
): string {
  return [reason, method, peer, fingerprint, node?.id, node?.name].join(" ");
}

function countsOf(statuses: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
