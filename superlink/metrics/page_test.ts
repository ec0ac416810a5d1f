import { assert, assertEquals } from "@std/assert";
import { type MetricRow, METRICS } from "./catalogue.ts";
import { METRICS_PAGE, metricsPage } from "./page.ts";

Deno.test("docs/metrics.md is what the table of metrics gives", async () => {
  const remedy = "Run `deno run -A superlink/metrics/page.ts`.";
  assertEquals(await Deno.readTextFile(METRICS_PAGE), metricsPage(), remedy);
});

Deno.test("docs/grafana.json asks for metrics that are there, and for most of them", async () => {
  const dashboard = await Deno.readTextFile(new URL("../../docs/grafana.json", import.meta.url));
  const asked = new Set(
    Array.from(
      dashboard.matchAll(/\b(?:trellis|process)_[a-z_]+\b/g),
      ([name]) => name.replace(/_bucket$/, ""),
    ),
  );
  for (const name of asked) assert(name in METRICS, name);
  assert(asked.size > 10);
});

Deno.test("No metric has a label whose values come and go with nodes, runs and peers", () => {
  const bounded = new Set(["version", "part", "status", "api", "method", "code", "reason"]);
  for (const [name, { labels }] of Object.entries<MetricRow>(METRICS)) {
    for (const label of labels) assert(bounded.has(label), `${name} ${label}`);
  }
});
