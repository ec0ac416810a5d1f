/**
 * What monitors ask for: `/livez`, `/readyz` and `/metrics`.
 *
 * @module
 */

import type { Metrics } from "../metrics/metrics.ts";
import { readings, type ReadingSources } from "../metrics/readings.ts";
import { json, type Route } from "./routes.ts";

/** The routes of monitors. */
export function monitoringRoutes(metrics: Metrics, sources: ReadingSources): Route[] {
  return [
    { method: "GET", path: /^\/livez$/, to: "anybody", answer: () => json({ alive: true }) },
    {
      method: "GET",
      path: /^\/readyz$/,
      to: "anybody",
      async answer() {
        const readiness = await sources.readiness();
        return json(readiness, readiness.ready ? 200 : 503);
      },
    },
    {
      method: "GET",
      path: /^\/metrics$/,
      to: "signed-in",
      async answer() {
        const text = await metrics.text(await readings(sources));
        return new Response(text, {
          headers: { "content-type": metrics.contentType, "cache-control": "no-store" },
        });
      },
    },
  ];
}
