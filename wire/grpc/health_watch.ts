/**
 * Tells those who watch a server's health what it is now, and again whenever it has changed.
 *
 * @module
 */

import { HealthCheckResponse_ServingStatus } from "../../proto/gen/grpc/health/v1/health_pb.ts";
import { StatusError } from "../status.ts";

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = HealthCheckResponse_ServingStatus;

/** Says whether a service can be used now. */
export type HealthLook = () => boolean | Promise<boolean>;

/** How health is watched. */
export interface HealthWatchOptions {
  /** The services that are known, by name; `""` is the server as a whole. */
  readonly looks: ReadonlyMap<string, HealthLook>;
  /** How many may watch at once. */
  readonly limit?: number;
  /** How often those who watch are looked after when nothing was told, in milliseconds. */
  readonly periodMs?: number;
}

const WATCH_LIMIT = 100;
const PERIOD_MS = 5_000;

/** Those who watch one server. */
export class HealthWatch {
  readonly looks: ReadonlyMap<string, HealthLook>;
  readonly #limit: number;
  readonly #periodMs: number;
  /** Wakes those who watch, one for each. */
  readonly #wakes = new Set<() => void>();
  #watching = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #ended = false;

  constructor({ looks, limit = WATCH_LIMIT, periodMs = PERIOD_MS }: HealthWatchOptions) {
    this.looks = looks;
    this.#limit = limit;
    this.#periodMs = periodMs;
  }

  /**
   * The health of a service, at once and whenever it has changed, until the caller is gone or the
   * server ends. A service that is not known is `SERVICE_UNKNOWN`, and may be known later. Throws
   * `RESOURCE_EXHAUSTED` when too many watch.
   */
  async *follow(
    service: string,
    gone: AbortSignal,
  ): AsyncGenerator<{ readonly status: HealthCheckResponse_ServingStatus }> {
    if (this.#watching >= this.#limit) {
      throw new StatusError("RESOURCE_EXHAUSTED", `${this.#limit} watch already. Use Check.`);
    }
    this.#watching++;
    this.#timer ??= setInterval(() => this.changed(), this.#periodMs);
    try {
      for (let told: HealthCheckResponse_ServingStatus | undefined; !gone.aborted;) {
        // What changes from here on is heard of.
        const { promise: woken, resolve } = Promise.withResolvers<void>();
        const wake = () => resolve();
        this.#wakes.add(wake);
        gone.addEventListener("abort", wake);
        try {
          const isLast = this.#ended;
          const status = await this.#statusOf(service);
          if (status !== told) yield { status };
          told = status;
          if (isLast) return;
          await woken;
        } finally {
          this.#wakes.delete(wake);
          gone.removeEventListener("abort", wake);
        }
      }
    } finally {
      if (--this.#watching === 0) this.#rest();
    }
  }

  /** Something may have changed: all look anew. */
  changed(): void {
    for (const wake of this.#wakes) wake();
  }

  /** Tells all what holds now, and lets them go; whoever comes later is told and let go, too. */
  end(): void {
    this.#ended = true;
    this.changed();
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #statusOf(service: string): Promise<HealthCheckResponse_ServingStatus> {
    const look = this.looks.get(service);
    if (!look) return SERVICE_UNKNOWN;
    return await look() ? SERVING : NOT_SERVING;
  }
}
