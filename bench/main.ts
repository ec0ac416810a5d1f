/**
 * `deno task bench`: everything that is measured beside real Flower, in one run. Each bench prints what
 * it measures; then all figures are compared with those of the run before, and written as a page.
 *
 *     deno task bench [bench …] [--out bench/results]
 *
 * @module
 */

import { join } from "node:path";
import { parseArgs } from "@std/cli/parse-args";
import { savedFigures } from "./figures.ts";
import { comparisonPage, comparisonTable, type Section } from "./page.ts";

const BENCHES = ["fleet", "rounds", "models", "start", "app_start", "idle_nodes"];

const flags = parseArgs(Deno.args, { string: ["out"], default: { out: "bench/results" } });
const folder = String(flags.out);
const chosen = flags._.length === 0 ? BENCHES : flags._.map(String);
const unknown = chosen.find((name) => !BENCHES.includes(name));
if (unknown !== undefined) {
  console.error(`There is no bench "${unknown}". There are: ${BENCHES.join(", ")}.`);
  Deno.exit(2);
}

const sections: Section[] = [];
for (const name of chosen) {
  const before = await savedFigures(folder, name);
  console.log(`\n=== ${name}`);
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL(`${name}.ts`, import.meta.url).href, "--out", folder],
  }).spawn().status;
  if (code !== 0) Deno.exit(code);
  sections.push({ name, ...await savedFigures(folder, name), before: before.figures });
}
const page = join(folder, "bench.html");
await Deno.writeTextFile(page, comparisonPage(sections, new Date()));
console.log(`\n${comparisonTable(sections)}\n\nWritten to ${page}.`);
