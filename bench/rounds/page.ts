/**
 * The timeline of one phase as a page: a bar for each cast, on one axis of time.
 *
 * @module
 */

import { escaped } from "../text.ts";
import type { CastReport, RoundsReport } from "./report.ts";
import { stepTable, table } from "./report.ts";
import { STEPS } from "./timeline.ts";

const WIDTH = 1000;
const BAR = 26;
const GAP = 34;

/** The page; it loads nothing. */
export function page(report: RoundsReport): string {
  const { machine, startedAt } = report;
  return `<!doctype html>
<meta charset="utf-8">
<title>Where the time of a round goes</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: ${WIDTH}px; margin: 2rem auto; }
pre { overflow-x: auto; }
text { font: 13px system-ui, sans-serif; }
</style>
<h1>Where the time of a round goes</h1>
<p>${escaped(machine.system)}, ${machine.cores} cores, Deno ${
    escaped(machine.deno)
  }, ${startedAt}</p>
<pre>${escaped(table(report))}</pre>
<h2>One phase (train or evaluate), step by step</h2>
${bars(report.casts)}
<pre>${escaped(stepTable(report))}</pre>
`;
}

/** The bars. Each step has its colour in all of them; its name shows on hovering. */
function bars(casts: readonly CastReport[]): string {
  const traced = casts.filter(({ phaseMs }) => phaseMs.length > 0);
  const longestMs = Math.max(...traced.map(lengthMs));
  const height = traced.length * (BAR + GAP);
  const rows = traced.map((cast, row) => {
    const y = row * (BAR + GAP);
    let x = 0;
    const steps = cast.phaseMs.map((ms, step) => {
      const width = WIDTH * ms / longestMs;
      const title = escaped(`${STEPS[step]}: ${ms.toFixed(0)} ms`);
      const colour = `hsl(${step * 360 / STEPS.length} 60% 60%)`;
      const rect = `<rect x="${x.toFixed(1)}" y="${y + 20}" width="${width.toFixed(1)}" ` +
        `height="${BAR}" fill="${colour}"><title>${title}</title></rect>`;
      x += width;
      return rect;
    });
    const label = escaped(`${cast.title}: ${lengthMs(cast).toFixed(0)} ms`);
    return `<text x="0" y="${y + 14}">${label}</text>${steps.join("")}`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${height}" width="100%">${rows.join("\n")}</svg>`;
}

function lengthMs({ phaseMs }: CastReport): number {
  return phaseMs.reduce((sum, ms) => sum + ms, 0);
}
