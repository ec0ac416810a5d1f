/**
 * Signed requests of SuperNodes: Trellis on disk beside Flower in memory and on disk. All run at the
 * same time and are measured in turns, so that what else the machine does hits them alike; what
 * counts are the ratios.
 *
 * @module
 */

import { join } from "node:path";
import { generateCertificates } from "../keys/certificates.ts";
import { installHint, missingFlower } from "../tests/harness/flower_env.ts";
import { accepts, freeAddress } from "../tests/harness/ports.ts";
import { RunningProcess } from "../tests/harness/process.ts";
import { flower, type Program, TRELLIS } from "../tests/harness/programs.ts";
import { delay } from "@std/async";
import type { LoadOptions, LoadResult } from "./load.ts";
import { median, table } from "./report.ts";

const FLOWER = "1.25.0";
const ROUNDS = 5;
const START_MS = 60_000;
const LOAD_MS = 300_000;
/** 32 requests of 8 SuperNodes are under way. */
const LOAD = { nodes: 8, inFlight: 32, requests: 3_000, warmUp: 500 } as const;

interface Contestant {
  readonly name: string;
  readonly process: RunningProcess;
  readonly address: string;
  readonly results: LoadResult[];
  readonly rssMiB: number[];
}

/** Runs the benchmark and prints its table. */
export async function fleetBench(): Promise<void> {
  const missing = missingFlower([FLOWER]);
  if (missing.length > 0) {
    console.log(
      `Flower ${FLOWER} is not installed, so Trellis runs alone: ${installHint(missing)}`,
    );
  }
  const folder = await Deno.makeTempDir({ prefix: "trellis-bench-" });
  const contestants: Contestant[] = [];
  try {
    const certificates = await generateCertificates(join(folder, "certificates"));
    const tls = [
      ...["--ssl-ca-certfile", certificates.caCertificatePath],
      ...["--ssl-certfile", certificates.serverCertificatePath],
      ...["--ssl-keyfile", certificates.serverKeyPath],
    ];
    const start = async (name: string, { command, args, env }: Program, extra: string[]) => {
      const address = freeAddress();
      const process = new RunningProcess({
        name,
        command,
        args: [
          ...args,
          ...tls,
          ...["--isolation", "process", "--fleet-api-address", address],
          ...["--control-api-address", freeAddress(), "--serverappio-api-address", freeAddress()],
          ...extra,
        ],
        env: { ...env, FLWR_HOME: join(folder, "flwr-home") },
      });
      contestants.push({ name, process, address, results: [], rssMiB: [] });
      await listening(process, address);
    };
    const onDisk = (name: string) => ["--database", join(folder, name)];
    await start("Trellis, on disk", TRELLIS.superlink, ["--no-http", ...onDisk("trellis.kv")]);
    if (missing.length === 0) {
      const { superlink } = flower(FLOWER);
      await start(`Flower ${FLOWER}, in memory`, superlink, []);
      await start(`Flower ${FLOWER}, on disk`, superlink, onDisk("flower.db"));
    }
    for (let round = 0; round < ROUNDS; round++) {
      await playRound(contestants, round, certificates.caCertificatePath);
      console.log(`Round ${round + 1} of ${ROUNDS} is done.`);
    }
    report(contestants);
  } finally {
    for (const { process } of contestants) await process.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Measures each of them once; another one is first each time. */
async function playRound(
  contestants: readonly Contestant[],
  round: number,
  caFile: string,
): Promise<void> {
  const first = round % contestants.length;
  const order = [...contestants.slice(first), ...contestants.slice(0, first)];
  const options: LoadOptions = { ...LOAD, caFile, addresses: order.map(({ address }) => address) };
  await using load = new RunningProcess({
    name: "load",
    command: Deno.execPath(),
    args: ["run", "-A", new URL("./load.ts", import.meta.url).pathname, JSON.stringify(options)],
  });
  const code = await load.waitForExit(LOAD_MS);
  if (code !== 0) throw new Error(load.transcript());
  for (const line of load.stdout.trim().split("\n")) {
    const result: LoadResult = JSON.parse(line);
    contestants.find(({ address }) => address === result.address)?.results.push(result);
  }
  for (const { process, rssMiB } of contestants) rssMiB.push(await residentMiB(process.pid));
}

async function listening(process: RunningProcess, address: string): Promise<void> {
  const limit = Date.now() + START_MS;
  while (!await accepts(address)) {
    if (!process.isRunning || Date.now() > limit) throw new Error(process.transcript());
    await delay(50);
  }
}

/** The memory of a process, where the system says (Linux). */
async function residentMiB(pid: number): Promise<number> {
  try {
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? NaN) / 1024;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return NaN;
    throw error;
  }
}

function report(contestants: readonly Contestant[]): void {
  const reference = contestants[1];
  const rows = contestants.map(({ name, results, rssMiB }) => {
    const of = (pick: (result: LoadResult) => number) => median(results.map(pick));
    const ratio = reference && median(
      results.map(({ requestsPerSecond }, round) =>
        requestsPerSecond / (reference.results[round]?.requestsPerSecond ?? NaN)
      ),
    );
    return [
      name,
      of((result) => result.requestsPerSecond).toFixed(0),
      ratio === undefined ? "" : `${ratio.toFixed(2)}x`,
      of((result) => result.medianMs).toFixed(0),
      of((result) => result.p99Ms).toFixed(0),
      of((result) => result.registrationsPerSecond).toFixed(0),
      median(rssMiB).toFixed(0),
    ];
  });
  const heads = ["", "requests/s", "ratio", "median ms", "p99 ms", "joins/s", "RSS MiB"];
  console.log(`\n${table(heads, rows)}`);
  console.log(
    `Medians of ${ROUNDS} rounds with ${LOAD.requests} signed heartbeats (P-384, TLS), ` +
      `${LOAD.inFlight} in flight from ${LOAD.nodes} SuperNodes on this machine.`,
  );
}
