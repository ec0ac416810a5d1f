/**
 * How long rounds take with Flower's own programs, with ours in their place one after the other, and
 * where the time of a round goes:
 *
 *     deno run -A bench/rounds.ts [--visits 3] [--runs 2] [--rounds 3] [--casts flower,ours]
 *         [--no-timeline] [--out bench/results]
 *
 * The casts take turns, so that what else the machine does hits all of them. Each visit starts the
 * federation anew, with TLS, registered SuperNodes and durable state, and runs the same app.
 *
 * @module
 */

import { join } from "node:path";
import { parseArgs } from "@std/cli/parse-args";
import { installHint, missingFlower } from "../tests/harness/flower_env.ts";
import type { Program } from "../tests/harness/programs.ts";
import { saveFigures } from "./figures.ts";
import { type Cast, CASTS, FLOWER_VERSION } from "./rounds/casts.ts";
import { page } from "./rounds/page.ts";
import {
  type CastReport,
  roundsFigures,
  type RoundsReport,
  stepTable,
  table,
} from "./rounds/report.ts";
import { medianPhase, type Phase, phasesOf } from "./rounds/timeline.ts";
import { readTrace, tracedProgram } from "./rounds/trace.ts";
import { visit } from "./rounds/visit.ts";
import { failuresText, wholeVisit } from "./whole_visit.ts";

/** What is measured. */
export interface RoundsOptions {
  readonly casts: readonly Cast[];
  /** How often each cast is visited. */
  readonly visits: number;
  /** Runs of a visit, the first of which is counted apart. */
  readonly runs: number;
  readonly rounds: number;
  /** Whether each cast is visited once more, for the steps of a phase. */
  readonly timeline: boolean;
  readonly say: (line: string) => void;
}

/** Measures. Throws when a run fails, or does not come to the same result as the others. */
export async function measureRounds(options: RoundsOptions): Promise<RoundsReport> {
  const { casts, visits, runs, rounds, timeline, say } = options;
  const startedAt = new Date().toISOString();
  const measured = new Map<Cast, Measured>(casts.map((cast) => [cast, new Measured()]));
  const results = new Set<string>();
  for (let turn = 1; turn <= visits; turn++) {
    for (const [cast, { firstRuns, laterRuns, cpu, loads }] of measured) {
      const [load = 0] = Deno.loadavg();
      loads.push(load);
      const { result: times, failures } = await wholeVisit(() => visit(cast, { runs, rounds }));
      const [first, ...later] = times.map(({ seconds }) => seconds);
      firstRuns.push(first ?? NaN);
      laterRuns.push(...later);
      cpu.push(...times.slice(1).map(({ cpuSeconds }) => cpuSeconds));
      for (const { result } of times) results.add(result);
      if (results.size > 1) throw new Error(`The results differ: ${[...results].join(" | ")}`);
      const shown = times.map(({ seconds }) => seconds.toFixed(2)).join(" s, ");
      const name = `visit ${turn} of ${visits}, ${cast.name}`;
      say(`${name}: ${shown} s (load before: ${load.toFixed(1)})${failuresText(failures)}`);
    }
  }
  const reports: CastReport[] = [];
  for (const [{ name, title }, times] of measured) {
    reports.push({ name, title, ...times, result: [...results].join(), phaseMs: [] });
  }
  const phases = timeline ? await tracePhases(casts, rounds, say) : [];
  return {
    startedAt,
    machine: {
      cores: navigator.hardwareConcurrency,
      system: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
      deno: Deno.version.deno,
    },
    rounds,
    casts: reports.map((report, index) => ({ ...report, phaseMs: phases[index] ?? [] })),
  };
}

class Measured {
  readonly firstRuns: number[] = [];
  readonly laterRuns: number[] = [];
  readonly cpu: number[] = [];
  readonly loads: number[] = [];
}

async function tracePhases(
  casts: readonly Cast[],
  rounds: number,
  say: (line: string) => void,
): Promise<Phase[]> {
  const phases: Phase[] = [];
  for (const cast of casts) {
    const file = await Deno.makeTempFile({ prefix: "trellis-trace-" });
    try {
      const traced = (program: Program) => tracedProgram(program, file);
      await wholeVisit(async () => {
        await Deno.truncate(file);
        await visit(cast, { runs: 2, rounds, traced });
      });
      const found = phasesOf(await readTrace(file));
      say(`traced ${found.length} phases of ${cast.name}`);
      phases.push(medianPhase(found));
    } finally {
      await Deno.remove(file);
    }
  }
  return phases;
}

if (import.meta.main) {
  const missing = missingFlower([FLOWER_VERSION]);
  if (missing.length > 0) {
    console.error(`Flower is not installed: ${installHint(missing)}`);
    Deno.exit(1);
  }
  const flags = parseArgs(Deno.args, {
    string: ["visits", "runs", "rounds", "casts", "out"],
    boolean: ["timeline"],
    negatable: ["timeline"],
    default: { visits: "3", runs: "2", rounds: "3", out: "bench/results", timeline: true },
  });
  const names = flags.casts === undefined ? undefined : String(flags.casts).split(",");
  const report = await measureRounds({
    casts: CASTS.filter(({ name }) => names?.includes(name) ?? true),
    visits: Number(flags.visits),
    runs: Number(flags.runs),
    rounds: Number(flags.rounds),
    timeline: flags.timeline === true,
    say: (line) => console.log(line),
  });
  const folder = String(flags.out);
  await saveFigures(folder, "rounds", roundsFigures(report), report);
  await Deno.writeTextFile(join(folder, "rounds.html"), page(report));
  console.log(`\n${table(report)}\n\n${stepTable(report)}`);
}
