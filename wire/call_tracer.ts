/**
 * Spans of calls, where Deno's own OpenTelemetry is on (`OTEL_DENO=true`). Where it is off
 * {@linkcode callTracer} is absent, and nothing of OpenTelemetry is loaded.
 *
 * @module
 */

import type { DescMethod } from "@bufbuild/protobuf";
import type { StatusName } from "./status.ts";

/** What a call is. */
export interface TracedCall {
  readonly transport: "grpc" | "http" | "local";
  /** The service's full name; `""` for one that is not served. */
  readonly service: string;
  /** The method's name; `""` for one that the service does not have. */
  readonly method: string;
}

/** What a client calls. */
export function tracedCall(
  transport: TracedCall["transport"],
  { parent, name }: DescMethod,
): TracedCall {
  return { transport, service: parent.typeName, method: name };
}

/** The span of a call that is under way. */
export interface CallSpan {
  /** Does what belongs to the call, so that logs and spans of it are the call's. */
  run<T>(work: () => T): T;
  /** Ends it, with the call's status. */
  end(status: StatusName): void;
}

/** The span of a call that this process makes. */
export interface ClientSpan extends CallSpan {
  /** What tells the server of it. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Makes spans. */
export interface CallTracer {
  /** A call was received; `traceparent` is what it says of its trace. */
  served(call: TracedCall, traceparent: string | undefined): CallSpan;
  /** A call is made. */
  made(call: TracedCall): ClientSpan;
  /** The call under way waits until there is something to answer; to be called when it waits no more. */
  waits(): () => void;
}

/** Absent where OpenTelemetry is off. */
export const callTracer: CallTracer | undefined = isTraced()
  ? (await import("./deno_tracer.ts")).denoTracer
  : undefined;

/** Whether Deno traces this process. No permission is needed to look. */
export function isTraced(): boolean {
  // Where Deno and OpenTelemetry's library find each other; both keep to it for all 1.x.
  const api: unknown = Reflect.get(globalThis, Symbol.for("opentelemetry.js.api.1"));
  return typeof api === "object" && api !== null && "trace" in api;
}
