/**
 * What a transport tells of each call once it has ended, for whoever counts them, and the span of the
 * call where calls are traced.
 *
 * @module
 */

import { type CallSpan, callTracer } from "./call_tracer.ts";
import type { RequestHeaders } from "./service.ts";
import type { StatusName } from "./status.ts";
import { TRACEPARENT } from "./traceparent.ts";

/** A call that has ended. Sizes are those of messages, without headers and frames. */
export interface ObservedCall {
  readonly transport: "grpc" | "http" | "local";
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
  readonly #span: CallSpan | undefined;
  readonly #ended = Promise.withResolvers<void>();
  #hasEnded = false;
  caller: unknown;
  bytesIn = 0;
  bytesOut = 0;

  /** `headers` may say which trace the call belongs to. */
  constructor(
    observe: ObserveCall | undefined,
    told: Pick<ObservedCall, "transport" | "service" | "method">,
    headers?: Pick<RequestHeaders, "text">,
  ) {
    this.#observe = observe;
    this.#told = told;
    this.#span = callTracer?.served(told, headers?.text(TRACEPARENT));
  }

  /** Comes when the call has ended. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Does what belongs to the call, so that what is traced meanwhile is the call's. */
  run<T>(work: () => T): T {
    return this.#span ? this.#span.run(work) : work();
  }

  /** Tells of the call's end; only the first counts. */
  end(status: StatusName): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#ended.resolve();
    const { caller, bytesIn, bytesOut } = this;
    const durationMs = performance.now() - this.#startMs;
    this.#span?.end(status);
    this.#observe?.({ ...this.#told, caller, status, bytesIn, bytesOut, durationMs });
  }
}
