/**
 * What a SuperLink counts, and how Prometheus reads it. Loaded only where it is asked for.
 *
 * Counting costs about a microsecond a call. What can be looked up is looked up when it is asked for.
 *
 * @module
 */

import prometheus from "prom-client";
import type { ObservedCall } from "../../wire/observed_call.ts";
import { type MetricName, type MetricRow, METRICS } from "./catalogue.ts";

/** A value of a metric that is looked up, with its labels. */
export interface Reading {
  readonly name: MetricName;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reasons of refusals that are told apart; what more there is counts as `other`. */
const REASON_LIMIT = 64;

/** The metrics of one SuperLink. */
export class Metrics {
  readonly #registry = new prometheus.Registry();
  readonly #counters = new Map<MetricName, prometheus.Counter>();
  readonly #gauges = new Map<MetricName, prometheus.Gauge>();
  readonly #durations: prometheus.Histogram;
  readonly #reasons = new Set<string>();

  constructor() {
    const registers = [this.#registry];
    for (const name of METRIC_NAMES) {
      const { type, help, labels }: MetricRow = METRICS[name];
      const settings = { name, help, labelNames: [...labels], registers };
      if (type === "counter") this.#counters.set(name, new prometheus.Counter(settings));
      if (type === "gauge") this.#gauges.set(name, new prometheus.Gauge(settings));
    }
    const { help, labels, buckets } = METRICS.trellis_call_duration_seconds;
    this.#durations = new prometheus.Histogram({
      name: "trellis_call_duration_seconds",
      help,
      labelNames: [...labels],
      buckets: [...buckets],
      registers,
    });
  }

  /** Counts a call that has ended. */
  called({ service, method, status, bytesIn, bytesOut, durationMs }: ObservedCall): void {
    const api = apiName(service);
    const labels = { api, method: method || "unknown" };
    this.#add("trellis_calls_total", { ...labels, code: status }, 1);
    this.#durations.observe(labels, durationMs / 1000);
    this.#add("trellis_received_bytes_total", { api }, bytesIn);
    this.#add("trellis_sent_bytes_total", { api }, bytesOut);
  }

  /** Counts a refusal. */
  refused(reason: string): void {
    if (this.#reasons.size < REASON_LIMIT) this.#reasons.add(reason);
    const known = this.#reasons.has(reason) ? reason : "other";
    this.#add("trellis_refusals_total", { reason: known }, 1);
  }

  /** The metrics as Prometheus reads them, with what was looked up just now. */
  async text(readings: readonly Reading[]): Promise<string> {
    for (const name of new Set(readings.map(({ name }) => name))) {
      this.#gauges.get(name)?.reset();
      this.#counters.get(name)?.reset();
    }
    for (const { name, labels = {}, value } of readings) {
      this.#gauges.get(name)?.set(labels, value);
      this.#add(name, labels, value);
    }
    return await this.#registry.metrics();
  }

  /** The type of {@linkcode text}, for its header. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  #add(name: MetricName, labels: Record<string, string>, value: number): void {
    this.#counters.get(name)?.inc(labels, value);
  }
}

const METRIC_NAMES: readonly MetricName[] = Object.keys(METRICS).filter((name) => isMetric(name));

function isMetric(name: string): name is MetricName {
  return name in METRICS;
}

/** The short name of an API; its package says nothing to people, and our own have one each. */
function apiName(service: string): string {
  return service === "" ? "unknown" : service.slice(service.lastIndexOf(".") + 1);
}
