/**
 * Spans of calls by Deno's own OpenTelemetry, which sends them where `OTEL_EXPORTER_OTLP_ENDPOINT`
 * says. Loaded only where that is on.
 *
 * The names and attributes are those of OpenTelemetry's conventions for RPC, whatever the transport.
 * No attribute names a peer, a key or a node: spans travel further than the log.
 *
 * @module
 */

import {
  type Attributes,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import project from "../deno.json" with { type: "json" };
import type { CallTracer, TracedCall } from "./call_tracer.ts";
import { STATUS_NUMBERS, type StatusName } from "./status.ts";
import { formatTraceparent, parseTraceparent, TRACEPARENT } from "./traceparent.ts";

/** What all spans of Trellis are made by. */
export const tracer = trace.getTracer("trellis", project.version);

/** `OTEL_PROPAGATORS` may say that nothing of a trace is sent or taken. */
const isPropagated = propagation.fields().includes(TRACEPARENT);

/** Transports as OpenTelemetry has them; it knows gRPC. */
const SYSTEMS = { grpc: "grpc", http: "flwr_http", local: "trellis_local" } as const;

/** How long the calls under way have waited, in milliseconds. */
const waitedMs = new WeakMap<Span, number>();

/**
 * The statuses that are a server's failure; the others tell a caller something (OpenTelemetry's
 * conventions for gRPC).
 */
const SERVER_ERRORS: ReadonlySet<StatusName> = new Set<StatusName>([
  "UNKNOWN",
  "DEADLINE_EXCEEDED",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
]);

/** See {@linkcode CallTracer}. */
export const denoTracer: CallTracer = {
  served(call, traceparent) {
    // `Deno.serve` has begun one, in the trace that the request names, and ends it.
    const deno = call.transport === "http" ? trace.getActiveSpan() : undefined;
    if (deno) {
      deno.updateName(nameOf(call));
      deno.setAttributes(attributesOf(call));
      return {
        run: (work) => work(),
        end: (status) => note(deno, status, SERVER_ERRORS.has(status)),
      };
    }
    const place = isPropagated ? parseTraceparent(traceparent) : undefined;
    const parent = place
      ? trace.setSpanContext(ROOT_CONTEXT, { ...place, isRemote: true })
      : ROOT_CONTEXT;
    const options = { kind: SpanKind.SERVER, attributes: attributesOf(call) };
    const span = tracer.startSpan(nameOf(call), options, parent);
    const inside = trace.setSpan(parent, span);
    return {
      run: (work) => context.with(inside, work),
      end(status) {
        note(span, status, SERVER_ERRORS.has(status));
        span.end();
      },
    };
  },

  made(call) {
    const options = { kind: SpanKind.CLIENT, attributes: attributesOf(call) };
    const span = tracer.startSpan(nameOf(call), options);
    const inside = trace.setSpan(context.active(), span);
    return {
      headers: isPropagated ? { [TRACEPARENT]: formatTraceparent(span.spanContext()) } : {},
      run: (work) => context.with(inside, work),
      end(status) {
        note(span, status, status !== "OK");
        span.end();
      },
    };
  },

  waits() {
    const span = trace.getActiveSpan();
    if (!span) return () => {};
    span.addEvent("trellis.waits");
    const startMs = performance.now();
    return () => waitedMs.set(span, (waitedMs.get(span) ?? 0) + performance.now() - startMs);
  },
};

function nameOf({ service, method }: TracedCall): string {
  // A stranger's words are no name: nothing bounds how many of those there are.
  return `${publicName(service) || "unknown"}/${method || "unknown"}`;
}

/** On the wire a service has one name, whichever release of Flower it is described by here. */
function publicName(service: string): string {
  return service.replace(/^flwr\d+_\d+\./, "flwr.");
}

function attributesOf({ transport, service, method }: TracedCall): Attributes {
  return {
    "rpc.system": SYSTEMS[transport],
    ...(service && { "rpc.service": publicName(service) }),
    ...(method && { "rpc.method": method }),
  };
}

function note(span: Span, status: StatusName, isError: boolean): void {
  span.setAttribute("rpc.grpc.status_code", STATUS_NUMBERS[status]);
  const waited = waitedMs.get(span);
  if (waited !== undefined) span.setAttribute("trellis.waited_ms", Math.round(waited));
  if (isError) span.setStatus({ code: SpanStatusCode.ERROR, message: status });
}
