import { assert, assertEquals } from "@std/assert";
import { type MetricRow, METRICS } from "../../superlink/metrics/catalogue.ts";
import { flowerBin } from "../harness/flower_env.ts";
import { freeAddress } from "../harness/ports.ts";
import { flower, TRELLIS } from "../harness/programs.ts";
import { scene } from "../harness/scene.ts";
import { startSuperLink } from "../harness/superlink.ts";
import { startSuperNode } from "../harness/supernode.ts";

/** Reads Prometheus' text and prints what it found, as JSON. */
const PARSE = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families
print(json.dumps([
    [family.name, family.type, family.documentation,
     [[sample.name, sample.labels, sample.value] for sample in family.samples]]
    for family in text_string_to_metric_families(sys.stdin.read())
]))
`;

type Family = [
  name: string,
  type: string,
  help: string,
  samples: [name: string, labels: Record<string, string>, value: number][],
];

const PATIENCE_MS = 60_000;
const FLOWER = flower("1.25.0");

async function parsed(text: string): Promise<Family[]> {
  const python = new Deno.Command(`${flowerBin("1.25.0")}/python`, {
    args: ["-c", PARSE],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = python.output();
  const writer = python.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { stdout, success } = await output;
  assert(success, "deno run -A tests/install_flower.ts installs prometheus-client.");
  return JSON.parse(new TextDecoder().decode(stdout));
}

scene(
  "Prometheus' own parser reads the metrics of a SuperLink that a SuperNode of Flower joined",
  [FLOWER.supernode],
  async (scene) => {
    const dashboardAddress = freeAddress();
    const link = await startSuperLink(scene, TRELLIS.superlink, { dashboardAddress });
    startSuperNode(scene, FLOWER.supernode, link, { name: "SuperNode" });
    const end = Date.now() + PATIENCE_MS;
    let families: Family[] = [];
    const valueOf = (sample: string, expected: Record<string, string>) =>
      families.flatMap(([, , , samples]) => samples).find(([name, labels]) =>
        name === sample &&
        Object.entries(expected).every(([label, value]) => labels[label] === value)
      )?.[2] ?? 0;
    while (valueOf("trellis_nodes", { status: "online" }) !== 1) {
      assert(Date.now() < end, "The SuperNode does not come online.");
      const response = await fetch(`http://${dashboardAddress}/metrics`);
      assertEquals(response.status, 200);
      families = await parsed(await response.text());
    }
    for (const [name, { type, help }] of Object.entries<MetricRow>(METRICS)) {
      // The parser knows a counter by its name without `_total`.
      const known = type === "counter" ? name.replace(/_total$/, "") : name;
      const family = families.find(([found]) => found === known);
      assert(family, name);
      assertEquals([family[1], family[2]], [type, help]);
    }
    assertEquals(families.length, Object.keys(METRICS).length);
    const activated = { api: "Fleet", method: "ActivateNode" };
    assertEquals(valueOf("trellis_calls_total", { ...activated, code: "OK" }), 1);
    assertEquals(valueOf("trellis_call_duration_seconds_count", activated), 1);
  },
);
