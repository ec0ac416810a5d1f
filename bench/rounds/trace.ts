/**
 * The trace of a run: which call began and ended when, as servers of ours and clients in Python tell
 * it. Programs write one JSON object a line into the file that `TRELLIS_TRACE` names.
 *
 * @module
 */

import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import type { Program } from "../../tests/harness/programs.ts";

/** Names the file. */
export const TRACE_VARIABLE = "TRELLIS_TRACE";

/** One call, on either side. Times are milliseconds since the epoch. */
export interface TracedCall {
  readonly side: "client" | "server";
  readonly pid: number;
  /** For example `Fleet`. */
  readonly service: string;
  readonly method: string;
  readonly startMs: number;
  readonly endMs: number;
  /** Of the request, `"0"` or `"1"` where there is none. */
  readonly nodeId: string;
  /** How many messages the answer has. */
  readonly messages: number;
}

const PYTHON_TRACE = fileURLToPath(new URL("./python_trace/", import.meta.url));
const TRACED = fileURLToPath(new URL("./traced.ts", import.meta.url));

/** A program that writes a trace: ours of what it serves, those in Python of what they call. */
export function tracedProgram(program: Program, file: string): Program {
  const args = program.flower === undefined
    ? program.args.map((arg) => arg.endsWith("main.ts") ? TRACED : arg)
    : program.args;
  const pythonPath = [PYTHON_TRACE, Deno.env.get("PYTHONPATH") ?? ""].filter(Boolean);
  return {
    ...program,
    args,
    env: {
      ...program.env,
      [TRACE_VARIABLE]: file,
      PYTHONPATH: pythonPath.join(delimiter),
    },
  };
}

/** Reads a trace. A call that both of its ends tell of is told as its client has it. */
export async function readTrace(file: string): Promise<TracedCall[]> {
  const calls = (await Deno.readTextFile(file)).split("\n").filter((line) => line !== "")
    .map((line): TracedCall => JSON.parse(line));
  const told = new Set(
    calls.filter(({ side }) => side === "client").map(({ service }) => service),
  );
  return calls.filter(({ side, service }) => side === "client" || !told.has(service))
    .sort((a, b) => a.startMs - b.startMs);
}
