import { create } from "@bufbuild/protobuf";
import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { ContextSchema } from "../../proto/gen/flwr/proto/message_pb.ts";
import { LogLines } from "../../superlink/testing/log_lines.ts";
import { ExitError } from "../../terminal/errors.ts";
import { StatusError } from "../../wire/status.ts";
import { FakeClock } from "../testing/fake_clock.ts";
import { FakeProcesses } from "../testing/fake_processes.ts";
import { FakeSuperLink } from "../testing/fake_superlink.ts";
import {
  makeInstruction,
  makeReply,
  NODE_ID,
  RUN_ID,
  type TestInstruction,
} from "../testing/messages.ts";
import { NodeRuns } from "../work/node_runs.ts";
import { ObjectStore } from "../work/object_store.ts";
import { ClientApps } from "./client_apps.ts";
import type { StartClientApp } from "./task.ts";

const never = new AbortController().signal;

async function setUp(start?: StartClientApp) {
  const objects = new ObjectStore(1e6);
  const clock = new FakeClock();
  const logged = new LogLines();
  const apps = new ClientApps({ objects, clock, log: logged.log, start });
  const superlink = new FakeSuperLink();
  const runs = new NodeRuns(NODE_ID, new Map());
  const learn = (runId: bigint) => runs.learn(superlink.fleet, runId, never);
  await Promise.all([learn(RUN_ID), learn(RUN_ID + 1n)]);
  const handle = ({ instruction }: TestInstruction) =>
    apps.handle(instruction, runs.get(instruction.metadata.runId)!);
  /** Does what a ClientApp does after it was started with a token. */
  const answer = (token: string, seriesId = 0n) => {
    const instruction = apps.takeMessage(token);
    const { metadata: { runId } } = instruction;
    const reply = makeReply(instruction);
    const missing = apps.pushReply(token, reply.message, reply.tree);
    for (const id of missing) objects.put(runId, id, reply.contents.get(id)!);
    apps.objectArrived();
    apps.finish(token, create(ContextSchema, { runId, nodeId: NODE_ID, seriesId }));
    return reply;
  };
  return { objects, clock, logged, apps, runs, handle, answer };
}

function pendingRuns(apps: ClientApps): bigint[] {
  return apps.pending().map(({ run }) => run.run.runId);
}

function refusal(call: () => unknown): string {
  return assertThrows(call, StatusError).status;
}

Deno.test("ClientApps gives a message to the process that asks for a token", async () => {
  const { apps, clock, runs, handle, answer } = await setUp();
  const ended = handle(makeInstruction());
  assertEquals(pendingRuns(apps), [RUN_ID]);
  const token = apps.requestToken(RUN_ID) ?? "";
  assertEquals(token.length, 256);
  assertEquals(pendingRuns(apps), []);
  assertEquals(apps.taskOf(token).run, runs.get(RUN_ID));
  apps.takeMessage(token);
  const slept = clock.sleep(1_500);
  await clock.tick();
  await slept;
  const reply = answer(token, 99n);
  const end = await ended;
  assertEquals(end.kind, "replied");
  assertEquals(end.kind === "replied" && [end.message, end.runtimeSeconds], [reply.message, 1.5]);
  assertEquals(runs.get(RUN_ID)?.context.seriesId, 99n);
  assertEquals(refusal(() => apps.taskOf(token)), "PERMISSION_DENIED");
  assertEquals(apps.heartbeat(token), false);
});

Deno.test("ClientApps gives no token for a run without a message, or with one open", async () => {
  const { apps, handle } = await setUp();
  assertEquals(apps.requestToken(RUN_ID), undefined);
  void handle(makeInstruction());
  assertNotEquals(apps.requestToken(RUN_ID), undefined);
  assertEquals(apps.requestToken(RUN_ID), undefined);
  await apps.stop("The test is over.");
});

Deno.test("ClientApps hands the messages of a run out one after the other", async () => {
  const { apps, handle, answer } = await setUp();
  const first = makeInstruction(1n);
  const second = makeInstruction(2n);
  const ends = [handle(first), handle(second)];
  const token = apps.requestToken(RUN_ID)!;
  assertEquals(apps.takeMessage(token), first.instruction);
  assertEquals(apps.takeMessage(token), first.instruction);
  assertEquals(apps.requestToken(RUN_ID), undefined);
  answer(token);
  await ends[0];
  const next = apps.requestToken(RUN_ID)!;
  assertEquals(apps.takeMessage(next), second.instruction);
  answer(next);
  assertEquals((await ends[1])?.kind, "replied");
});

