// One metric over the rounds, as a line.

import { h, s } from "./dom.js";
import { value } from "./format.js";

const WIDTH = 320;
const HEIGHT = 150;
/** Room for a value such as -1.23e-4. */
const LEFT = 60;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 24;
/** What a screen has room for. */
const DOTS = 60;

/** `points` are `[round, value]`, or with the least and the most of a node, which make a band. */
export function plot({ phase, name, points }) {
  const rounds = points.map(([round]) => round);
  const values = points.flatMap(([, ...all]) => all);
  const [first, last] = [Math.min(...rounds), Math.max(...rounds)];
  const [low, high] = spread(Math.min(...values), Math.max(...values));
  const x = (round) =>
    LEFT + (WIDTH - LEFT - RIGHT) * (last === first ? 0.5 : (round - first) / (last - first));
  const y = (v) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - (v - low) / (high - low));
  const latest = points.at(-1);
  const label = `${phase} ${name}: ${value(latest[1])} in round ${latest[0]}, ` +
    `${value(points[0][1])} in round ${points[0][0]}.`;
  const grid = [low, (low + high) / 2, high].flatMap((v) => [
    s("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(v), y2: y(v) }),
    s("text", { x: LEFT - 6, y: y(v) + 4, "text-anchor": "end" }, value(v, 3)),
  ]);
  const ticks = [...new Set([first, last])].map((round) =>
    s("text", { x: x(round), y: HEIGHT - 6, "text-anchor": "middle" }, String(round))
  );
  const dots = points.length > DOTS
    ? []
    : points.map((point) =>
      s("circle", { cx: x(point[0]), cy: y(point[1]), r: 3 }, s("title", {}, titleOf(...point)))
    );
  const ranges = points.filter(([, , least]) => least !== undefined);
  const band = s("polygon", {
    points: [
      ...ranges.map(([round, , least]) => `${x(round)},${y(least)}`),
      ...ranges.toReversed().map(([round, , , most]) => `${x(round)},${y(most)}`),
    ].join(" "),
  });
  const line = s("polyline", {
    points: points.map(([round, v]) => `${x(round)},${y(v)}`).join(" "),
  });
  return h(
    "figure",
    { class: `plot ${phase === "train" ? "train" : "evaluate"}` },
    h(
      "figcaption",
      {},
      h("span", { class: "phase" }, phase),
      h("span", { class: "name" }, name),
      h("strong", {}, value(latest[1])),
    ),
    s(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label },
      ...grid,
      ...ticks,
      band,
      line,
      ...dots,
    ),
  );
}

function spread(low, high) {
  if (low !== high) return [low, high];
  const margin = Math.abs(low) / 10 || 1;
  return [low - margin, high + margin];
}

function titleOf(round, mean, least, most) {
  const text = `Round ${round}: ${value(mean)}`;
  return least === undefined ? text : `${text}, nodes from ${value(least)} to ${value(most)}`;
}
