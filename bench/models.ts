/**
 * How long an array of 100 MB takes to four nodes and back, and how much memory the SuperLink takes
 * for it: Flower 1.25.0 in memory, our SuperLink on disk among its SuperNodes, and ours alone. The app
 * is Python.
 *
 *     deno run -A bench/models.ts [--visits 3] [--megabytes 100] [--nodes 4] [--out bench/results]
 *
 * @module
 */

import { assert } from "@std/assert";
import { parseArgs } from "@std/cli/parse-args";
import { AppCli, makeApp } from "../tests/harness/app_cli.ts";
import { makeCli, shown } from "../tests/harness/cli.ts";
import { installHint, missingFlower } from "../tests/harness/flower_env.ts";
import { FLOWER_MEMORY, startFleet } from "../tests/harness/fleet.ts";
import { flower, TRELLIS } from "../tests/harness/programs.ts";
import { Scene } from "../tests/harness/scene.ts";
import { JOIN_MS } from "../tests/harness/supernode.ts";
import { type Figure, saveFigures } from "./figures.ts";
import { median } from "./median.ts";
import { failuresText, wholeVisit } from "./whole_visit.ts";
import { type Cast, CASTS, FLOWER_VERSION } from "./rounds/casts.ts";

/** In a run of Flower's own, and with one more part of ours each. */
const NAMES = ["flower", "superlink", "ours"];

/** What one visit came to. */
interface ModelVisit {
  readonly seconds: number;
  /** The most memory that the SuperLink has had, without the apps that it started. */
  readonly peakMib: number;
}

/** Sends an array to all nodes, waits for all of theirs, and checks each by its hash. */
const SERVER_APP = `
import time

import numpy as np
from flwr.app import Array, ArrayRecord, Context, Message, RecordDict
from flwr.serverapp import Grid, ServerApp

from large_array.digest import digest

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    count = int(context.run_config["size-bytes"]) // 8
    nodes = int(context.run_config["nodes"])
    array = np.random.default_rng(1).integers(2**63, size=count)
    while len(node_ids := list(grid.get_node_ids())) < nodes:
        time.sleep(0.1)
    content = RecordDict({"arrays": ArrayRecord({"large": Array(array)})})
    since = time.perf_counter()
    replies = list(grid.send_and_receive([
        Message(content=content, dst_node_id=node_id, message_type="train")
        for node_id in node_ids
    ]))
    seconds = time.perf_counter() - since
    expected = digest(~array)
    intact = sum(
        reply.content["digests"]["sent"] == expected
        and digest(reply.content["arrays"]["large"].numpy()) == expected
        for reply in replies
    )
    print(f"INTACT {intact} SECONDS {seconds:.6f}", flush=True)
`;

async function visit(cast: Cast, nodes: number, megabytes: number): Promise<ModelVisit> {
  const folder = await Deno.makeTempDir({ prefix: "trellis-bench-" });
  const scene = new Scene(folder);
  try {
    const { link } = await startFleet(scene, {
      superlink: cast.superlink,
      // With a database, it loses messages of nodes that pull at once, and the run waits for ever.
      ...(cast.name === "flower" ? { database: FLOWER_MEMORY } : {}),
      supernodes: Array.from({ length: nodes }, () => cast.supernode),
    });
    const list = await makeCli(scene, TRELLIS.cli, link);
    await list.waitForList(
      `${nodes} SuperNodes to be online`,
      JOIN_MS,
      (rows) => rows.filter(({ status }) => status === "online").length === nodes,
    );
    const app = await makeApp(scene, link, "large_array", {
      "large_array/server_app.py": SERVER_APP,
    });
    const pyproject = `${app}/pyproject.toml`;
    const config = `size-bytes = ${megabytes * 1_000_000}\nnodes = ${nodes}`;
    const text = await Deno.readTextFile(pyproject);
    await Deno.writeTextFile(pyproject, text.replace(/^size-bytes = .*$/m, config));
    const outcome = await new AppCli(scene, flower(FLOWER_VERSION).cli, app).runToEnd();
    const found = /INTACT (\d+) SECONDS ([\d.]+)/.exec(outcome.stdout);
    assert(Number(found?.[1]) === nodes, shown(outcome));
    const status = await Deno.readTextFile(`/proc/${link.process.pid}/status`);
    const peakKib = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]);
    return { seconds: Number(found?.[2]), peakMib: peakKib / 1024 };
  } catch (cause) {
    throw new Error(`The visit failed.\n${scene.transcript()}`, { cause });
  } finally {
    await scene.close();
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const missing = missingFlower([FLOWER_VERSION]);
  if (missing.length > 0) {
    console.error(`Flower is not installed: ${installHint(missing)}`);
    Deno.exit(1);
  }
  const flags = parseArgs(Deno.args, {
    string: ["visits", "megabytes", "nodes", "out"],
    default: { visits: "3", megabytes: "100", nodes: "4", out: "bench/results" },
  });
  const nodes = Number(flags.nodes);
  const megabytes = Number(flags.megabytes);
  const results = CASTS.filter(({ name }) => NAMES.includes(name))
    .map((cast) => ({ cast, visits: new Array<ModelVisit>() }));
  for (let turn = 1; turn <= Number(flags.visits); turn++) {
    for (const { cast, visits } of results) {
      const { result, failures } = await wholeVisit(() => visit(cast, nodes, megabytes));
      visits.push(result);
      const { seconds, peakMib } = result;
      console.log(
        `visit ${turn}, ${cast.name}: ${seconds.toFixed(1)} s, ${peakMib.toFixed(0)} MiB` +
          failuresText(failures),
      );
    }
  }
  const of = (visits: readonly ModelVisit[], field: keyof ModelVisit) =>
    median(visits.map((visit) => visit[field]));
  const [real, ...others] = results;
  const title = `SuperLink (in memory) and SuperNodes of Flower ${FLOWER_VERSION}, Python app`;
  const figures = others.flatMap(({ cast, visits }): Figure[] =>
    ([["seconds", "s", "there and back"], [
      "peakMib",
      "MiB",
      "the SuperLink's peak memory",
    ]] as const)
      .map(([field, unit, what]) => ({
        name: `${megabytes} MB to ${nodes} nodes, ${what}: ${cast.title}`,
        unit,
        better: "less",
        ours: of(visits, field),
        flower: { title, value: of(real?.visits ?? [], field) },
      }))
  );
  for (const { name, ours, flower: beside } of figures) {
    console.log(`${name}: ${ours.toFixed(1)}, Flower ${beside?.value.toFixed(1)}`);
  }
  const measured = results.map(({ cast: { name }, visits }) => ({ name, visits }));
  await saveFigures(String(flags.out), "models", figures, measured);
}
