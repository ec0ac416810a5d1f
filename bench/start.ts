/**
 * How long the programs take to start, and what a large registry costs: the SuperLink until it
 * listens, empty beside Flower 1.25.0 and with up to 100,000 registered nodes; `supernode list`, whole
 * and filtered; counting them for `/metrics`; and `--help`.
 *
 *     deno run -A bench/start.ts [--visits 3] [--nodes 10000,100000] [--out bench/results]
 *
 * @module
 */

import { assertStringIncludes } from "@std/assert";
import { parseArgs } from "@std/cli/parse-args";
import { makeCli, shown } from "../tests/harness/cli.ts";
import { makeCertificates } from "../tests/harness/credentials.ts";
import { installHint, missingFlower } from "../tests/harness/flower_env.ts";
import { freeAddress } from "../tests/harness/ports.ts";
import { flower, type Program, type Programs, TRELLIS } from "../tests/harness/programs.ts";
import { Scene } from "../tests/harness/scene.ts";
import { startSuperLink } from "../tests/harness/superlink.ts";
import { type Figure, saveFigures } from "./figures.ts";
import { memoryBytes } from "./fleet/memory.ts";
import { median } from "./median.ts";
import { fillRegistry } from "./start/fill_registry.ts";

const FLOWER_VERSION = "1.25.0";
const OURS = "Trellis";

/** What one visit came to. */
interface StartVisit {
  readonly title: string;
  readonly nodes: number;
  readonly readyMs: number;
  readonly listMs: number;
  /** Ours only, like the next. */
  readonly filterMs: number;
  readonly countMs: number;
  readonly helpMs: number;
  readonly memoryMib: number;
}

async function timed<T>(task: () => Promise<T>): Promise<[T, number]> {
  const start = performance.now();
  const result = await task();
  return [result, performance.now() - start];
}

async function visit(programs: Programs, title: string, nodes: number): Promise<StartVisit> {
  const folder = await Deno.makeTempDir({ prefix: "trellis-bench-" });
  const scene = new Scene(folder);
  try {
    const certificates = await makeCertificates(scene);
    if (nodes > 0) await fillRegistry(scene.path("superlink.db"), nodes);
    const isOurs = programs.superlink.flower === undefined;
    const page = freeAddress();
    const [link, readyMs] = await timed(() =>
      startSuperLink(scene, programs.superlink, { certificates, dashboardAddress: page })
    );
    const memoryMib = await memoryBytes(link.process.pid) / 1024 ** 2;
    const cli = await makeCli(scene, programs.cli, link);
    const [list, listMs] = await timed(() => cli.run(["supernode", "list"], "--format", "json"));
    const rows: unknown[] = JSON.parse(list.stdout).nodes;
    if (rows.length !== nodes) throw new Error(shown(list));
    const [, filterMs] = isOurs
      ? await timed(() => cli.run(["supernode", "list"], "--status", "online"))
      : [undefined, NaN];
    const [, countMs] = isOurs ? await timed(() => countedNodes(page, nodes)) : [undefined, NaN];
    const [, helpMs] = await timed(() => scene.run(helpOf(programs.cli), HELP));
    return { title, nodes, readyMs, listMs, filterMs, countMs, helpMs, memoryMib };
  } catch (error) {
    console.error(scene.transcript());
    throw error;
  } finally {
    await scene.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Has all nodes counted, as Prometheus does. */
async function countedNodes(page: string, nodes: number): Promise<void> {
  const text = await (await fetch(`http://${page}/metrics`)).text();
  assertStringIncludes(text, `trellis_nodes{status="registered"} ${nodes}`);
}

const HELP = { name: "help", args: ["--help"] };

function helpOf(cli: Program): Program {
  return { ...cli, title: `${cli.title} --help` };
}

type Measured = "readyMs" | "listMs" | "filterMs" | "countMs" | "helpMs" | "memoryMib";

const medianOf = (visits: readonly StartVisit[], field: Measured) =>
  median(visits.map((visit) => visit[field]));

const MEASURED: readonly [field: Measured, name: string, unit: string][] = [
  ["readyMs", "SuperLink ready after its start", "ms"],
  ["memoryMib", "memory of the SuperLink then", "MiB"],
  ["listMs", "supernode list", "ms"],
  ["filterMs", "supernode list --status", "ms"],
  ["countMs", "/metrics", "ms"],
  ["helpMs", "--help of the CLI", "ms"],
];

/** `results` are the visits of each contestant. */
function startFigures(results: readonly (readonly StartVisit[])[]): Figure[] {
  const real = results.find(([first]) => first?.title !== OURS) ?? [];
  return results.filter((visits) => visits !== real).flatMap((visits) => {
    const nodes = visits[0]?.nodes ?? 0;
    return MEASURED.map(([field, name, unit]): Figure => ({
      name: `${name}, ${nodes} nodes`,
      unit,
      better: "less",
      ours: medianOf(visits, field),
      ...(nodes === 0 && Number.isFinite(medianOf(real, field))
        ? { flower: { title: `Flower ${FLOWER_VERSION}`, value: medianOf(real, field) } }
        : {}),
    }));
  });
}

function row(visits: readonly StartVisit[]): string {
  const [{ title, nodes } = { title: "", nodes: 0 }] = visits;
  const figures = MEASURED.map(([field]) => medianOf(visits, field))
    .map((value) => Number.isFinite(value) ? value.toFixed(0) : "");
  return `| ${title} | ${nodes} | ${figures.join(" | ")} |`;
}

if (import.meta.main) {
  const missing = missingFlower([FLOWER_VERSION]);
  if (missing.length > 0) {
    console.error(`Flower is not installed: ${installHint(missing)}`);
    Deno.exit(1);
  }
  const flags = parseArgs(Deno.args, {
    string: ["visits", "nodes", "out"],
    default: { visits: "3", nodes: "10000,100000", out: "bench/results" },
  });
  const contestants: readonly [Programs, string, number][] = [
    [TRELLIS, OURS, 0],
    [flower(FLOWER_VERSION), `Flower ${FLOWER_VERSION}`, 0],
    ...String(flags.nodes).split(",").filter(Boolean).map((nodes): [Programs, string, number] => [
      TRELLIS,
      OURS,
      Number(nodes),
    ]),
  ];
  const results = contestants.map((): StartVisit[] => []);
  for (let turn = 0; turn < Number(flags.visits); turn++) {
    for (const [index, [programs, title, nodes]] of contestants.entries()) {
      results[index]?.push(await visit(programs, title, nodes));
    }
  }
  console.log(
    "| median | registered nodes | ready after, ms | memory, MiB | `supernode list`, ms " +
      "| filtered, ms | `/metrics`, ms | `--help` of the CLI, ms |\n|---|---|---|---|---|---|---|---|",
  );
  for (const visits of results) console.log(row(visits));
  await saveFigures(String(flags.out), "start", startFigures(results), results.flat());
}