Deno.test("ClientApps lets runs go side by side", async () => {
  const { apps, handle, answer } = await setUp();
  const ends = [handle(makeInstruction(1n)), handle(makeInstruction(1n, RUN_ID + 1n))];
  assertEquals(pendingRuns(apps), [RUN_ID, RUN_ID + 1n]);
  const tokens = [apps.requestToken(RUN_ID)!, apps.requestToken(RUN_ID + 1n)!];
  for (const token of tokens.reverse()) answer(token);
  for (const end of ends) assertEquals((await end).kind, "replied");
});

Deno.test("ClientApps ends a message when its reply is complete, before the context", async () => {
  const { apps, objects, handle } = await setUp();
  const ended = handle(makeInstruction());
  const token = apps.requestToken(RUN_ID)!;
  const reply = makeReply(apps.takeMessage(token));
  const missing = apps.pushReply(token, reply.message, reply.tree);
  assertEquals(missing, [...reply.contents.keys()]);
  for (const id of missing) {
    objects.put(RUN_ID, id, reply.contents.get(id)!);
    apps.objectArrived();
  }
  assertEquals((await ended).kind, "replied");
  assertEquals(apps.pushReply(token, reply.message, reply.tree), []);
  assertEquals(pendingRuns(apps), []);
  await apps.stop("The test is over.");
});

Deno.test("ClientApps refuses what does not belong to a token", async () => {
  const { apps, handle } = await setUp();
  void handle(makeInstruction());
  const token = apps.requestToken(RUN_ID)!;
  const other = makeReply(makeInstruction(5n).instruction);
  assertEquals(refusal(() => apps.takeMessage("wrong")), "PERMISSION_DENIED");
  assertEquals(
    refusal(() => apps.pushReply(token, other.message, other.tree)),
    "FAILED_PRECONDITION",
  );
  const instruction = apps.takeMessage(token);
  assertEquals(refusal(() => apps.pushReply(token, other.message, other.tree)), "INVALID_ARGUMENT");
  const good = makeReply(instruction);
  apps.pushReply(token, good.message, good.tree);
  const second = makeReply(instruction, 3n);
  assertEquals(
    refusal(() => apps.pushReply(token, second.message, second.tree)),
    "FAILED_PRECONDITION",
  );
  const context = create(ContextSchema, { runId: RUN_ID + 1n });
  assertEquals(refusal(() => apps.finish(token, context)), "INVALID_ARGUMENT");
  await apps.stop("The test is over.");
});

Deno.test("ClientApps answers for an app that ends without a complete reply", async () => {
  const { apps, objects, handle } = await setUp();
  const ended = handle(makeInstruction());
  const token = apps.requestToken(RUN_ID)!;
  const reply = makeReply(apps.takeMessage(token));
  apps.pushReply(token, reply.message, reply.tree);
  apps.finish(token, create(ContextSchema, { runId: RUN_ID }));
  const end = await ended;
  assertEquals(end, { kind: "crashed", reason: "The ClientApp ended without a complete reply." });
  assertEquals(objects.size, 0);
});

Deno.test("ClientApps takes a token back 30 s after it was given, 60 s after a heartbeat", async () => {
  const { apps, clock, handle } = await setUp();
  const ended = handle(makeInstruction());
  const first = apps.requestToken(RUN_ID)!;
  assertEquals(await clock.tick(), 30_000);
  assertEquals(apps.heartbeat(first), false);
  // Nobody had the message yet, so it waits for the next process.
  const second = apps.requestToken(RUN_ID)!;
  apps.takeMessage(second);
  assertEquals(apps.heartbeat(second), true);
  const heartMs = clock.nowMs();
  while (clock.nowMs() < heartMs + 60_000) await clock.tick();
  assertEquals(await ended, {
    kind: "crashed",
    reason: "No heartbeat received from the ClientApp.",
  });
});

