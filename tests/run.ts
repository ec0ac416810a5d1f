/**
 * Runs the tests: `deno task test [FILTER or PATH…]`. The tests beside the modules run in parallel, and
 * so do three files at a time of those below `tests/`, which start processes and wait for them. The last
 * line is `N passed, N failed`, with `, N skipped` where there are any.
 *
 * A path (a folder or a file) limits which files run, anything else which tests: those whose name
 * contains it.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { CHROMIUM_HINT, hasChromium } from "./harness/browser.ts";
import { DENOKV_HINT, hasDenokv } from "./harness/denokv.ts";
import { installHint, isCi, missingFlower, REPOSITORY } from "./harness/flower_env.ts";
import { add, type Counts, countTests, NONE } from "./harness/junit.ts";
import { killLeftovers, PROCESS_FOLDER_VARIABLE } from "./harness/process_groups.ts";

/** A call of `deno test`. */
interface Batch {
  readonly title: string;
  readonly paths: readonly string[];
  readonly options: readonly string[];
  /** How many files run at once; as many as there are cores by default. */
  readonly jobs?: number;
}

const WITH_PROCESSES = "tests";

/** Whether a path, relative to the repository, is the folder of the tests with processes or in it. */
function hasProcesses(path: string): boolean {
  return path === WITH_PROCESSES || path.startsWith(`${WITH_PROCESSES}/`);
}

/** The batches for these paths, relative to the repository; none means everything. */
function batchesFor(paths: readonly string[]): Batch[] {
  const all = paths.length === 0 || paths.includes("");
  const batches: Batch[] = [
    {
      title: "Tests beside the modules",
      paths: all ? ["."] : paths.filter((path) => !hasProcesses(path)),
      options: all ? ["--parallel", `--ignore=${WITH_PROCESSES}`] : ["--parallel"],
    },
    {
      title: "Tests with processes",
      paths: all ? [WITH_PROCESSES] : paths.filter(hasProcesses),
      options: ["--parallel"],
      jobs: 3,
    },
  ];
  return batches.filter(({ paths }) => paths.length > 0);
}

/** Runs one batch. Whatever keeps it from its end counts as a failure. */
async function run(batch: Batch, filter: string | undefined, folder: string): Promise<Counts> {
  console.log(`\n${batch.title}`);
  const report = join(folder, "junit.xml");
  const processes = await Deno.makeTempDir({ dir: folder, prefix: "processes-" });
  const temporary = await Deno.makeTempDir({ dir: folder, prefix: "tmp-" });
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "test",
      "-A",
      "--permit-no-files",
      // CI has checked all types before.
      ...(isCi() ? ["--no-check"] : []),
      `--junit-path=${report}`,
      ...(filter === undefined ? [] : [`--filter=${filter}`]),
      ...batch.options,
      ...batch.paths,
    ],
    cwd: REPOSITORY,
    env: {
      [PROCESS_FOLDER_VARIABLE]: processes,
      TMPDIR: temporary,
      ...(batch.jobs === undefined ? {} : { DENO_JOBS: String(batch.jobs) }),
    },
    stdin: "null",
  }).spawn();
  const { code } = await child.status;

  const leftovers = killLeftovers(processes);
  if (leftovers > 0) console.error(`Ended ${leftovers} processes that the tests left behind.`);
  const counts = existsSync(report) ? countTests(await Deno.readTextFile(report)) : NONE;
  await Deno.remove(report).catch(() => {});
  const broken = counts.failed === 0 && (code !== 0 || leftovers > 0);
  if (broken) console.error(`The run was broken off or failed outside of a test (code ${code}).`);
  return broken ? { ...counts, failed: 1 } : counts;
}

/** Tells once what is skipped for want of a KV server. */
function reportMissingDenokv(): void {
  if (hasDenokv()) return;
  console.log(
    `\nLeaving out the test with a KV server, which is not installed: \`${DENOKV_HINT}\`.`,
  );
}

/** Tells once what is skipped for want of a browser. */
function reportMissingChromium(): void {
  if (hasChromium()) return;
  console.log(
    isCi()
      ? `\nThe tests of the page fail: install Chromium with \`${CHROMIUM_HINT}\`.`
      : `\nSkipping the tests of the page, for want of Chromium: \`${CHROMIUM_HINT}\`.`,
  );
}

/** Tells once what is skipped for want of real Flower. */
function reportMissingFlower(): void {
  const missing = missingFlower();
  if (missing.length === 0) return;
  const remedy = installHint(missing);
  const what = `real Flower ${missing.join(", ")}`;
  console.log(
    isCi()
      ? `\nTests with ${what} fail: install it with \`${remedy}\`.`
      : `\nSkipping the tests with ${what}, which is not installed: \`${remedy}\`.`,
  );
}

const paths: string[] = [];
const words: string[] = [];
for (const arg of Deno.args) {
  if (existsSync(resolve(arg))) paths.push(relative(REPOSITORY, resolve(arg)));
  else words.push(arg);
}

const folder = await Deno.makeTempDir({ prefix: "trellis-test-" });
// Ctrl-C ends `deno test`, which shares the terminal; this process stays to clean up and to count.
const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => interrupted.abort());
}

reportMissingFlower();
if (!isCi()) reportMissingDenokv();
reportMissingChromium();
let total = NONE;
for (const batch of batchesFor(paths)) {
  if (interrupted.signal.aborted) break;
  total = add(total, await run(batch, words.length > 0 ? words.join(" ") : undefined, folder));
}
await Deno.remove(folder, { recursive: true });
// CI builds it while the tests run.
if (isCi()) reportMissingDenokv();

const nothing = total.passed + total.failed === 0;
if (nothing) console.error("\nNo test ran.");
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
Deno.exit(total.failed > 0 || nothing || interrupted.signal.aborted ? 1 : 0);
