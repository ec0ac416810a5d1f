/**
 * The metrics that are looked up when they are asked for, instead of being counted.
 *
 * @module
 */

import process from "node:process";
import { statusWord } from "../registry/node_view.ts";
import type { RunRow } from "../state/layout.ts";
import type { Node } from "../state/node.ts";
import type { Readiness } from "./readiness.ts";
import type { Reading } from "./metrics.ts";

/** What is looked up. */
export interface ReadingSources {
  readonly version: string;
  readonly startedAtMs: number;
  readonly nowMicros: () => number;
  readonly nodes: () => Promise<readonly Node[]>;
  readonly runs: () => Promise<readonly RunRow[]>;
  readonly objectCount: () => Promise<number>;
  readonly readiness: () => Promise<Readiness>;
  readonly heldPulls: () => number;
  readonly pageListeners: () => number;
}

const NODE_STATUSES = [
  "registered",
  "online",
  "offline",
  "suspended",
  "expired",
  "unregistered",
] as const;
const RUN_STATUSES = ["pending", "starting", "running", "completed", "failed", "stopped"] as const;

/** Looks everything up. What is not there reads 0, so that a series does not come and go. */
export async function readings(sources: ReadingSources): Promise<Reading[]> {
  const [nodes, runs, objects, { parts }] = await Promise.all([
    sources.nodes(),
    sources.runs(),
    sources.objectCount(),
    sources.readiness(),
  ]);
  const nowMicros = sources.nowMicros();
  const memory = Deno.memoryUsage();
  const { user, system } = process.cpuUsage();
  const startedAtS = sources.startedAtMs / 1000;
  return [
    { name: "trellis_build_info", labels: { version: sources.version }, value: 1 },
    { name: "trellis_uptime_seconds", value: Date.now() / 1000 - startedAtS },
    ...Object.entries(parts).map(([part, { ready }]): Reading => ({
      name: "trellis_ready",
      labels: { part },
      value: ready ? 1 : 0,
    })),
    ...counted("trellis_nodes", NODE_STATUSES, nodes.map(({ row }) => statusWord(row, nowMicros))),
    ...counted("trellis_runs", RUN_STATUSES, runs.map(({ end, status }) => end ?? status)),
    { name: "trellis_held_pulls", value: sources.heldPulls() },
    { name: "trellis_objects", value: objects },
    { name: "trellis_page_listeners", value: sources.pageListeners() },
    { name: "process_resident_memory_bytes", value: memory.rss },
    { name: "process_heap_bytes", value: memory.heapUsed },
    { name: "process_cpu_seconds_total", value: (user + system) / 1_000_000 },
    { name: "process_start_time_seconds", value: startedAtS },
  ];
}

function counted(
  name: "trellis_nodes" | "trellis_runs",
  statuses: readonly string[],
  found: readonly string[],
): Reading[] {
  const counts = new Map(statuses.map((status) => [status, 0]));
  for (const status of found) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, value]) => ({ name, labels: { status }, value }));
}
