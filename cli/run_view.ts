/**
 * Runs as `ls` and `federation show` present them.
 *
 * @module
 */

import type { Run } from "../proto/gen/flwr/proto/run_pb.ts";
import type { Style } from "../terminal/colour.ts";
import type { Cell } from "../terminal/table.ts";
import { secondsBetween, showElapsed } from "./timestamp.ts";

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
