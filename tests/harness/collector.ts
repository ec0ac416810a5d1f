/**
 * A collector of OpenTelemetry, as far as tests need one: it takes OTLP over HTTP in JSON.
 *
 * @module
 */

/** One attribute, as OTLP has it. */
interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly doubleValue?: number };
}

/** A span. Kinds are numbers: 1 internal, 2 server, 3 client. */
export interface CollectedSpan {
  readonly scope: string;
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly durationMs: number;
  readonly attributes: Readonly<Record<string, string | number | undefined>>;
  readonly events: readonly string[];
  readonly links: readonly string[];
  /** 2 is an error. */
  readonly status: number;
}

/** A line of a log. */
export interface CollectedLine {
  readonly severity: string;
  readonly body: string;
  readonly traceId: string;
}

/** What has come; the end of its `await using` block closes it. */
export interface Collector extends AsyncDisposable {
  /** The variables that have Deno send there. */
  readonly env: Readonly<Record<string, string>>;
  readonly spans: readonly CollectedSpan[];
  readonly lines: readonly CollectedLine[];
}

/** Starts one on a free port. */
export function startCollector(): Collector {
  const spans: CollectedSpan[] = [];
  const lines: CollectedLine[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const told = await request.json();
    for (const { scopeSpans } of told.resourceSpans ?? []) {
      for (const { scope, spans: found } of scopeSpans) {
        for (const span of found) spans.push(readSpan(scope.name, span));
      }
    }
    for (const { scopeLogs } of told.resourceLogs ?? []) {
      for (const { logRecords } of scopeLogs) {
        for (const { severityText, body, traceId } of logRecords) {
          lines.push({ severity: severityText, body: body.stringValue, traceId });
        }
      }
    }
    return Response.json({});
  });
  return {
    env: {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${server.addr.port}`,
    },
    spans,
    lines,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

// deno-lint-ignore no-explicit-any
function readSpan(scope: string, span: any): CollectedSpan {
  const { name, kind, traceId, spanId, parentSpanId } = span;
  const elapsedNanos = BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano);
  return {
    ...{ scope, name, kind, traceId, spanId, parentSpanId },
    durationMs: Number(elapsedNanos) / 1e6,
    attributes: Object.fromEntries(
      span.attributes.map(({ key, value }: Attribute) => [
        key,
        value.stringValue ?? value.doubleValue,
      ]),
    ),
    events: span.events.map(({ name }: { name: string }) => name),
    links: span.links.map(({ traceId }: { traceId: string }) => traceId),
    status: span.status.code,
  };
}
