/**
 * What nodes cost that have nothing to do, and how many of them one SuperLink serves: memory and CPU
 * by their number, ours on disk beside Flower 1.25.0 in memory, over TLS:
 *
 *     deno run -A bench/idle_nodes.ts [--nodes 100,1000,2500,5000,10000] [--flower-nodes 100,500,1000,2000]
 *         [--visits 3] [--settle 45] [--seconds 30] [--out bench/results]
 *
 * All nodes run on the same machine, up to 2,500 in one process, each with a P-384 key and a connection
 * of its own, and behave as Flower's: heartbeats, a pull, 3 s of sleep after an empty answer. Numbers
 * that take a quarter of an hour to join are visited once, the others by turns.
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
import { type Curve, type Figure, saveFigures } from "./figures.ts";
import { cpuSeconds } from "./rounds/cpu_time.ts";
import type { IdleReport } from "./idle_nodes/load.ts";
import { memoryBytes } from "./fleet/memory.ts";
import { median } from "./median.ts";

const FLOWER_VERSION = "1.25.0";
/** A SuperLink serves its nodes when nearly all heartbeats are answered within this. */
const SOON_MS = 1_000;
/** One thread makes no more calls than those of so many nodes. */
const NODES_OF_A_LOAD = 2_500;
/** Larger numbers are visited once. */
const REPEATED_NODES = 1_000;
/** More than any number of nodes here needs to join. */
const JOIN_LIMIT_MS = 1_800_000;
/** More than any bench registers from this host in a minute. */
const NO_LIMIT = ["--registration-limit", "1000000"];

interface Contestant {
  readonly title: string;
  readonly program: Program;
  readonly database?: string;
}

const OURS: Contestant = {
  title: "Trellis, on disk",
  program: { ...TRELLIS.superlink, args: [...TRELLIS.superlink.args, ...NO_LIMIT] },
};
const FLOWER: Contestant = {
  title: `Flower ${FLOWER_VERSION}, in memory`,
  program: flower(FLOWER_VERSION).superlink,
  database: ":flwr-in-memory:",
};

const LOAD: Program = {
  title: "load",
  command: Deno.execPath(),
  args: ["run", "-A", fileURLToPath(new URL("./idle_nodes/load.ts", import.meta.url))],
  endsCleanly: true,
};

/** What a number of nodes came to. */
interface IdleVisit extends IdleReport {
  readonly title: string;
  readonly nodes: number;
  /** The SuperLink's share of one core while all were idle. */
  readonly cores: number;
  readonly memoryMib: number;
  /** The same before the first node came. */
  readonly emptyMib: number;
}

