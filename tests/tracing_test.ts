/** A SuperLink whose operator has turned OpenTelemetry on, and one whose operator has not. */

import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async";
import { systemClock } from "../superlink/clock.ts";
import { AppClient } from "../superlink/testing/app_client.ts";
import { FleetClient, refusal } from "../superlink/testing/fleet_client.ts";
import { errorReplyTo, instruction, replyTo } from "../superlink/testing/test_messages.ts";
import { type Address, formatAddress, parseAddress } from "../wire/address.ts";
import { type CollectedSpan, type Collector, startCollector } from "./harness/collector.ts";
import { runCommand, RunningProcess } from "./harness/process.ts";
import { TRELLIS } from "./harness/programs.ts";
import { proofHeaders } from "../wire/proof_headers.ts";

const START_MS = 60_000;
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const ANY = "127.0.0.1:0";

function startSuperLink(env: Readonly<Record<string, string>>): RunningProcess {
  return new RunningProcess({
    name: "SuperLink",
    command: TRELLIS.superlink.command,
    args: [
      ...TRELLIS.superlink.args,
      ...["--insecure", "--database", ":memory:", "--isolation", "process"],
      ...["--fleet-api-address", ANY, "--control-api-address", ANY, "--log-format", "json"],
      ...["--serverappio-api-address", ANY, "--port", "0", "--dashboard-address", ANY],
    ],
    env,
  });
}

async function addressOf(link: RunningProcess, api: string): Promise<Address> {
  const [, text = ""] = await link.waitForLine(new RegExp(`Starting ${api} on (\\S+) `), START_MS);
  const address = parseAddress(text);
  assert(address);
  return address;
}

async function targetOf(link: RunningProcess) {
  const target = {
    fleetAddress: await addressOf(link, "Fleet API"),
    serverAppAddress: await addressOf(link, "ServerAppIo API"),
    controlAddress: await addressOf(link, "Control API"),
    httpAddress: await addressOf(link, "HTTP APIs"),
    pageAddress: await addressOf(link, "page"),
    clock: systemClock,
  };
  await link.waitForLine(/SuperLink is ready/, START_MS);
  return target;
}

async function untilPullIsHeld(page: Address): Promise<void> {
  const end = Date.now() + START_MS;
  for (;;) {
    const response = await fetch(`http://${formatAddress(page)}/metrics`);
    if (/^trellis_held_pulls 1$/m.test(await response.text())) return;
    assert(Date.now() < end, "No pull comes to be held.");
    await delay(20);
  }
}

/** A run with two messages, the second of which fails; gives its id. */
async function playRun(target: Awaited<ReturnType<typeof targetOf>>): Promise<bigint> {
  using app = new AppClient(target);
  using node = await FleetClient.create(target);
  const nodeId = await node.join();
  await node.pull(nodeId);
  const { runId } = await app.running();
  for (const fails of [false, true]) {
    const held = node.pull(nodeId);
    await untilPullIsHeld(target.pageAddress);
    const nowMicros = systemClock.nowMicros();
    const sent = instruction({ runId, nodeId, nowMicros, groupId: String(fails) });
    await app.send(runId, sent);
    await held;
    const { message, tree } = fails
      ? errorReplyTo(sent, systemClock.nowMicros(), "It failed.")
      : replyTo(sent, systemClock.nowMicros());
    await node.call(node.method.pushMessages, {
      node: { nodeId },
      messagesList: [message],
      messageObjectTrees: [tree],
    });
  }
  await app.finish(runId);
  return runId;
}

async function heartbeat(
  target: Awaited<ReturnType<typeof targetOf>>,
  plane: "gRPC" | "HTTP",
  traceparent: string,
): Promise<void> {
  using node = await FleetClient.create(target, { plane });
  const nodeId = await node.join();
  const { text, bytes = {} } = proofHeaders(await node.prove());
  const headers = { text: { ...text, traceparent }, bytes };
  const request = { node: { nodeId }, heartbeatInterval: 30 };
  await node.call(node.method.sendNodeHeartbeat, request, headers);
}

function named({ spans }: Collector, name: string): CollectedSpan[] {
  return spans.filter((span) => span.name === name);
}

