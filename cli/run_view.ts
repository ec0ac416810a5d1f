/**
 * Runs as `ls` and `federation show` present them.
 *
 * @module
 */

import type { Run } from "../proto/gen/flwr/proto/run_pb.ts";
import type { Style } from "../terminal/colour.ts";
import type { JsonValue } from "../terminal/json.ts";
import type { Cell, Column } from "../terminal/table.ts";
import { secondsBetween, showElapsed, showTimestamp } from "./timestamp.ts";
import { showBytes } from "./show_bytes.ts";

/** The columns of `ls`. */
export const RUN_COLUMNS: readonly Column[] = [
  { header: "Run ID", keepWhole: true },
  { header: "Federation" },
  { header: "App" },
  { header: "Status" },
  { header: "Elapsed" },
  { header: "Status Changed @" },
];

/** The row of a run in `ls`. */
export function runRow(run: Run, now: string): readonly Cell[] {
  const changedAt = run.finishedAt || run.runningAt || run.startingAt || run.pendingAt;
  return [
    { text: String(run.runId), styles: ["bold"] },
    { text: run.federation },
    { text: runApp(run) },
    ...runStatusCells(run, now),
    { text: showTimestamp(changedAt), styles: ["brightBlack"] },
  ];
}

/** Everything of a run, for `ls --run-id`. */
export function runSheet(run: Run, now: string): readonly (readonly [string, Cell])[] {
  const seconds = runSeconds(run, now);
  const [status = { text: "" }, elapsed = { text: "" }] = runStatusCells(run, now);
  const details = run.status?.details ?? "";
  const total = Number(run.bytesRecv) + Number(run.bytesSent);
  return [
    ["Run ID", { text: String(run.runId), styles: ["bold"] }],
    ["Federation", { text: run.federation }],
    ["App", { text: runApp(run) }],
    ["FAB Hash", { text: `${run.fabHash.slice(0, 8)}...${run.fabHash.slice(-8)}` }],
    ["Status", status],
    ...(details === "" ? [] : [["Details", { text: details }] as const]),
    ["Elapsed", elapsed],
    ["Pending At", { text: showTimestamp(run.pendingAt) }],
    ["Starting At", { text: showTimestamp(run.startingAt) }],
    ["Running At", { text: showTimestamp(run.runningAt) }],
    ["Finished At", { text: showTimestamp(run.finishedAt) }],
    ["Network traffic (inbound)", { text: showBytes(Number(run.bytesRecv)) }],
    ["Network traffic (outbound)", { text: showBytes(Number(run.bytesSent)) }],
    ["Network Traffic (total)", { text: showBytes(total) }],
    ["Compute Time (ServerApp)", { text: showElapsed(seconds) }],
    ["Compute Time (ClientApp)", { text: showElapsed(run.clientappRuntime) }],
    ["Compute Time (total)", { text: showElapsed(seconds + run.clientappRuntime) }],
  ];
}

/** The names of what {@linkcode runJson} gives. */
export const RUN_FIELDS = [
  ...["run-id", "federation", "fab-id", "fab-name", "fab-version", "fab-hash", "status", "elapsed"],
  ...["pending-at", "starting-at", "running-at", "finished-at", "network-traffic", "compute-time"],
];

/** A run in the JSON of `ls`, as Flower 1.25.0 writes it. */
export function runJson(run: Run, now: string): Readonly<Record<string, JsonValue>> {
  const seconds = runSeconds(run, now);
  return {
    "run-id": String(run.runId),
    "federation": run.federation,
    "fab-id": run.fabId,
    "fab-name": run.fabId.split("/").at(-1) ?? "",
    "fab-version": run.fabVersion,
    "fab-hash": run.fabHash.slice(0, 8),
    "status": runStatus(run),
    "elapsed": seconds,
    "pending-at": showTimestamp(run.pendingAt),
    "starting-at": showTimestamp(run.startingAt),
    "running-at": showTimestamp(run.runningAt),
    "finished-at": showTimestamp(run.finishedAt),
    "network-traffic": {
      "inbound-bytes": run.bytesRecv,
      "outbound-bytes": run.bytesSent,
      "total-bytes": run.bytesRecv + run.bytesSent,
    },
    "compute-time": {
      "serverapp-seconds": seconds,
      "clientapp-seconds": run.clientappRuntime,
      "total-seconds": seconds + run.clientappRuntime,
    },
  };
}

/** `finished:completed`, or the bare status of a run that is not finished. */
export function runStatus({ status }: Run): string {
  return status?.subStatus ? `${status.status}:${status.subStatus}` : status?.status ?? "";
}

/** `@publisher/app==1.0.0`. */
export function runApp({ fabId, fabVersion }: Run): string {
  return `@${fabId}==${fabVersion}`;
}

/** Seconds that the run has run, by the SuperLink's clock; 0 if it never did. */
export function runSeconds({ runningAt, finishedAt }: Run, now: string): number {
  return secondsBetween(runningAt, finishedAt || now);
}

/** The cells of a run's status and elapsed time. */
export function runStatusCells(run: Run, now: string): readonly Cell[] {
  const status = runStatus(run);
  return [
    { text: status, styles: [STATUS_STYLES[status] ?? "brightBlack"] },
    { text: showElapsed(runSeconds(run, now)), styles: ["blue"] },
  ];
}

const STATUS_STYLES: Readonly<Record<string, Style>> = {
  "starting": "blue",
  "running": "blue",
  "finished:completed": "green",
  "finished:failed": "red",
  "finished:stopped": "brightYellow",
};
