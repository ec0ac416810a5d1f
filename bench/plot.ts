/**
 * Curves as SVG, for pages that load nothing.
 *
 * @module
 */

import type { Curve } from "./figures.ts";
import { escaped, shown } from "./text.ts";

const WIDTH = 560;
const HEIGHT = 240;
/** Room for the numbers at the axes. */
const LEFT = 60;
const BOTTOM = 40;
const TOP = 28;
const COLOURS = ["#2d7d46", "#c2562d"];

/** A plot with a logarithmic axis of what the curve goes across, and one of values from zero. */
export function plot({ title, across, lines }: Curve): string {
  const points = lines.flatMap((line) => line.points);
  const xs = [...new Set(points.map(([x]) => x))];
  const [least, most] = [Math.log(Math.min(...xs)), Math.log(Math.max(...xs))];
  const highest = Math.max(...points.map(([, y]) => y));
  const x = (value: number) =>
    LEFT + (WIDTH - LEFT - 20) * (Math.log(value) - least) / (most - least || 1);
  const y = (value: number) => HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / (highest || 1);
  const ticks = xs.map((value) =>
    `<text x="${x(value)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${value}</text>`
  );
  const heights = [0, highest / 2, highest].map((value) =>
    `<text x="${LEFT - 8}" y="${y(value) + 4}" text-anchor="end">${shown(value)}</text>` +
    `<line x1="${LEFT}" x2="${WIDTH - 20}" y1="${y(value)}" y2="${y(value)}" ` +
    `stroke="currentColor" stroke-opacity="0.2"/>`
  );
  const drawn = lines.map(({ name, points }, index) => {
    const colour = COLOURS[index % COLOURS.length];
    const path = points.map(([across, value]) => `${x(across)},${y(value)}`).join(" ");
    const dots = points.map(([across, value]) =>
      `<circle cx="${x(across)}" cy="${y(value)}" r="4" fill="${colour}">` +
      `<title>${across}: ${shown(value)}</title></circle>`
    );
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>` +
      `${dots.join("")}<text x="${WIDTH - 20}" y="${TOP + 14 + 16 * index}" text-anchor="end" ` +
      `fill="${colour}">${escaped(name)}</text>`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" role="img" ` +
    `aria-label="${escaped(title)}" fill="currentColor" font-size="12">` +
    `<text x="${LEFT}" y="16" font-weight="bold">${escaped(title)}</text>` +
    `${heights.join("")}${ticks.join("")}${drawn.join("")}` +
    `<text x="${WIDTH / 2}" y="${HEIGHT - 4}" text-anchor="middle">${escaped(across)}</text></svg>`;
}
