/**
 * One visit to a cast: its federation is started, runs the app a few times, and is stopped.
 *
 * @module
 */

import { assert } from "@std/assert";
import { delay } from "@std/async";
import { AppCli, makeApp } from "../../tests/harness/app_cli.ts";
import { makeCli, shown } from "../../tests/harness/cli.ts";
import { startFleet } from "../../tests/harness/fleet.ts";
import type { Program } from "../../tests/harness/programs.ts";
import { Scene } from "../../tests/harness/scene.ts";
import { JOIN_MS } from "../../tests/harness/supernode.ts";
import { flower, TRELLIS } from "../../tests/harness/programs.ts";
import { type Cast, FLOWER_VERSION } from "./casts.ts";
import { cpuSeconds } from "./cpu_time.ts";
import { timedApp } from "./timed_app.ts";

/** What programs still do after a run, such as starting the processes for the next one. */
const BETWEEN_RUNS_MS = 4_000;

/** How long the rounds took, and what came out. */
export interface RunTime {
  readonly seconds: number;
  /** What SuperLink, SuperNodes and apps used, from the start of the run to its end. */
  readonly cpuSeconds: number;
  /** The last line of results, the same for every cast. */
  readonly result: string;
}

/** What is run on a visit. */
export interface VisitOptions {
  readonly runs: number;
  readonly rounds: number;
  /** Has a program traced, or leaves it as it is. */
  readonly traced?: (program: Program) => Program;
}

/** Starts the federation of `cast`, with TLS and registered SuperNodes, and runs its app. */
export async function visit(
  cast: Cast,
  { runs, rounds, traced = (program) => program }: VisitOptions,
): Promise<RunTime[]> {
  const folder = await Deno.makeTempDir({ prefix: "trellis-bench-" });
  const scene = new Scene(folder);
  try {
    const { link, nodes } = await startFleet(scene, {
      superlink: traced(cast.superlink),
      supernodes: [traced(cast.supernode), traced(cast.supernode)],
    });
    const list = await makeCli(scene, TRELLIS.cli, link);
    await list.waitForList(
      "two SuperNodes to be online",
      JOIN_MS,
      (rows) => rows.filter(({ status }) => status === "online").length === 2,
    );
    const { folder: source, files } = await timedApp(cast);
    // Flower's CLI cannot build TypeScript.
    const cli = cast.app === "python" ? flower(FLOWER_VERSION).cli : TRELLIS.cli;
    const app = new AppCli(scene, cli, await makeApp(scene, link, source, files));
    const groupIds = new Set([link, ...nodes].map(({ process }) => process.pid));
    const times: RunTime[] = [];
    for (let run = 0; run < runs; run++) {
      await delay(BETWEEN_RUNS_MS);
      const before = await cpuSeconds(groupIds);
      const time = await runOnce(app, rounds);
      times.push({ ...time, cpuSeconds: await cpuSeconds(groupIds) - before });
    }
    return times;
  } catch (cause) {
    throw new Error(`The visit failed.\n${scene.transcript()}`, { cause });
  } finally {
    await scene.close();
    await Deno.remove(folder, { recursive: true });
  }
}

async function runOnce(
  app: AppCli,
  rounds: number,
): Promise<Omit<RunTime, "cpuSeconds">> {
  const outcome = await app.runToEnd("--run-config", `num-server-rounds=${rounds}`);
  const seconds = /^.*SECONDS ([\d.]+)/m.exec(outcome.stdout)?.[1];
  const result = outcome.stdout.match(new RegExp(`RESULT round=${rounds} .*`))?.[0];
  assert(seconds !== undefined && result !== undefined, shown(outcome));
  return { seconds: Number(seconds), result };
}
