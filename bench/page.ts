/**
 * All figures of a run on one page, beside Flower's and beside those of the run before.
 *
 * @module
 */

import { plot } from "./plot.ts";
import { type Figure, type Saved, timesAsGood } from "./figures.ts";
import { escaped, shown } from "./text.ts";

/** What one bench came to. */
export interface Section extends Saved {
  readonly name: string;
  /** Those of the run before. */
  readonly before: readonly Figure[];
}

const HEAD = ["what", "ours", "Flower", "times as good", "the run before", "change"];
const BAR_WIDTH = 420;
const BAR_HEIGHT = 18;
/** The longest bars; a factor of 100 either way. */
const DECADES = 2;

function cells(figure: Figure, before: readonly Figure[]): string[] {
  const { name, unit, ours, flower } = figure;
  const last = before.find((one) => one.name === name);
  const factor = timesAsGood(figure);
  return [
    name,
    `${shown(ours)} ${unit}`,
    flower ? `${shown(flower.value)} ${unit}` : "",
    factor === undefined ? "" : factor.toFixed(2),
    last ? `${shown(last.ours)} ${unit}` : "",
    last ? `${((ours / last.ours - 1) * 100).toFixed(0)} %` : "",
  ];
}

/** The table of all figures, as text. */
export function comparisonTable(sections: readonly Section[]): string {
  const rows = sections.flatMap(({ figures, before }) =>
    figures.map((figure) => `| ${cells(figure, before).join(" | ")} |`)
  );
  return [`| ${HEAD.join(" | ")} |`, `|${"---|".repeat(HEAD.length)}`, ...rows].join("\n");
}

/** The page; it loads nothing. */
export function comparisonPage(sections: readonly Section[], writtenAt: Date): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Trellis beside Flower</title>
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1200px; margin: 2rem auto; }
td, th { text-align: left; padding: 0.2rem 0.8rem 0.2rem 0; vertical-align: top; }
</style>
<h1>Trellis beside Flower</h1>
<p>${navigator.hardwareConcurrency} cores, ${Deno.build.os} ${Deno.build.arch}, Deno ${
    escaped(Deno.version.deno)
  }, ${writtenAt.toISOString()}. Bars to the right of the line are better than Flower, those to the
left worse; the scale is logarithmic. <a href="rounds.html">Where the time of a round goes</a>.</p>
${sections.map(sectionHtml).join("\n")}
</html>
`;
}

function sectionHtml({ name, figures, curves, before }: Section): string {
  const rows = figures.map((figure) => {
    const texts = cells(figure, before).map((text) => `<td>${escaped(text)}</td>`).join("");
    return `<tr>${texts}<td>${bar(timesAsGood(figure))}</td></tr>`;
  });
  const head = [...HEAD, ""].map((text) => `<th>${text}</th>`).join("");
  const table = `<table><tr>${head}</tr>${rows.join("")}</table>`;
  return `<h2>${escaped(name)}</h2>${table}${curves.map(plot).join("")}`;
}

function bar(factor: number | undefined): string {
  if (factor === undefined || !Number.isFinite(factor)) return "";
  const middle = BAR_WIDTH / 2;
  const share = Math.max(-1, Math.min(1, Math.log10(factor) / DECADES));
  const x = share < 0 ? middle * (1 + share) : middle;
  const colour = share < 0 ? "#c2562d" : "#2d7d46";
  return `<svg width="${BAR_WIDTH}" height="${BAR_HEIGHT}" role="img" ` +
    `aria-label="${factor.toFixed(2)} times as good">` +
    `<rect x="${x}" width="${Math.abs(share) * middle}" height="${BAR_HEIGHT}" fill="${colour}"/>` +
    `<line x1="${middle}" x2="${middle}" y2="${BAR_HEIGHT}" stroke="currentColor"/></svg>`;
}
