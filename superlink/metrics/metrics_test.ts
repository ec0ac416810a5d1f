import { assert, assertEquals } from "@std/assert";
import type { ObservedCall } from "../../wire/observed_call.ts";
import { Metrics } from "./metrics.ts";
import { samplesOf } from "./testing/samples.ts";

const CALL: ObservedCall = {
  transport: "grpc",
  service: "flwr.proto.Fleet",
  method: "PullMessages",
  caller: undefined,
  status: "OK",
  bytesIn: 10,
  bytesOut: 300,
  durationMs: 20,
};

Deno.test("Metrics counts calls by API, method and status, whatever they came over", async () => {
  const metrics = new Metrics();
  metrics.called(CALL);
  metrics.called({ ...CALL, transport: "http", durationMs: 4_000 });
  metrics.called({ ...CALL, status: "UNAUTHENTICATED", bytesIn: 0, bytesOut: 0 });
  const samples = samplesOf(await metrics.text([]));
  const of = 'api="Fleet",method="PullMessages"';
  assertEquals(samples.get(`trellis_calls_total{${of},code="OK"}`), 2);
  assertEquals(samples.get(`trellis_calls_total{${of},code="UNAUTHENTICATED"}`), 1);
  assertEquals(samples.get('trellis_received_bytes_total{api="Fleet"}'), 20);
  assertEquals(samples.get('trellis_sent_bytes_total{api="Fleet"}'), 600);
  assertEquals(samples.get(`trellis_call_duration_seconds_bucket{le="0.005",${of}}`), 0);
  assertEquals(samples.get(`trellis_call_duration_seconds_bucket{le="0.02",${of}}`), 2);
  assertEquals(samples.get(`trellis_call_duration_seconds_bucket{le="10",${of}}`), 3);
  assertEquals(samples.get(`trellis_call_duration_seconds_count{${of}}`), 3);
});

Deno.test("Metrics has no series for what strangers make up", async () => {
  const metrics = new Metrics();
  for (let i = 0; i < 500; i++) metrics.refused(`reason ${i}`);
  metrics.called({ ...CALL, service: "", method: "" });
  const samples = samplesOf(await metrics.text([]));
  const reasons = [...samples].filter(([name]) => name.startsWith("trellis_refusals_total"));
  assertEquals(reasons.length, 65);
  assertEquals(samples.get('trellis_refusals_total{reason="other"}'), 436);
  assertEquals(
    samples.get('trellis_calls_total{api="unknown",method="unknown",code="OK"}'),
    1,
  );
});

Deno.test("Metrics shows what was looked up last, and nothing of what was before", async () => {
  const metrics = new Metrics();
  const nodes = (status: string, value: number) => ({
    name: "trellis_nodes" as const,
    labels: { status },
    value,
  });
  const cpu = (value: number) => ({ name: "process_cpu_seconds_total" as const, value });
  await metrics.text([nodes("online", 3), nodes("offline", 1), cpu(5)]);
  const samples = samplesOf(await metrics.text([nodes("online", 2), cpu(6)]));
  assertEquals(samples.get('trellis_nodes{status="online"}'), 2);
  assert(!samples.has('trellis_nodes{status="offline"}'));
  assertEquals(samples.get("process_cpu_seconds_total"), 6);
});
