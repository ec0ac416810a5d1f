/**
 * docs/metrics.md, made from the table of metrics. Run this file to write it.
 *
 * @module
 */

import { type MetricRow, METRICS } from "./catalogue.ts";

/** Where the page is kept. */
export const METRICS_PAGE = new URL("../../docs/metrics.md", import.meta.url);

/** The page's text. */
export function metricsPage(): string {
  const rows = Object.entries<MetricRow>(METRICS).map(([name, { type, labels, help }]) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(", ") || "none",
    help,
  ]);
  return `# Metrics of the SuperLink

<!-- Made by \`deno run -A superlink/metrics/page.ts\`. Change superlink/metrics/catalogue.ts instead. -->

The SuperLink serves these at \`/metrics\` of its page's address (\`--dashboard-address\`,
127.0.0.1:8080 by default) in Prometheus' text format. No label carries a node id, a run id, a name
or an address, so the number of series does not grow with the federation.

${table([["Metric", "Type", "Labels", "Meaning"], ...rows])}

Bytes and calls count since the SuperLink started. [grafana.json](grafana.json) is a dashboard of
these metrics: in Grafana, choose Dashboards, New, Import. Traces and logs go out by OpenTelemetry:
[tracing.md](tracing.md).

## Scraping

On the same machine:

\`\`\`yaml
scrape_configs:
  - job_name: trellis
    static_configs:
      - targets: ["127.0.0.1:8080"]
\`\`\`

A page that listens beyond loopback asks for a token: its own, or any [API token](access.md), as one
of a viewer. Prometheus sends it so:

\`\`\`yaml
scrape_configs:
  - job_name: trellis
    scheme: https
    authorization:
      credentials_file: /etc/prometheus/trellis-token
    tls_config:
      ca_file: /etc/prometheus/ca.crt
    static_configs:
      - targets: ["superlink.example:8080"]
\`\`\`

## Health

\`/livez\` answers 200 as long as the process answers at all. \`/readyz\` answers 200 when every part is
ready, and 503 otherwise; its JSON says which part is not, and why:

\`\`\`json
{
  "ready": false,
  "parts": {
    "listeners": { "ready": true },
    "database": { "ready": false, "reason": "The database cannot be written." },
    "disk": { "ready": true }
  }
}
\`\`\`

Neither asks for a token, so that any supervisor can ask.

\`--health-server-address\` serves gRPC's health service. \`Check\` says \`SERVING\` of any service name
while the SuperLink serves, as Flower's does, and of the name \`readiness\` what \`/readyz\` says.
\`Watch\` tells the same at once and whenever it changes, for 100 peers at most. It knows the names of
the APIs (\`flwr.proto.Fleet\` and so on) and \`""\` for all of them, and says \`SERVICE_UNKNOWN\` of
others. A SuperLink that stops says \`NOT_SERVING\` before it ends the streams.
`;
}

/** A table as `deno fmt` leaves it. */
function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0))
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

if (import.meta.main) await Deno.writeTextFile(METRICS_PAGE, metricsPage());
