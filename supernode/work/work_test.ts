import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { create } from "@bufbuild/protobuf";
import { ContextSchema } from "../../proto/gen/flwr/proto/message_pb.ts";
import { LogLines } from "../../superlink/testing/log_lines.ts";
import { StatusError } from "../../wire/status.ts";
import { ClientApps } from "../apps/client_apps.ts";
import { RetriesExhausted } from "../fleet/retry.ts";
import { FakeClock } from "../testing/fake_clock.ts";
import { FakeProcesses } from "../testing/fake_processes.ts";
import { FakeSuperLink } from "../testing/fake_superlink.ts";
import { makeInstruction, makeReply, NODE_ID, NOW_S, RUN_ID } from "../testing/messages.ts";
import { Confirmations } from "./confirmations.ts";
import { NodeRuns } from "./node_runs.ts";
import { ObjectStore } from "./object_store.ts";
import { work, type WorkOptions } from "./work.ts";

function startWork(overrides: Partial<WorkOptions> = {}) {
  const superlink = new FakeSuperLink();
  superlink.held = true;
  const processes = new FakeProcesses();
  const objects = new ObjectStore(1e6);
  const clock = new FakeClock();
  const logged = new LogLines();
  const apps = new ClientApps({ objects, clock, log: logged.log, start: processes.start });
  const time = { nowSeconds: NOW_S };
  const stop = new AbortController();
  const cut = new AbortController();
  const ended = work(
    {
      fleet: superlink.fleet,
      nodeId: NODE_ID,
      runs: new NodeRuns(NODE_ID, new Map()),
      apps,
      objects,
      confirmations: new Confirmations(),
      clock,
      nowSeconds: () => time.nowSeconds,
      log: logged.log,
      maxApps: 1,
      stopGraceMs: 5_000,
      runOver: () => {},
      ...overrides,
    },
    stop.signal,
    cut.signal,
  );
  /** Does what a ClientApp does. */
  const answer = (token: string) => {
    const instruction = apps.takeMessage(token);
    const { metadata: { runId } } = instruction;
    const reply = makeReply(instruction);
    for (const id of apps.pushReply(token, reply.message, reply.tree)) {
      objects.put(runId, id, reply.contents.get(id)!);
    }
    apps.objectArrived();
    apps.finish(token, create(ContextSchema, { runId }));
  };
  const end = async () => {
    stop.abort("SIGTERM");
    return await ended;
  };
  return { superlink, processes, objects, clock, logged, time, stop, cut, ended, answer, end };
}

Deno.test("work has messages answered one after the other, and keeps nothing of them", async () => {
  const { superlink, processes, objects, answer, end } = startWork();
  superlink.send(makeInstruction(1n));
  superlink.send(makeInstruction(2n));
  answer((await processes.started(1)).token);
  await superlink.untilReplies(1);
  answer((await processes.started(2)).token);
  await superlink.untilReplies(2);
  assertEquals(await end(), undefined);
  assertEquals(objects.size, 0);
  const pulls = superlink.calls.filter((call) => /pullMessages|confirm|pushMessages/.test(call));
  const one = ["pullMessages", "confirmMessageReceived", "pushMessages"];
  assertEquals(pulls.slice(0, 6), [...one, ...one]);
});

Deno.test("work confirms a message with its next pull where the SuperLink takes that", async () => {
  const { superlink, processes, answer, end } = startWork();
  superlink.takesConfirmations = true;
  const [first, second] = [makeInstruction(1n), makeInstruction(2n)];
  superlink.send(first);
  superlink.send(second);
  answer((await processes.started(1)).token);
  const { token } = await processes.started(2);
  assertEquals(superlink.confirmed, [first.instruction.metadata.messageId]);
  assertEquals(superlink.calls.includes("confirmMessageReceived"), false);
  answer(token);
  await end();
});

Deno.test("work pulls what the message before was made of only once", async () => {
  const { superlink, processes, objects, answer, end } = startWork();
  const pulled = () => superlink.calls.filter((call) => call === "pullObject").length;
  superlink.send(makeInstruction(1n, RUN_ID, "evaluate"));
  answer((await processes.started(1)).token);
  await superlink.untilReplies(1);
  const first = pulled();
  superlink.send(makeInstruction(1n, RUN_ID, "train"));
  answer((await processes.started(2)).token);
  await superlink.untilReplies(2);
  assert(objects.keptBytes > 0);
  // The message itself is another one.
  assertEquals([first, pulled() - first], [3, 1]);
  await end();
});

Deno.test("work has several messages in hand where that is asked for", async () => {
  const { superlink, processes, answer, end } = startWork({ maxApps: 2 });
  superlink.send(makeInstruction(1n));
  superlink.send(makeInstruction(1n, RUN_ID + 1n));
  superlink.send(makeInstruction(2n));
  const [first, second] = [await processes.started(1), await processes.started(2)];
  assertEquals(processes.all.length, 2);
  answer(second.token);
  await superlink.untilReplies(1);
  answer(first.token);
  answer((await processes.started(3)).token);
  await superlink.untilReplies(3);
  await end();
});

Deno.test("work answers with an error for a ClientApp that dies", async () => {
  const { superlink, processes, objects, end } = startWork();
  superlink.send(makeInstruction());
  (await processes.started(1)).end(137, "SIGKILL");
  await superlink.untilReplies(1);
  const [reply] = superlink.replies;
  assertEquals(reply?.error?.code, 8n);
  assertStringIncludes(reply?.error?.reason ?? "", "SIGKILL");
  await end();
  assertEquals(objects.size, 0);
});