Deno.test("With OTEL_DENO each call and each run leaves its spans, and the log its lines", async () => {
  await using collector = startCollector();
  await using link = startSuperLink(collector.env);
  const target = await targetOf(link);
  await heartbeat(target, "gRPC", `00-${TRACE}-${SPAN}-01`);
  await heartbeat(target, "HTTP", `00-${TRACE}-${SPAN}-01`);
  await heartbeat(target, "gRPC", `00-${TRACE}-garbage`);
  await heartbeat(target, "HTTP", `00-${TRACE}-garbage`);
  using stranger = await FleetClient.create(target);
  await refusal(stranger.call(stranger.method.pullMessages, {}, {}));
  const runId = await playRun(target);
  const listed = await runCommand({
    ...{ name: "trellis ls", command: TRELLIS.cli.command, env: collector.env },
    args: [
      ...TRELLIS.cli.args,
      ...["ls", "--insecure", "--superlink", formatAddress(target.httpAddress)],
    ],
  });
  assertEquals(listed.code, 0);
  assertEquals(await link.stop(), { code: 0, graceful: true });

  const heartbeats = named(collector, "flwr.proto.Fleet/SendNodeHeartbeat");
  assertEquals(
    heartbeats.map(({ kind, attributes, traceId, parentSpanId }) => [
      kind,
      attributes["rpc.system"],
      attributes["rpc.service"],
      attributes["rpc.method"],
      attributes["rpc.grpc.status_code"],
      traceId === TRACE ? parentSpanId : "its own",
    ]).sort((a, b) => a.join() < b.join() ? -1 : 1),
    ["flwr_http", "grpc"].flatMap((system) =>
      [SPAN, "its own"].map((parent) => [
        ...[2, system, "flwr.proto.Fleet", "SendNodeHeartbeat", 0, parent],
      ])
    ),
  );

  const pulls = named(collector, "flwr.proto.Fleet/PullMessages");
  const refused = pulls.find(({ attributes }) => attributes["rpc.grpc.status_code"] === 16);
  assertEquals(refused?.status, 0, "what a caller did wrong is no failure of the SuperLink");
  const held = pulls.filter(({ events }) => events.includes("trellis.waits"));
  assertEquals(held.length, 2);
  for (const { durationMs, attributes } of held) {
    assert(durationMs - Number(attributes["trellis.waited_ms"]) < 1_000);
  }

  const [run] = named(collector, "run");
  const [app] = named(collector, "serverapp");
  const messages = named(collector, "message train");
  const [start] = named(collector, "flwr.proto.Control/StartRun").filter(({ kind }) => kind === 2);
  assert(run && app && start);
  assertEquals(run.attributes["flwr.run_id"], String(runId));
  assertEquals(run.attributes["flwr.run_status"], "finished:completed");
  assertEquals([run.parentSpanId, app.parentSpanId], [start.spanId, run.spanId]);
  assertEquals(messages.map(({ parentSpanId }) => parentSpanId), [app.spanId, app.spanId]);
  assertEquals(messages.map(({ status }) => status).sort(), [0, 2]);
  assertEquals(new Set(collector.spans.map(({ spanId }) => spanId)).size, collector.spans.length);

  const [asked, answered] = [3, 2].map((kind) =>
    named(collector, "flwr.proto.Control/ListRuns").find((span) => span.kind === kind)
  );
  assert(asked && answered);
  assertEquals([answered.traceId, answered.parentSpanId], [asked.traceId, asked.spanId]);

  const words = collector.lines.map(({ body, severity }) => [JSON.parse(body).event, severity]);
  assert(words.some((word) => word.join() === "superlink.ready,INFO"));
  assert(words.some((word) => word.join() === "fleet.refused,WARN"));
  const joined = collector.lines.find(({ body }) => body.includes('"node.joined"'));
  assert(collector.spans.some(({ traceId }) => traceId === joined?.traceId));
});

Deno.test("Without it nothing of OpenTelemetry is loaded before a server is", async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "main.ts"],
    stdin: "null",
  }).output();
  assertEquals(code, 0);
  const { modules } = JSON.parse(new TextDecoder().decode(stdout));
  const importers = modules.filter(({ dependencies = [] }: { dependencies?: Dependency[] }) =>
    dependencies.some(({ specifier, isDynamic }) =>
      specifier === "@opentelemetry/api" ||
      (specifier.endsWith("/deno_tracer.ts") || specifier.endsWith("/run_spans.ts")) && !isDynamic
    )
  ).map(({ specifier }: { specifier: string }) => specifier.split("/").at(-1)).sort();
  assertEquals(importers, ["deno_tracer.ts", "run_spans.ts"]);
});

interface Dependency {
  readonly specifier: string;
  readonly isDynamic?: boolean;
}
