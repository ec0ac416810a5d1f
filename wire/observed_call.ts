/**
 * What a transport tells of each call once it has ended, for whoever counts them.
 *
 * @module
 */

import type { StatusName } from "./status.ts";

/** A call that has ended. Sizes are those of messages, without headers and frames. */
export interface ObservedCall {
  readonly transport: "grpc" | "http";
  /** The service's full name, for example `flwr.proto.Fleet`; `""` for one that is not served. */
  readonly service: string;
  /** The method's name; `""` for one that the service does not have. */
  readonly method: string;
  /** Who called, as the service found; absent when the call was not admitted. */
  readonly caller: unknown;
  readonly status: StatusName;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** From its headers to its last byte, in milliseconds. */
  readonly durationMs: number;
}

/** Told of each call once it has ended. Must be quick, and must not throw. */
export type ObserveCall = (call: ObservedCall) => void;

/** What is known of a call while it is under way. */
export class CallObservation {
  readonly #observe: ObserveCall | undefined;
  readonly #told: Pick<ObservedCall, "transport" | "service" | "method">;
  readonly #startMs = performance.now();
  #ended = false;
  caller: unknown;
  bytesIn = 0;
  bytesOut = 0;

  constructor(
    observe: ObserveCall | undefined,
    told: Pick<ObservedCall, "transport" | "service" | "method">,
  ) {
    this.#observe = observe;
    this.#told = told;
  }

  /** Tells of the call's end; only the first counts. */
  end(status: StatusName): void {
    if (this.#ended) return;
    this.#ended = true;
    const { caller, bytesIn, bytesOut } = this;
    const durationMs = performance.now() - this.#startMs;
    this.#observe?.({ ...this.#told, caller, status, bytesIn, bytesOut, durationMs });
  }
}
