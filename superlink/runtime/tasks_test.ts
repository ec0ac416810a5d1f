/** How tasks are taken from the Runtime API, in the two ways of Flower 1.35 and newer. */

import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { createHash, createHmac } from "node:crypto";
import { create, type DescMethodUnary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Runtime } from "../../proto/gen/flwr1_41/proto/runtime_pb.ts";
import { refusal } from "../testing/fleet_client.ts";
import { onRuntime } from "../testing/on_runtime.ts";
import { TASK_TYPE } from "../testing/runtime_client.ts";
import { testFab } from "../testing/test_fab.ts";

const { method } = Runtime;
/** What SuperExecs call. */
const FOR_SUPEREXECS: readonly DescMethodUnary[] = [
  method.acquireTask,
  method.pullPendingTasks,
  method.claimTask,
];
/** What a call without a good token or proof is told. */
const REFUSED = ["UNAUTHENTICATED", "Authentication failed."];
/** Longer than any test lasts. */
const LONG_HOLD = { holdMs: 20_000 };

Deno.test("A task is taken once, in one step or in two, by whoever comes first", () =>
  onRuntime(async ({ app }) => {
    const runId = await app.startRun();
    const { tasks } = await app.call(method.pullPendingTasks, {});
    assertEquals(tasks.map(({ taskId, runId, type }) => [taskId, runId, type]), [
      [runId, runId, TASK_TYPE],
    ]);
    const claims = [
      ...Array.from({ length: 10 }, () => app.claim(runId)),
      ...Array.from({ length: 10 }, async () => (await app.acquire())?.token ?? ""),
    ];
    const tokens = (await Promise.all(claims)).filter((token) => token !== "");
    assertEquals(tokens.length, 1);
    assertMatch(tokens[0]!, /^[0-9a-f]{256}$/);
    assertEquals([await app.acquire(), await app.claim(runId)], [undefined, ""]);
    assertEquals(await app.pending(), []);
    assertEquals(await app.statusOf(runId), "starting");
  }));

Deno.test("Tasks are offered oldest first, and the answer shows them as they were", () =>
  onRuntime(async ({ app, link }) => {
    const runIds: bigint[] = [];
    for (let count = 0; count < 4; count++) {
      runIds.push(await app.startRun());
      link.clock.advance({ micros: 1 });
    }
    await app.stop(runIds[1]!);
    const waiting = runIds.filter((_, index) => index !== 1);
    assertEquals(await app.pending(), waiting);
    const fabHash = createHash("sha256").update(testFab()).digest("hex");
    for (const runId of waiting) {
      const { task } = await app.call(method.acquireTask, { supportedTaskTypes: [TASK_TYPE] });
      assertEquals([task?.runId, task?.taskId, task?.fabHash], [runId, runId, fabHash]);
      assertEquals(task?.status?.status, "pending");
      assertMatch(task?.pendingAt ?? "", /^20\d\d-.*\+00:00$/);
    }
  }));

Deno.test("Nothing is given to a SuperExec that starts no ServerApps, or for a task that there is not", () =>
  onRuntime(async ({ app }) => {
    const runId = await app.startRun();
    assertEquals(await app.acquire([]), undefined);
    assertEquals(await app.acquire(["flwr-clientapp", "flwr-simulation"]), undefined);
    for (const taskId of [0n, runId + 1n, 2n ** 64n - 1n]) {
      assertEquals(await app.claim(taskId), "");
    }
    assertEquals((await app.acquire(["flwr-agentapp", TASK_TYPE]))?.runId, runId);
  }));

Deno.test("A SuperExec that asks for a task is answered when there is one", () =>
  onRuntime(async ({ app, link }) => {
    const held = app.acquire();
    // Its answer shows that the call before it on another connection has come.
    while (link.waiting() === 0) await app.pending();
    const runId = await app.startRun();
    assertEquals((await held)?.runId, runId);
    assertEquals(link.waiting(), 0);
  }, LONG_HOLD));