Deno.test("ClientApps says when nobody starts ClientApps", async () => {
  const { apps, clock, logged, handle } = await setUp();
  void handle(makeInstruction());
  assertEquals(await clock.tick(), 30_000);
  await logged.untilLogged("app.unattended");
  await apps.stop("The test is over.");
});

Deno.test("ClientApps starts a process for each message, one of a run at a time", async () => {
  const processes = new FakeProcesses();
  const { apps, handle, answer } = await setUp(processes.start);
  const ends = [1n, 2n].map((value) => handle(makeInstruction(value)));
  const first = await processes.started(1);
  assertEquals(processes.all.length, 1);
  assertEquals(pendingRuns(apps), []);
  answer(first.token);
  const second = await processes.started(2);
  first.end();
  answer(second.token);
  second.end();
  for (const end of ends) assertEquals((await end).kind, "replied");
});

for (
  const [title, taken] of [
    ["before it has its message", false],
    ["while it works", true],
  ] as const
) {
  Deno.test(`ClientApps answers for a process that dies ${title}`, async () => {
    const processes = new FakeProcesses();
    const { apps, handle, answer } = await setUp(processes.start);
    const ends = [handle(makeInstruction(1n)), handle(makeInstruction(2n))];
    const first = await processes.started(1);
    if (taken) apps.takeMessage(first.token);
    first.end(137, "SIGKILL");
    const reason = "The ClientApp process ended without a reply (SIGKILL).";
    assertEquals(await ends[0], { kind: "crashed", reason });
    const second = await processes.started(2);
    answer(second.token);
    assertEquals((await ends[1])?.kind, "replied");
    second.end();
  });
}

Deno.test("ClientApps does not end the token of its own process for want of heartbeats", async () => {
  const processes = new FakeProcesses();
  const { clock, handle, answer } = await setUp(processes.start);
  const ended = handle(makeInstruction());
  const process = await processes.started(1);
  const slept = clock.sleep(1_000_000);
  await clock.tick();
  await slept;
  answer(process.token);
  process.end();
  assertEquals((await ended).kind, "replied");
});

Deno.test("ClientApps answers for an app that cannot be started, and tries the next", async () => {
  const processes = new FakeProcesses();
  let tries = 0;
  const { logged, handle, answer } = await setUp((runtime, token) =>
    ++tries === 1
      ? Promise.reject(new ExitError("There is no flwr on PATH.", { remedy: "Install it." }))
      : processes.start(runtime, token)
  );
  const ends = [handle(makeInstruction(1n)), handle(makeInstruction(2n))];
  const reason = "The ClientApp could not be started: There is no flwr on PATH.";
  assertEquals(await ends[0], { kind: "crashed", reason });
  const told = logged.of("app.not_started").map(({ message }) => message.split(". ").at(-1));
  assertEquals(told, ["Install it."]);
  const process = await processes.started(1);
  answer(process.token);
  process.end();
  assertEquals((await ends[1])?.kind, "replied");
});

Deno.test("ClientApps stops the process of a message that is given up", async () => {
  const processes = new FakeProcesses();
  const { apps, handle } = await setUp(processes.start);
  const test = makeInstruction();
  const ended = handle(test);
  const process = await processes.started(1);
  apps.takeMessage(process.token);
  apps.abandon(test.instruction);
  assertEquals((await ended).kind, "abandoned");
  assertEquals([process.stopped, apps.heartbeat(process.token)], [true, false]);
});

Deno.test("ClientApps gives up a message that nobody has yet", async () => {
  const { apps, handle } = await setUp();
  const test = makeInstruction();
  const ended = handle(test);
  apps.abandon(test.instruction);
  apps.abandon(test.instruction);
  assertEquals((await ended).kind, "abandoned");
  assertEquals(pendingRuns(apps), []);
});

Deno.test("ClientApps that stop answer for all, and start no more processes", async () => {
  const processes = new FakeProcesses();
  const { apps, handle } = await setUp(processes.start);
  const ends = [1n, 2n, 3n].map((value) => handle(makeInstruction(value)));
  const process = await processes.started(1);
  apps.takeMessage(process.token);
  await apps.stop("The SuperNode was stopped.");
  for (const end of ends) {
    assertEquals(await end, { kind: "crashed", reason: "The SuperNode was stopped." });
  }
  assertEquals([processes.all.length, process.stopped], [1, true]);
});
