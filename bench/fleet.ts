/**
 * How many signed requests a second a SuperLink answers, over TLS: ours on disk beside Flower 1.25.0
 * in memory and with `--database` over gRPC, and beside Flower 1.41.0 with `--database` over HTTP:
 *
 *     deno run -A bench/fleet.ts [--visits 3] [--seconds 8] [--in-flight 32] [--planes grpc,http]
 *         [--out bench/results]
 *
 * The SuperLinks take turns, so that what else the machine does hits all of them, and each is loaded by
 * the same process with real P-384 keys, one connection a node.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { parseArgs } from "@std/cli/parse-args";
import { makeCertificates } from "../tests/harness/credentials.ts";
import { installHint, missingFlower } from "../tests/harness/flower_env.ts";
import { flower, type Program, TRELLIS } from "../tests/harness/programs.ts";
import { Scene } from "../tests/harness/scene.ts";
import { startSuperLink } from "../tests/harness/superlink.ts";
import { type Figure, saveFigures } from "./figures.ts";
import type { LoadReport } from "./fleet/load.ts";
import { memoryBytes } from "./fleet/memory.ts";
import { median } from "./median.ts";

const FLOWER_VERSIONS = ["1.25.0", "1.41.0"] as const;

/** A SuperLink that is measured, and how it is called. */
interface Contestant {
  readonly title: string;
  readonly plane: "grpc" | "http";
  readonly program: Program;
  readonly database?: string;
}

/** One visit: what the load came to, and the memory after it. */
interface Visit extends LoadReport {
  readonly memoryMib: number;
}

/** What a contestant came to. */
interface Result {
  readonly title: string;
  readonly plane: "grpc" | "http";
  readonly visits: Visit[];
}

/** What was measured; JSON. */
export interface FleetReport {
  readonly startedAt: string;
  readonly inFlight: number;
  readonly seconds: number;
  /** Ours is the first of each plane. */
  readonly contestants: readonly Result[];
}

const OURS = { title: "Trellis, on disk", program: TRELLIS.superlink };
const CONTESTANTS: readonly Contestant[] = [
  { ...OURS, plane: "grpc" },
  {
    title: "Flower 1.25.0, in memory",
    plane: "grpc",
    program: flower("1.25.0").superlink,
    database: ":flwr-in-memory:",
  },
  {
    title: "Flower 1.25.0, `--database`",
    plane: "grpc",
    program: flower("1.25.0").superlink,
  },
  { ...OURS, plane: "http" },
  {
    title: "Flower 1.41.0, `--database`",
    plane: "http",
    program: flower("1.41.0").superlink,
  },
];

/** Measures each SuperLink `visits` times, by turns. */
export async function measureFleet(
  options: {
    planes: readonly string[];
    visits: number;
    seconds: number;
    inFlight: number;
    say: (line: string) => void;
  },
): Promise<FleetReport> {
  const { planes, visits, seconds, inFlight, say } = options;
  const startedAt = new Date().toISOString();
  const measured = CONTESTANTS.filter(({ plane }) => planes.includes(plane))
    .map((contestant) => ({ contestant, visits: new Array<Visit>() }));
  for (let turn = 1; turn <= visits; turn++) {
    for (const { contestant, visits: results } of measured) {
      const result = await visit(contestant, inFlight, seconds);
      results.push(result);
      const { title, plane } = contestant;
      say(
        `visit ${turn} of ${visits}, ${title}, ${plane}: ${
          result.heartbeatsPerSecond.toFixed(0)
        } ` +
          `heartbeats/s, p99 ${result.p99Ms.toFixed(0)} ms, ${result.memoryMib.toFixed(0)} MiB` +
          (result.failures > 0 ? `, ${result.failures} failures` : ""),
      );
    }
  }
  const contestants = measured.map(({ contestant: { title, plane }, visits }) => {
    return { title, plane, visits };
  });
  return { startedAt, inFlight, seconds, contestants };
}

async function visit(
  { program, plane, database }: Contestant,
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
      args: [
        ...["run", "-A", load, plane, plane === "http" ? link.httpAddress : link.fleetAddress],
        ...[certificates.ca, `${inFlight}`, `${seconds}`],
      ],
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

/** The medians of each, and how ours compares: above 1 is better for ours, but for memory. */
export function fleetTable({ contestants }: FleetReport): string {
  const rows = contestants.map((one) => {
    const ours = contestants.find(({ plane }) => plane === one.plane) ?? one;
    const beats = rateOf(one);
    const memory = memoryOf(one);
    const figures = [
      beats.toFixed(0),
      median(one.visits.map(({ p99Ms }) => p99Ms)).toFixed(0),
      memory.toFixed(0),
      (rateOf(ours) / beats).toFixed(2),
      (memoryOf(ours) / memory).toFixed(2),
    ];
    return `| ${one.title} | ${one.plane} | ${figures.join(" | ")} |`;
  });
  return [
    "| median | plane | heartbeats a second | p99, ms | memory after it, MiB " +
    "| ours: times as many | ours: times the memory |",
    "|---|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

const rateOf = ({ visits }: Result) => median(visits.map((visit) => visit.heartbeatsPerSecond));
const memoryOf = ({ visits }: Result) => median(visits.map(({ memoryMib }) => memoryMib));

/** The figures of ours beside each Flower of the same plane. */
export function fleetFigures({ contestants, inFlight }: FleetReport): Figure[] {
  return contestants.flatMap((one) => {
    const ours = contestants.find(({ plane }) => plane === one.plane);
    if (!ours || ours === one) return [];
    const { title } = one;
    const beside = `${one.plane}, ${inFlight} in flight, TLS`;
    const figure = (name: string, unit: string, better: "more" | "less", of: typeof rateOf) => {
      return { name, unit, better, ours: of(ours), flower: { title, value: of(one) } };
    };
    return [
      figure(`signed heartbeats (${beside}; ${title})`, "a second", "more", rateOf),
      figure(`memory after them (${beside}; ${title})`, "MiB", "less", memoryOf),
    ];
  });
}

if (import.meta.main) {
  const missing = missingFlower(FLOWER_VERSIONS);
  if (missing.length > 0) {
    console.error(`Flower is not installed: ${installHint(missing)}`);
    Deno.exit(1);
  }
  const flags = parseArgs(Deno.args, {
    string: ["visits", "seconds", "in-flight", "planes", "out"],
    default: {
      visits: "3",
      seconds: "8",
      "in-flight": "32",
      planes: "grpc,http",
      out: "bench/results",
    },
  });
  const report = await measureFleet({
    planes: String(flags.planes).split(","),
    visits: Number(flags.visits),
    seconds: Number(flags.seconds),
    inFlight: Number(flags["in-flight"]),
    say: (line) => console.log(line),
  });
  await saveFigures(String(flags.out), "fleet", fleetFigures(report), report);
  console.log(`\n${fleetTable(report)}`);
}
