/**
 * What the measurement of rounds came to, and how a person reads it.
 *
 * @module
 */

import type { Figure } from "../figures.ts";
import { median } from "../median.ts";
import { type Phase, STEPS } from "./timeline.ts";

/** All that was measured; JSON. Times are seconds unless a name says otherwise. */
export interface RoundsReport {
  readonly startedAt: string;
  readonly machine: { readonly cores: number; readonly system: string; readonly deno: string };
  readonly rounds: number;
  readonly casts: readonly CastReport[];
}

/** One cast's runs. */
export interface CastReport {
  readonly name: string;
  readonly title: string;
  /** The first run of each visit, when nothing was loaded and no FAB installed. */
  readonly firstRuns: readonly number[];
  /** The runs after it. */
  readonly laterRuns: readonly number[];
  /** CPU time of each of those, over all processes but the CLI's. */
  readonly cpu: readonly number[];
  /** The load average of the machine before each visit: more than a little makes figures worthless. */
  readonly loads: readonly number[];
  /** What the app printed last, the same for all casts. */
  readonly result: string;
  /** The median phase of a traced run, as `STEPS` has it. */
  readonly phaseMs: Phase;
}

/** The table of all casts, with factors against the first. */
export function table({ casts, rounds }: RoundsReport): string {
  const base = median(casts[0]?.laterRuns ?? []);
  const rows = casts.map(({ title, firstRuns, laterRuns, cpu, loads }) => {
    const later = median(laterRuns);
    const range = `${seconds(Math.min(...laterRuns))} to ${seconds(Math.max(...laterRuns))}`;
    return [
      title,
      seconds(median(firstRuns)),
      seconds(later),
      range,
      `${(base / later).toFixed(1)}`,
      seconds(median(cpu)),
      `${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`,
    ];
  });
  const head = [
    `${rounds} rounds`,
    "first run",
    "later runs",
    "range",
    "times as fast",
    "CPU",
    "load",
  ];
  return markdown([head, ...rows]);
}

/** How long each cast with a part of ours takes, beside Flower's own. */
export function roundsFigures({ casts, rounds }: RoundsReport): Figure[] {
  const real = casts.find(({ name }) => name === "flower");
  return casts.filter((cast) => cast !== real).map(({ title, laterRuns }) => ({
    name: `${rounds} rounds: ${title}`,
    unit: "s",
    better: "less",
    ours: median(laterRuns),
    ...(real ? { flower: { title: real.title, value: median(real.laterRuns) } } : {}),
  }));
}

/** The table of steps: milliseconds of one phase, cast by cast. */
export function stepTable({ casts }: RoundsReport): string {
  const traced = casts.filter(({ phaseMs }) => phaseMs.length > 0);
  const head = ["one phase, in ms, until", ...traced.map(({ name }) => name)];
  const rows = STEPS.map((step, index) => [
    step,
    ...traced.map(({ phaseMs }) => milliseconds(phaseMs[index])),
  ]);
  const sum = traced.map(({ phaseMs }) => milliseconds(phaseMs.reduce((a, b) => a + b, 0)));
  return markdown([head, ...rows, ["all", ...sum]]);
}

function seconds(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} s`;
}

function milliseconds(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? "" : value.toFixed(0);
}

function markdown([head = [], ...rows]: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, i) => (row[i] ?? "").padEnd(width)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}
