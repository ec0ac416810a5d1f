/** What a node that is suspended can do, and what becomes of its runs. */

import { assert, assertEquals } from "@std/assert";
import { deadline } from "@std/async";
import type { StatusName } from "../../wire/status.ts";
import { type Plane, PLANES, refusal } from "../testing/fleet_client.ts";
import { findingsIn } from "../state/integrity.ts";
import { onRun, type RunStage } from "../testing/on_run.ts";
import { OperatorClient } from "../testing/operator_client.ts";
import { replyTo } from "../testing/test_messages.ts";
import { TestNode } from "../testing/test_node.ts";
import { startTestSuperLink } from "../testing/test_superlink.ts";

const SUSPENDED = "This SuperNode is suspended by the SuperLink's operator.";
const NODE_UNAVAILABLE = 5n;
/** Far longer than any hold is held for here, were it not woken. */
const HELD = { holdMs: 60_000 };
const CUT_OFF_MS = 1_000;

interface Stage extends RunStage {
  readonly node: TestNode;
  readonly operator: OperatorClient;
}

/** Plays with a node and an operator that both come over a plane. */
function onPlane(plane: Plane, play: (stage: Stage) => Promise<void>): Promise<void> {
  return onRun({ ...HELD, nodeCount: 0 }, async (stage) => {
    using node = await TestNode.join(stage.link, plane);
    using operator = new OperatorClient(stage.link, plane);
    await play({ ...stage, node, operator });
    assertEquals(await findingsIn(stage.link.database.kv), []);
  });
}

type Ask = (stage: Stage) => Promise<unknown>;

/** Each call of a suspended node, and how it is refused (`admission.ts` says why). */
const CALLS: readonly [name: string, status: StatusName, ask: Ask][] = [
  ["PullMessages", "PERMISSION_DENIED", ({ node }) => node.pull()],
  ["ActivateNode", "UNAVAILABLE", ({ node }) => node.client.activate()],
  ["SendNodeHeartbeat", "UNAVAILABLE", ({ node }) => node.client.heartbeat(node.nodeId)],
  ["DeactivateNode", "UNAVAILABLE", ({ node }) => node.leave()],
  ["UnregisterNode", "UNAVAILABLE", ({ node }) => node.client.unregister(node.nodeId)],
  ["RegisterNode", "UNAVAILABLE", ({ node }) => node.client.register()],
  [
    "GetRun",
    "UNAVAILABLE",
    ({ node: { client, node }, runId }) => client.call(client.method.getRun, { node, runId }),
  ],
  [
    "GetFab",
    "UNAVAILABLE",
    ({ node: { client, node }, runId }) => client.call(client.method.getFab, { node, runId }),
  ],
  ["PullObject", "UNAVAILABLE", ({ node, runId }) => node.pullObject(runId, "x")],
  ["PushObject", "UNAVAILABLE", ({ node, runId }) => node.pushObject(runId, "x", new Uint8Array())],
  ["ConfirmMessageReceived", "UNAVAILABLE", ({ node, runId }) => node.confirm(runId, "x")],
  [
    "PushMessages",
    "UNAVAILABLE",
    ({ node, ...stage }) => node.push(replyTo(stage.instruct(node), stage.link.clock.nowMicros())),
  ],
];

