/**
 * What the page plots of a run: what its messages say, and beside it what its app logs that they do not
 * say, as an evaluation at the server.
 *
 * @module
 */

import { meanOf } from "../rounds/round.ts";
import type { RoundsOfRun } from "../rounds/rounds_of_run.ts";
import type { Progress } from "./run_progress.ts";

/** One metric over the rounds. */
export interface Plot {
  readonly phase: string;
  readonly name: string;
  /** `low` and `high` are the least and the most of a node, where the mean is of several. */
  readonly points: (readonly [round: number, value: number, low?: number, high?: number])[];
}

/** How many replies of a round are there. */
export interface Replies {
  readonly phase: string;
  readonly round: number;
  readonly sent: number;
  readonly replied: number;
  readonly failed: number;
}

const MAX_PLOTS = 60;
/** More are thinned out: a screen has no more dots. */
const MAX_POINTS = 300;

/**
 * The plots of a run, those of its messages first. While it is open, a round has its point once all
 * replies are there, or once the next one has begun: the first replies alone would make a dent.
 */
export function plotsOf(rounds: RoundsOfRun, logged: Progress, isOpen: boolean): Plot[] {
  const plots = new Map<string, Plot>();
  for (const { phase, number, round } of rounds.all()) {
    const isOn = isOpen && round.replied < round.sent && number === rounds.newest(phase);
    if (isOn) continue;
    for (const sums of round.metrics) {
      const key = `${phase}/${sums.name}`;
      const plot = plots.get(key) ?? { phase, name: sums.name, points: [] };
      plots.set(key, plot);
      const mean = meanOf(sums);
      // Numbers that are each as large as numbers can be have no sum.
      if (!Number.isFinite(mean)) continue;
      plot.points.push(sums.count > 1 ? [number, mean, sums.min, sums.max] : [number, mean]);
    }
  }
  for (const series of logged.series) {
    const key = `${series.phase}/${series.name}`;
    if (!plots.has(key)) plots.set(key, series);
  }
  return [...plots.values()].filter(({ points }) => points.length > 0).slice(0, MAX_PLOTS)
    .map(({ points, ...plot }) => ({ ...plot, points: thinned(points) }));
}

/** The replies of the round that a run is in, if it has sent anything. */
export function repliesOf({ current }: RoundsOfRun): Replies | undefined {
  if (!current) return undefined;
  const { phase, number, round: { sent, replied, failed } } = current;
  // What an earlier process sent is not known when it died within a second.
  return { phase, round: number, sent: Math.max(sent, replied), replied, failed };
}

function thinned<Point>(points: readonly Point[]): Point[] {
  if (points.length <= MAX_POINTS) return [...points];
  const step = (points.length - 1) / (MAX_POINTS - 1);
  return Array.from({ length: MAX_POINTS }, (_, i) => points[Math.round(i * step)])
    .filter((point) => point !== undefined);
}
