/**
 * How long a Python app takes from its launch to its first call, and what memory it has then: forked
 * from a preload process, and as a program of its own, by turns.
 *
 *     deno run -A bench/app_start.ts [--starts 9] [--out bench/results]
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { type AppStarter, appStarter } from "../apps/app_starter.ts";
import { FakeAppApi } from "../apps/testing/fake_app_api.ts";
import { createLog } from "../terminal/log.ts";
import { flowerFolder, installHint, missingFlower } from "../tests/harness/flower_env.ts";
import { type Figure, saveFigures } from "./figures.ts";
import { median } from "./median.ts";
import { FLOWER_VERSION } from "./rounds/casts.ts";

/** One start of a ClientApp. */
export interface Start {
  readonly firstCallMs: number;
  /** Memory that no other process has a part in. */
  readonly privateKiB: number;
}

async function startOnce(apps: AppStarter, api: FakeAppApi, folder: string): Promise<Start> {
  const token = crypto.randomUUID();
  const launchedAtMs = performance.now();
  const process = await apps.start("python", {
    kind: "clientapp",
    apiAddress: api.address,
    token,
    flwrDirectory: folder,
  });
  const app = await api.app(token);
  const privateKiB = await privateMemory(process.pid);
  await process.stop(0);
  return { firstCallMs: app.askedAtMs - launchedAtMs, privateKiB };
}

async function privateMemory(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`);
  const sizes = text.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB$/gm);
  return sizes.reduce((sum, [, kiB]) => sum + Number(kiB), 0);
}

function row(name: string, starts: readonly Start[]): Record<string, string> {
  const of = (field: keyof Start) => Math.round(median(starts.map((start) => start[field])));
  return {
    name,
    "first call": `${of("firstCallMs")} ms`,
    "private memory": `${(of("privateKiB") / 1024).toFixed(0)} MiB`,
  };
}

/** What was measured; JSON. */
export interface AppStartReport {
  readonly startedAt: string;
  readonly forked: readonly Start[];
  readonly program: readonly Start[];
}

/** Starts ClientApps both ways, by turns. */
export async function measureAppStarts(starts: number): Promise<AppStartReport> {
  const startedAt = new Date().toISOString();
  const folder = await Deno.makeTempDir({ prefix: "trellis-bench-" });
  const log = createLog({ format: "text" });
  const options = { python: flowerFolder(FLOWER_VERSION), maxIdle: 0, log };
  try {
    await using api = await FakeAppApi.start();
    await using forking = await appStarter({ ...options, preload: true });
    await using plain = await appStarter({ ...options, preload: false });
    const forked: Start[] = [];
    const program: Start[] = [];
    // Waits until Flower is loaded.
    await startOnce(forking, api, folder);
    for (let turn = 0; turn < starts; turn++) {
      forked.push(await startOnce(forking, api, folder));
      program.push(await startOnce(plain, api, folder));
    }
    return { startedAt, forked, program };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A forked app beside Flower's program as it is. */
export function appStartFigures({ forked, program }: AppStartReport): Figure[] {
  const title = `flwr-clientapp ${FLOWER_VERSION}`;
  const figure = (name: string, unit: string, field: keyof Start): Figure => {
    const of = (starts: readonly Start[]) => median(starts.map((start) => start[field]));
    const flower = { title, value: of(program) };
    return { name, unit, better: "less", ours: of(forked), flower };
  };
  return [
    figure("first call of a Python ClientApp", "ms", "firstCallMs"),
    figure("its private memory", "KiB", "privateKiB"),
  ];
}

if (import.meta.main) {
  const missing = missingFlower([FLOWER_VERSION]);
  if (missing.length > 0) {
    console.error(`Flower is not installed: ${installHint(missing)}`);
    Deno.exit(1);
  }
  Deno.env.set("FLWR_TELEMETRY_ENABLED", "0");
  const flags = parseArgs(Deno.args, {
    string: ["starts", "out"],
    default: { starts: "9", out: "bench/results" },
  });
  const report = await measureAppStarts(Number(flags.starts));
  const figures = appStartFigures(report);
  await saveFigures(String(flags.out), "app_start", figures, report);
  console.log(`Medians of ${report.forked.length} starts of flwr-clientapp ${FLOWER_VERSION}:`);
  console.table([row("forked", report.forked), row("a program", report.program)]);
}