for (const plane of PLANES) {
  Deno.test(`Every call of a suspended SuperNode is refused over ${plane}, until it is resumed`, () =>
    onPlane(plane, async (stage) => {
      const { node, operator, link } = stage;
      assertEquals(await operator.suspend(node.nodeId), [node.nodeId]);
      for (const [name, status, ask] of CALLS) {
        assertEquals(await refusal(ask(stage)), [status, SUSPENDED], name);
      }
      assertEquals((await operator.show(node.nodeId)).status, "suspended");
      // It calls again and again; the log is told once.
      assertEquals(link.logged.of("fleet.refused").length, 1);
      assertEquals(await operator.resume(node.nodeId), [node.nodeId]);
      assertEquals((await operator.show(node.nodeId)).status, "offline");
      assertEquals(await node.client.heartbeat(node.nodeId), true);
      assertEquals((await operator.show(node.nodeId)).status, "online");
    }));

  Deno.test(`A held pull of a SuperNode that is suspended is refused at once over ${plane}`, () =>
    onPlane(plane, async ({ node, operator, link }) => {
      const held = refusal(node.pull());
      while (link.waiting() === 0) await operator.show(node.nodeId);
      await operator.suspend(node.nodeId);
      assertEquals(await deadline(held, CUT_OFF_MS), ["PERMISSION_DENIED", SUSPENDED]);
    }));

  Deno.test(`What waits for a suspended SuperNode is delivered once it is resumed over ${plane}`, () =>
    onPlane(plane, async ({ node, operator, app, runId, link, ...stage }) => {
      const asked = stage.instruct(node, { ttlSeconds: 600 });
      await app.send(runId, asked);
      await operator.suspend(node.nodeId);
      const late = stage.instruct(node, { ttlSeconds: 600 });
      await app.send(runId, late);
      // The node is silent for long, but its ServerApp is not.
      await stage.passTime(300);
      await operator.resume(node.nodeId);
      assertEquals(await node.client.heartbeat(node.nodeId), true);
      for (const one of [asked, late]) {
        assertEquals((await node.take()).messageId, one.messageId);
        await node.reply(replyTo(one, link.clock.nowMicros()));
      }
      const { messagesList } = await app.pull(runId, [asked.messageId, late.messageId]);
      assertEquals(messagesList.map(({ error }) => error?.code), [undefined, undefined]);
    }));

  Deno.test(`A ServerApp that waits for a SuperNode is told at once that it is suspended over ${plane}`, () =>
    onPlane(plane, async ({ node, operator, app, runId, ...stage }) => {
      const asked = stage.instruct(node);
      await app.send(runId, asked);
      await node.take();
      const waiting = app.pull(runId, [asked.messageId]);
      await operator.suspend(node.nodeId);
      let { messagesList } = await deadline(waiting, CUT_OFF_MS);
      if (messagesList.length === 0) {
        ({ messagesList } = await app.pull(runId, [asked.messageId]));
      }
      assertEquals(messagesList.map(({ error }) => error?.code), [NODE_UNAVAILABLE]);
    }));

  Deno.test(`A SuperNode is suspended before it ever joined, and unregistered all the same over ${plane}`, () =>
    onPlane(plane, async ({ operator, link }) => {
      using node = await TestNode.join(link, plane);
      await node.leave();
      await operator.suspend(node.nodeId);
      assertEquals(await refusal(node.client.activate()), ["UNAVAILABLE", SUSPENDED]);
      await operator.resume(node.nodeId);
      assertEquals(await node.client.activate(), node.nodeId);
      await operator.suspend(node.nodeId);
      assertEquals(await operator.suspend(node.nodeId), []);
      assertEquals((await operator.show(node.nodeId)).status, "suspended");
    }));

  Deno.test(`A suspension of several SuperNodes is all or nothing over ${plane}`, () =>
    onPlane(plane, async ({ node, operator }) => {
      assertEquals(await refusal(operator.suspend(node.nodeId, 5n, 6n)), [
        "NOT_FOUND",
        "The SuperLink has no SuperNodes with the IDs 5, 6, or unregistered it.",
      ]);
      assertEquals((await operator.show(node.nodeId)).status, "online");
      assertEquals((await refusal(operator.suspend()))[0], "INVALID_ARGUMENT");
      await node.client.unregister(node.nodeId);
      assertEquals((await refusal(operator.resume(node.nodeId)))[0], "NOT_FOUND");
    }));
}

Deno.test("A suspension outlives a restart of the SuperLink", async () => {
  const folder = await Deno.makeTempDir({ prefix: "trellis-suspend-" });
  try {
    const database = `${folder}/state.db`;
    let again: TestNode;
    {
      await using link = await startTestSuperLink({ database });
      using node = await TestNode.join(link);
      using operator = new OperatorClient(link);
      await operator.suspend(node.nodeId);
      again = node;
    }
    await using link = await startTestSuperLink({ database });
    link.clock.advance({ seconds: 10 });
    using node = await again.again(link);
    using operator = new OperatorClient(link);
    assertEquals(await refusal(node.client.activate()), ["UNAVAILABLE", SUSPENDED]);
    assert((await operator.show(node.nodeId)).suspendedAt !== undefined);
    await operator.resume(node.nodeId);
    assertEquals(await node.client.activate(), node.nodeId);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