Deno.test("work answers with an error for an app that cannot be run here", async () => {
  const { superlink, processes, end } = startWork();
  superlink.fab = new Uint8Array([1]);
  superlink.send(makeInstruction());
  await superlink.untilReplies(1);
  assertEquals(superlink.replies[0]?.error?.code, 7n);
  assertEquals([processes.all.length, superlink.calls.includes("confirmMessageReceived")], [
    0,
    true,
  ]);
  await end();
});

Deno.test("work answers with an error for a message that it cannot fetch", async () => {
  const { superlink, end } = startWork();
  superlink.failures.set("pullObject", [new StatusError("NOT_FOUND", "It is gone.")]);
  superlink.send(makeInstruction());
  await superlink.untilReplies(1);
  const { code, reason } = superlink.replies[0]?.error ?? {};
  assertEquals([code, reason], [0n, "The SuperNode could not fetch the message: It is gone."]);
  await end();
});

Deno.test("work drops a message whose run is over before it could be answered", async () => {
  const { superlink, processes, logged, end } = startWork();
  superlink.endedRuns.add(RUN_ID);
  superlink.send(makeInstruction(1n));
  await logged.untilLogged("run.over");
  assertEquals([superlink.replies.length, processes.all.length], [0, 0]);
  await end();
});

Deno.test("work stops a ClientApp whose run is over, and goes on", async () => {
  const { superlink, processes, clock, logged, answer, end } = startWork();
  superlink.send(makeInstruction(1n));
  const process = await processes.started(1);
  assertEquals(await clock.tick(), 15_000);
  superlink.endedRuns.add(RUN_ID);
  assertEquals(await clock.tick(), 15_000);
  await logged.untilLogged("message.dropped");
  assertEquals([process.stopped, superlink.replies.length], [true, 0]);
  superlink.send(makeInstruction(1n, RUN_ID + 1n));
  answer((await processes.started(2)).token);
  await superlink.untilReplies(1);
  await end();
});

Deno.test("work stops a ClientApp whose message has expired", async () => {
  const { superlink, processes, clock, logged, time, end } = startWork();
  superlink.send(makeInstruction());
  await processes.started(1);
  time.nowSeconds += 50_000;
  await clock.tick();
  await logged.untilLogged("message.dropped");
  await end();
});

Deno.test("work goes on when a reply cannot be sent", async () => {
  const { superlink, processes, logged, answer, end } = startWork();
  superlink.failures.set("pushMessages", [new StatusError("UNKNOWN", "It broke.")]);
  superlink.send(makeInstruction(1n));
  answer((await processes.started(1)).token);
  const { message } = await logged.untilLogged("message.lost");
  assertStringIncludes(message, "It broke.");
  superlink.send(makeInstruction(2n));
  answer((await processes.started(2)).token);
  await superlink.untilReplies(1);
  await end();
});

Deno.test("work that is stopped finishes the message in hand", async () => {
  const { superlink, processes, logged, stop, ended, answer } = startWork();
  superlink.send(makeInstruction());
  const { token } = await processes.started(1);
  stop.abort("SIGTERM");
  await logged.untilLogged("work.finishing");
  answer(token);
  assertEquals(await ended, undefined);
  assertEquals(superlink.replies[0]?.error, undefined);
});

Deno.test("work that is stopped gives back what is not finished in time", async () => {
  const { superlink, processes, clock, logged, stop, ended } = startWork();
  superlink.send(makeInstruction());
  const process = await processes.started(1);
  stop.abort("SIGTERM");
  await logged.untilLogged("work.finishing");
  while (clock.nowMs() < 5_000) await clock.tick();
  assertEquals(await ended, undefined);
  assertEquals(process.stopped, true);
  const { code, reason } = superlink.replies[0]?.error ?? {};
  assertEquals([code, reason], [8n, "The SuperNode was stopped while the ClientApp worked."]);
});

Deno.test("work ends with the SuperLink's refusal, and drops what is in hand", async () => {
  const { superlink, processes, ended } = startWork({ maxApps: 2 });
  superlink.send(makeInstruction());
  const process = await processes.started(1);
  superlink.failures.set("pullMessages", [new StatusError("UNAUTHENTICATED", "Invalid node ID")]);
  superlink.send(makeInstruction(2n));
  const second = await Promise.race([ended, processes.started(2)]);
  if (second && "token" in second) superlink.send(makeInstruction(3n));
  assertEquals((await ended)?.kind, "unknown-node");
  assertEquals([process.stopped, superlink.replies.length], [true, 0]);
});

Deno.test("work that is stopped does not wait for objects that do not come", async () => {
  const { superlink, clock, stop, ended } = startWork();
  superlink.send(makeInstruction(), { late: true });
  assertEquals(await clock.tick(), 100);
  stop.abort("SIGTERM");
  let isOver = false;
  ended.finally(() => isOver = true);
  while (!isOver) await clock.tick();
  assertEquals(clock.nowMs() < 20_000, true);
});

Deno.test("work ends with what ends its pulls, and leaves no process behind", async () => {
  const { superlink, processes, ended } = startWork({ maxApps: 2 });
  superlink.send(makeInstruction());
  const process = await processes.started(1);
  const gone = new RetriesExhausted(3, 1_000, new StatusError("UNAVAILABLE", "gone"));
  Object.assign(superlink.fleet, { pullMessages: () => Promise.reject(gone) });
  superlink.send(makeInstruction(2n));
  await assertRejects(() => ended, RetriesExhausted);
  assertEquals(process.stopped, true);
});

Deno.test("work drops everything when it is cut", async () => {
  const { superlink, processes, objects, cut, ended } = startWork();
  superlink.send(makeInstruction());
  const process = await processes.started(1);
  cut.abort();
  assertEquals(await ended, undefined);
  assertEquals([process.stopped, superlink.replies.length, objects.size], [true, 0, 0]);
});
