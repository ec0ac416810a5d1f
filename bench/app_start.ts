/**
 * How long a Python app takes from its launch to its first call, and what memory it has then: forked
 * from a preload process, and as a program of its own, by turns.
 *
 *     TRELLIS_TEST_FLOWER=… deno run -A bench/app_start.ts [ROUNDS]
 *
 * @module
 */

import { type AppStarter, appStarter } from "../apps/app_starter.ts";
import { FakeAppApi } from "../apps/testing/fake_app_api.ts";
import { createLog } from "../terminal/log.ts";
import { flowerFolder } from "../tests/harness/flower_env.ts";
import { median } from "./median.ts";

const VERSION = "1.25.0";

interface Start {
  readonly firstCallMs: number;
  /** Memory that no other process has a part in. */
  readonly privateKiB: number;
  /** From the refusal of its token to its end. */
  readonly endMs: number;
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
  const refusedAtMs = performance.now();
  app.refuse();
  await process.exited;
  return {
    firstCallMs: app.askedAtMs - launchedAtMs,
    privateKiB,
    endMs: performance.now() - refusedAtMs,
  };
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
    "end after refusal": `${of("endMs")} ms`,
  };
}

if (import.meta.main) {
  const rounds = Number(Deno.args[0] ?? 9);
  Deno.env.set("FLWR_TELEMETRY_ENABLED", "0");
  const folder = await Deno.makeTempDir({ prefix: "trellis-bench-" });
  const options = { python: flowerFolder(VERSION), log: createLog({ format: "text" }) };
  {
    await using api = await FakeAppApi.start();
    await using forking = await appStarter({ ...options, preload: true });
    await using plain = await appStarter({ ...options, preload: false });
    const forked: Start[] = [];
    const alone: Start[] = [];
    await startOnce(forking, api, folder);
    for (let round = 0; round < rounds; round++) {
      forked.push(await startOnce(forking, api, folder));
      alone.push(await startOnce(plain, api, folder));
    }
    console.log(`Medians of ${rounds} starts of flwr-clientapp ${VERSION}, by turns:`);
    console.table([row("forked", forked), row("a program", alone)]);
  }
  await Deno.remove(folder, { recursive: true });
}
