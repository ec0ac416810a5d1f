/**
 * Plays every pair of our programs and those of real Flower, and writes what it saw into the README:
 * `deno task compatibility [VERSION…]`. With versions it only shows what it saw. It takes a quarter of
 * an hour, and needs what `tests/install_flower.ts` installs.
 *
 * @module
 */

import { join } from "node:path";
import { FLOWER_VERSIONS, installHint, missingFlower, REPOSITORY } from "../harness/flower_env.ts";
import { Scene } from "../harness/scene.ts";
import { numbersOfFlower, PLAYS } from "./plays.ts";
import { reasonOf, Steps } from "./steps.ts";
import { type Row, tableOf, withTable } from "./table.ts";

const README = join(REPOSITORY, "README.md");

/** Plays on a stage, which is cleared in any case. */
async function onStage<T>(play: (scene: Scene) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "trellis-compatibility-" });
  const scene = new Scene(folder);
  try {
    return await play(scene);
  } finally {
    await scene.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** A program that does not even start has taken no step. */
async function stepsOf(play: (scene: Scene) => Promise<Steps>): Promise<Steps> {
  const failed = new Steps();
  try {
    return await onStage(play);
  } catch (error) {
    failed.taken.push({ name: "start", failure: reasonOf(error) });
    return failed;
  }
}

const wanted = Deno.args.length > 0 ? Deno.args : FLOWER_VERSIONS;
const versions = FLOWER_VERSIONS.filter((version) => wanted.includes(version)).toSorted();
const missing = missingFlower(["1.25.0", ...versions]);
if (missing.length > 0) {
  console.error(`Flower ${missing.join(", ")} is not installed: \`${installHint(missing)}\``);
  Deno.exit(1);
}

const numbers = await onStage(numbersOfFlower);
console.log(`Flower 1.25.0 alone: ${numbers}`);
const rows: Row[] = [];
for (const version of versions) {
  const cells = [];
  for (const { role, transport, play } of PLAYS) {
    const { taken: steps } = await stepsOf((scene) => play(scene, version, numbers));
    cells.push({ transport: transport(version), steps });
    const failures = steps.filter(({ failure }) => failure !== undefined);
    console.log(`${version}: ${role}: ${failures.length === 0 ? "works" : "fails"}`);
    for (const { name, failure } of failures) console.log(`    ${name}: ${failure}`);
  }
  rows.push({ version, cells });
}

const table = tableOf(PLAYS.map(({ role }) => role), rows);
if (versions.length < FLOWER_VERSIONS.length) {
  console.log(table);
} else {
  await Deno.writeTextFile(README, withTable(await Deno.readTextFile(README), table));
  // Markdown tables are aligned by the formatter.
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", README] }).output();
}