Deno.test("A SuperExec that goes away while it waits takes no task with it", () =>
  onRuntime(async ({ app, link }) => {
    const leave = new AbortController();
    const { signal } = leave;
    const request = { supportedTaskTypes: [TASK_TYPE] };
    const held = refusal(app.call(method.acquireTask, request, { signal }));
    while (link.waiting() === 0) await app.pending();
    leave.abort();
    assertEquals((await held)[0], "CANCELLED");
    while (link.waiting() > 0) await app.pending();
    const runId = await app.startRun();
    assertEquals(await app.pending(), [runId]);
  }, LONG_HOLD));

Deno.test("A task that is taken and never started is offered again after 30 s, with another token", () =>
  onRuntime(async ({ app, link }) => {
    const { runId, token } = await app.starting();
    link.clock.advance({ seconds: 29.9 });
    assertEquals(await app.pending(), []);
    link.clock.advance({ seconds: 0.1 });
    assertEquals(await refusal(app.call(method.pullTaskInput, {}, { token })), REFUSED);
    const again = await app.acquire();
    assertEquals(again?.runId, runId);
    assertNotEquals(again?.token, token);
    assertEquals(await refusal(app.call(method.pullTaskInput, {}, { token })), REFUSED);
    await app.call(method.pullTaskInput, {}, again!);
    assertEquals(await app.statusOf(runId), "running");
  }, LONG_HOLD));

Deno.test("Where the SuperLink starts apps itself nobody else is told of tasks", () =>
  onRuntime(async ({ app }) => {
    for (const one of FOR_SUPEREXECS) {
      assertEquals((await refusal(app.call(one, {})))[0], "UNIMPLEMENTED", one.name);
    }
  }, { isolation: "subprocess" }));

const SECRET = new TextEncoder().encode("what only SuperExecs know");
let nonces = 0;

/** The headers by which a SuperExec proves that it knows the secret. */
function proofFor<M extends DescMethodUnary>(
  one: M,
  request: MessageInitShape<M["input"]>,
  nowMicros: number,
  secret = SECRET,
): Record<string, string> {
  const key = createHmac("sha256", secret).update("superexec-auth-v1").digest();
  const body = toBinary(one.input, create(one.input, request));
  const bodyHash = createHash("sha256").update(body).digest("hex");
  const time = String(Math.floor(nowMicros / 1_000_000));
  const nonce = String(nonces++);
  const text = `method=/flwr.proto.Runtime/${one.name}\nts=${time}\nnonce=${nonce}\n` +
    `body_sha256=${bodyHash}`;
  return {
    "flwr-superexec-ts": time,
    "flwr-superexec-nonce": nonce,
    "flwr-superexec-body-sha256": bodyHash,
    "flwr-superexec-signature": createHmac("sha256", key).update(text).digest("hex"),
  };
}

Deno.test("With a secret, a task is told and given to those who know it, for what they signed", () =>
  onRuntime(async ({ app, link }) => {
    link.clock.advance({ seconds: 2 });
    const taskId = await app.startRun();
    const now = () => link.clock.nowMicros();
    for (const one of FOR_SUPEREXECS) {
      const others = FOR_SUPEREXECS.filter((other) => other !== one);
      const refused = [
        {},
        proofFor(one, {}, now(), new TextEncoder().encode("a guess")),
        ...others.map((other) => proofFor(other, {}, now())),
      ];
      for (const headers of refused) {
        assertEquals(await refusal(app.call(one, {}, { headers })), REFUSED, one.name);
      }
    }
    const listed = proofFor(method.pullPendingTasks, {}, now());
    const { tasks } = await app.call(method.pullPendingTasks, {}, { headers: listed });
    assertEquals(tasks.map((task) => task.taskId), [taskId]);
    const again = app.call(method.pullPendingTasks, {}, { headers: listed });
    assertEquals(await refusal(again), REFUSED);
    const claimed = proofFor(method.claimTask, { taskId }, now());
    const another = app.call(method.claimTask, { taskId: taskId + 1n }, { headers: claimed });
    assertEquals(await refusal(another), REFUSED);
    const { token } = await app.call(method.claimTask, { taskId }, { headers: claimed });
    await app.call(method.pullTaskInput, {}, { token });
    assertEquals(await app.statusOf(taskId), "running");
  }, { superExecSecret: SECRET }));
