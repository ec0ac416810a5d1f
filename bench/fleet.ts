/**
 * How many signed requests a second a SuperLink answers, ours on disk beside Flower 1.25.0 in memory
 * and with `--database`, over TLS:
 *
 *     deno run -A bench/fleet.ts [--visits 3] [--seconds 8] [--in-flight 32] [--out bench/results]
 *
 * The SuperLinks take turns, so that what else the machine does hits all of them, and each is loaded by
 * the same process with real P-384 keys, one connection a node.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "@std/cli/parse-args";
import { makeCertificates } from "../tests/harness/credentials.ts";
import { installHint, missingFlower } from "../tests/harness/flower_env.ts";
import { flower, type Program, TRELLIS } from "../tests/harness/programs.ts";
import { Scene } from "../tests/harness/scene.ts";
import { startSuperLink } from "../tests/harness/superlink.ts";
import type { LoadReport } from "./fleet/load.ts";
import { memoryBytes } from "./fleet/memory.ts";
import { median } from "./median.ts";

const FLOWER_VERSION = "1.25.0";

/** A SuperLink that is measured. */
interface Contestant {
  readonly name: string;
  readonly title: string;
  readonly program: Program;
  readonly database?: string;
}

/** One visit: what the load came to, and the memory after it. */
interface Visit extends LoadReport {
  readonly memoryMib: number;
}

/** What was measured; JSON. */
export interface FleetReport {
  readonly startedAt: string;
  readonly inFlight: number;
  readonly seconds: number;
  readonly contestants: readonly {
    readonly name: string;
    readonly title: string;
    readonly visits: readonly Visit[];
  }[];
}

const REAL = flower(FLOWER_VERSION).superlink;
const CONTESTANTS: readonly Contestant[] = [
  {
    name: "trellis",
    title: "Trellis, on disk",
    program: TRELLIS.superlink,
  },
  {
    name: "flower-memory",
    title: `Flower ${FLOWER_VERSION}, in memory`,
    program: REAL,
    database: ":flwr-in-memory:",
  },
  { name: "flower-database", title: `Flower ${FLOWER_VERSION}, --database`, program: REAL },
];

/** Measures each SuperLink `visits` times, by turns. */
export async function measureFleet(
  options: { visits: number; seconds: number; inFlight: number; say: (line: string) => void },
): Promise<FleetReport> {
  const { visits, seconds, inFlight, say } = options;
  const startedAt = new Date().toISOString();
  const measured = new Map<Contestant, Visit[]>(CONTESTANTS.map((one) => [one, []]));
  for (let turn = 1; turn <= visits; turn++) {
    for (const [contestant, results] of measured) {
      const result = await visit(contestant, inFlight, seconds);
      results.push(result);
      say(
        `visit ${turn} of ${visits}, ${contestant.title}: ${
          result.heartbeatsPerSecond.toFixed(0)
        } ` +
          `heartbeats/s, p99 ${result.p99Ms.toFixed(0)} ms, ${result.memoryMib.toFixed(0)} MiB` +
          (result.failures > 0 ? `, ${result.failures} failures` : ""),
      );
    }
  }
  const contestants = [...measured].map(([{ name, title }, visits]) => ({ name, title, visits }));
  return { startedAt, inFlight, seconds, contestants };
}

async function visit(
  { program, database }: Contestant,
  inFlight: number,
  seconds: number,
): Promise<Visit> {
  const folder = await Deno.makeTempDir({ prefix: "trellis-bench-" });
  const scene = new Scene(folder);
  try {
    const certificates = await makeCertificates(scene);
    const link = await startSuperLink(scene, program, {
      certificates,
      ...(database === undefined ? {} : { database }),
    });
    const load = fileURLToPath(new URL("./fleet/load.ts", import.meta.url));
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", load, link.fleetAddress, certificates.ca, `${inFlight}`, `${seconds}`],
    }).output();
    if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
    const report: LoadReport = JSON.parse(new TextDecoder().decode(stdout));
    return { ...report, memoryMib: await memoryBytes(link.process.pid) / 1024 ** 2 };
  } catch (error) {
    console.error(scene.transcript());
    throw error;
  } finally {
    await scene.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** The medians, and how ours compares: above 1 is better for ours, but for time and memory. */
export function fleetTable({ contestants }: FleetReport): string {
  const of = (name: string, figure: (visit: Visit) => number) =>
    median(contestants.find((one) => one.name === name)?.visits.map(figure) ?? []);
  const figures: readonly [string, (visit: Visit) => number][] = [
    ["heartbeats a second", (visit) => visit.heartbeatsPerSecond],
    ["joins a second", (visit) => visit.joinsPerSecond],
    ["p99 of a heartbeat, ms", (visit) => visit.p99Ms],
    ["memory after it, MiB", (visit) => visit.memoryMib],
  ];
  const rows = figures.map(([title, figure]) => {
    const [ours, memory, database] = contestants.map(({ name }) => of(name, figure));
    if (ours === undefined || memory === undefined || database === undefined) return "";
    return `| ${title} | ${ours.toFixed(0)} | ${memory.toFixed(0)} | ${database.toFixed(0)} ` +
      `| ${(ours / memory).toFixed(2)} | ${(ours / database).toFixed(2)} |`;
  });
  return [
    `| median | ${contestants.map(({ title }) => title).join(" | ")} | ours / memory ` +
    "| ours / database |",
    "|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

if (import.meta.main) {
  const missing = missingFlower([FLOWER_VERSION]);
  if (missing.length > 0) {
    console.error(`Flower is not installed: ${installHint(missing)}`);
    Deno.exit(1);
  }
  const flags = parseArgs(Deno.args, {
    string: ["visits", "seconds", "in-flight", "out"],
    default: { visits: "3", seconds: "8", "in-flight": "32", out: "bench/results" },
  });
  const report = await measureFleet({
    visits: Number(flags.visits),
    seconds: Number(flags.seconds),
    inFlight: Number(flags["in-flight"]),
    say: (line) => console.log(line),
  });
  const folder = String(flags.out);
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, "fleet.json"), JSON.stringify(report, undefined, 2));
  console.log(`\n${fleetTable(report)}`);
}
