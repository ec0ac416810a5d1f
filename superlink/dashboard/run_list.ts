import type { RunRow } from "../state/layout.ts";
import type { Columns } from "./window.ts";

/** A run as the page shows it. Times are milliseconds since the epoch. */
export interface RunView {
  readonly id: string;
  readonly app: string;
  readonly version: string;
  readonly fabHash: string;
  readonly runtime: string;
  /** Its status, or how it ended. */
  readonly status: string;
  readonly details: string;
  readonly pendingAt: number;
  readonly runningAt: number | undefined;
  readonly finishedAt: number | undefined;
  /** Bytes of its messages to nodes, and from them. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly clientAppSeconds: number;
}

/** What is known of a run. */
export function runView(row: RunRow): RunView {
  return {
    id: String(row.runId),
    app: row.fabId,
    version: row.fabVersion,
    fabHash: row.fabHash,
    runtime: row.runtime,
    status: row.end ?? row.status,
    details: row.details,
    pendingAt: row.pendingAt / 1000,
    runningAt: toMs(row.runningAt),
    finishedAt: toMs(row.finishedAt),
    bytesSent: row.bytesSent,
    bytesReceived: row.bytesReceived,
    clientAppSeconds: row.clientAppRuntimeS,
  };
}

/** What a search looks at. */
export function runText({ id, app, version, status, details }: RunView): string {
  return [id, app, version, status, details].join(" ");
}

/** What runs are sorted by. */
export const RUN_COLUMNS: Columns<RunView> = {
  id: ({ id }) => id,
  app: ({ app }) => app,
  status: ({ status }) => status,
  started: ({ pendingAt }) => pendingAt,
  duration: ({ pendingAt, runningAt = pendingAt, finishedAt = Date.now() }) =>
    finishedAt - runningAt,
};

function toMs(micros: number | undefined): number | undefined {
  return micros === undefined ? undefined : micros / 1000;
}