async function visit(
  { title, program, database }: Contestant,
  nodes: number,
  settle: number,
  seconds: number,
): Promise<IdleVisit> {
  const folder = await Deno.makeTempDir({ prefix: "trellis-bench-" });
  const scene = new Scene(folder);
  try {
    const certificates = await makeCertificates(scene);
    const link = await startSuperLink(scene, program, {
      certificates,
      ...(database === undefined ? {} : { database }),
    });
    const { pid } = link.process;
    const emptyMib = await memoryBytes(pid) / 1024 ** 2;
    const processes = Math.ceil(nodes / NODES_OF_A_LOAD);
    const loads = Array.from({ length: processes }, (_, index) => {
      const share = Math.floor((nodes + index) / processes);
      const args = [link.fleetAddress, certificates.ca, `${share}`, `${settle}`, `${seconds}`];
      return scene.start(LOAD, { name: `load ${index + 1}`, args });
    });
    await Promise.all(loads.map((load) => load.waitForLine(/^measuring$/, JOIN_LIMIT_MS)));
    const startMs = performance.now();
    const before = await cpuSeconds(new Set([pid]));
    await Promise.all(loads.map((load) => load.waitForLine(/^measured$/, JOIN_LIMIT_MS)));
    const cores = (await cpuSeconds(new Set([pid])) - before) * 1000 /
      (performance.now() - startMs);
    const memoryMib = await memoryBytes(pid) / 1024 ** 2;
    await Promise.all(loads.map((load) => load.exited));
    const report = together(loads.map((load) => JSON.parse(load.lines.at(-1) ?? "")));
    return { ...report, title, nodes, cores, memoryMib, emptyMib };
  } finally {
    await scene.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** What the processes of a load came to. */
function together(reports: readonly IdleReport[]): IdleReport {
  const sum = (field: "heartbeats" | "pulls" | "failures") =>
    reports.reduce((total, report) => total + report[field], 0);
  return {
    joinSeconds: Math.max(...reports.map(({ joinSeconds }) => joinSeconds)),
    heartbeats: sum("heartbeats"),
    pulls: sum("pulls"),
    failures: sum("failures"),
    p99Ms: Math.max(...reports.map(({ p99Ms }) => p99Ms)),
  };
}

/** A SuperLink with a number of nodes, and its visits. */
interface Result {
  readonly contestant: Contestant;
  readonly nodes: number;
  readonly visits: IdleVisit[];
}

type Measured = "cores" | "memoryMib" | "emptyMib" | "p99Ms" | "failures" | "joinSeconds";

const of = ({ visits }: Result, field: Measured) => median(visits.map((visit) => visit[field]));
const cpuMicros = (result: Result) => of(result, "cores") * 1_000_000 / result.nodes;
const memoryKib = (result: Result) =>
  (of(result, "memoryMib") - of(result, "emptyMib")) * 1024 / result.nodes;

function row(result: Result): string {
  const figures = [
    result.nodes,
    of(result, "cores").toFixed(3),
    cpuMicros(result).toFixed(0),
    of(result, "memoryMib").toFixed(0),
    memoryKib(result).toFixed(0),
    of(result, "p99Ms").toFixed(0),
    of(result, "failures"),
    of(result, "joinSeconds").toFixed(0),
  ];
  return `| ${result.contestant.title} | ${figures.join(" | ")} |`;
}

/** What a node costs, beside Flower where it had as many, and how many each served in time. */
function idleFigures(results: readonly Result[]): Figure[] {
  const ours = results.filter(({ contestant }) => contestant === OURS);
  const real = results.filter(({ contestant }) => contestant === FLOWER);
  const served = (some: readonly Result[]) =>
    Math.max(
      0,
      ...some.filter((one) => of(one, "p99Ms") < SOON_MS && of(one, "failures") === 0)
        .map(({ nodes }) => nodes),
    );
  const costs = ours.flatMap((one): Figure[] => {
    const same = real.find(({ nodes }) => nodes === one.nodes);
    const figure = (name: string, unit: string, value: typeof cpuMicros): Figure => ({
      name: `${name} of ${one.nodes} idle nodes`,
      unit,
      better: "less",
      ours: value(one),
      ...(same ? { flower: { title: FLOWER.title, value: value(same) } } : {}),
    });
    return [
      figure("CPU a second and node", "µs", cpuMicros),
      figure("memory a node", "KiB", memoryKib),
    ];
  });
  return [...costs, {
    name: `most idle nodes with a p99 below ${SOON_MS / 1000} s, of the numbers tried`,
    unit: "nodes",
    better: "more",
    ours: served(ours),
    ...(real.length > 0 ? { flower: { title: FLOWER.title, value: served(real) } } : {}),
  }];
}

function curves(results: readonly Result[]): Curve[] {
  const curve = (title: string, value: (result: Result) => number): Curve => ({
    title,
    across: "idle nodes",
    lines: [OURS, FLOWER].map((one) => ({
      name: one.title,
      points: results.filter(({ contestant }) => contestant === one)
        .map((result) => [result.nodes, value(result)] as const),
    })).filter(({ points }) => points.length > 0),
  });
  return [
    curve("CPU a second and node, µs", cpuMicros),
    curve("Memory a node, KiB", memoryKib),
    curve("99th percentile of a heartbeat, ms", (result) => of(result, "p99Ms")),
  ];
}

const HEAD = "| median | idle nodes | cores | µs of CPU a second and node | memory, MiB " +
  "| KiB a node | p99 of a heartbeat, ms | failures | seconds to join |\n" +
  "|---|---|---|---|---|---|---|---|---|";

if (import.meta.main) {
  const flags = parseArgs(Deno.args, {
    string: ["nodes", "flower-nodes", "visits", "settle", "seconds", "out"],
    default: {
      nodes: "100,1000,2500,5000,10000",
      "flower-nodes": "100,500,1000,2000",
      visits: "3",
      settle: "45",
      seconds: "30",
      out: "bench/results",
    },
  });
  const counts = (text: unknown) => String(text).split(",").filter(Boolean).map(Number);
  const flowerCounts = counts(flags["flower-nodes"]);
  const missing = flowerCounts.length > 0 ? missingFlower([FLOWER_VERSION]) : [];
  if (missing.length > 0) {
    console.error(`Flower is not installed: ${installHint(missing)}`);
    Deno.exit(1);
  }
  const pairs = ([[OURS, counts(flags.nodes)], [FLOWER, flowerCounts]] as const).flatMap((
    [contestant, numbers],
  ) => numbers.map((nodes): Result => ({ contestant, nodes, visits: [] })));
  for (let turn = 1; turn <= Number(flags.visits); turn++) {
    for (const { contestant, nodes, visits } of pairs) {
      if (turn > 1 && nodes > REPEATED_NODES) continue;
      const result = await visit(contestant, nodes, Number(flags.settle), Number(flags.seconds));
      visits.push(result);
      const { cores, memoryMib, p99Ms } = result;
      console.log(
        `visit ${turn}, ${contestant.title}, ${nodes} nodes: ${cores.toFixed(3)} cores, ` +
          `${memoryMib.toFixed(0)} MiB, p99 ${p99Ms.toFixed(0)} ms`,
      );
    }
  }
  console.log(`\n${HEAD}\n${pairs.map(row).join("\n")}`);
  const measured = pairs.flatMap(({ visits }) => visits);
  await saveFigures(String(flags.out), "idle_nodes", idleFigures(pairs), measured, curves(pairs));
}
