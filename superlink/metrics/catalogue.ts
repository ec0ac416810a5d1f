/**
 * Every metric of a SuperLink. What `/metrics` serves and docs/metrics.md says is made from this table.
 *
 * Labels never carry node ids, run ids, names or addresses: there is no bound on how many of those
 * come and go, and a monitoring system keeps a series for each.
 *
 * @module
 */

/** A metric as Prometheus knows it. */
export interface MetricRow {
  readonly type: "counter" | "gauge" | "histogram";
  /** One sentence; sent with the metric, and its line in the documentation. */
  readonly help: string;
  readonly labels: readonly string[];
  /** The upper bounds of a histogram's buckets, in the unit of its name. */
  readonly buckets?: readonly number[];
}

/** The metrics by their names. */
export const METRICS = {
  trellis_build_info: {
    type: "gauge",
    help: "1, with the version of Trellis.",
    labels: ["version"],
  },
  trellis_uptime_seconds: {
    type: "gauge",
    help: "How long the SuperLink has been serving.",
    labels: [],
  },
  trellis_ready: {
    type: "gauge",
    help: "1 while this part is ready, as /readyz says.",
    labels: ["part"],
  },
  trellis_nodes: {
    type: "gauge",
    help:
      "SuperNodes by status: registered (never seen yet), online, offline, suspended, expired, " +
      "unregistered.",
    labels: ["status"],
  },
  trellis_runs: {
    type: "gauge",
    help: "Runs by status: pending, starting, running, completed, failed, stopped.",
    labels: ["status"],
  },
  trellis_calls_total: {
    type: "counter",
    help: "Calls that ended, by API, method and gRPC status; both transports count together.",
    labels: ["api", "method", "code"],
  },
  trellis_call_duration_seconds: {
    type: "histogram",
    help: "Time from a call's headers to its last byte. Calls that are held until there is " +
      "something to answer, such as PullMessages, count with their wait.",
    labels: ["api", "method"],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 30, 120, 300],
  },
  trellis_received_bytes_total: {
    type: "counter",
    help: "Bytes of the messages that peers sent, without headers.",
    labels: ["api"],
  },
  trellis_sent_bytes_total: {
    type: "counter",
    help: "Bytes of the messages that peers were sent, without headers.",
    labels: ["api"],
  },
  trellis_refusals_total: {
    type: "counter",
    help: "Calls of SuperNodes that were refused, by reason, as the log names it.",
    labels: ["reason"],
  },
  trellis_held_pulls: {
    type: "gauge",
    help: "SuperNodes whose PullMessages is held until there is a message.",
    labels: [],
  },
  trellis_objects: {
    type: "gauge",
    help: "Objects of runs that are not finished, stored or announced. Counted at most every 30 s.",
    labels: [],
  },
  trellis_page_listeners: {
    type: "gauge",
    help: "Browser tabs that are told of changes.",
    labels: [],
  },
  process_resident_memory_bytes: {
    type: "gauge",
    help: "Memory that the process holds.",
    labels: [],
  },
  process_heap_bytes: {
    type: "gauge",
    help: "JavaScript's part of that memory, in use.",
    labels: [],
  },
  process_cpu_seconds_total: {
    type: "counter",
    help: "Processor time that the process has used.",
    labels: [],
  },
  process_start_time_seconds: {
    type: "gauge",
    help: "When the SuperLink started, in seconds since the epoch.",
    labels: [],
  },
} as const satisfies Readonly<Record<string, MetricRow>>;

/** The name of a metric. */
export type MetricName = keyof typeof METRICS;
