/** A node that is given another key while it goes on, over both planes. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { deadline } from "@std/async";
import { signHandover } from "../../keys/key_rotation.ts";
import { generatePrivateKey, type PrivateKey } from "../../keys/private_key.ts";
import { spkiPem } from "../../keys/public_key.ts";
import { ErrorCode } from "../../records/error_code.ts";
import { Control } from "../../proto/gen/flwr/proto/control_pb.ts";
import { NodeKeys } from "../../proto/gen/trellis/v1/node_keys_pb.ts";
import { FleetClient, type Plane, PLANES, refusal, unproved } from "../testing/fleet_client.ts";
import { findingsIn } from "../state/integrity.ts";
import { onRun, type RunStage } from "../testing/on_run.ts";
import { OperatorClient } from "../testing/operator_client.ts";
import { replyTo } from "../testing/test_messages.ts";
import { TestNode } from "../testing/test_node.ts";
import { proofHeaders } from "../../wire/proof_headers.ts";

/** Shorter than a node may be silent before it is offline. */
const GRACE_S = 10;
const WEEK_S = 7 * 24 * 3_600;
const GONE = "Invalid node ID";

interface Stage extends RunStage {
  readonly plane: Plane;
  readonly operator: OperatorClient;
  /** A registered node that is online with the key it was registered with. */
  readonly node: TestNode;
  /** The key that it is to have. */
  readonly newKey: PrivateKey;
  /** The same node with the new key. */
  readonly renewed: TestNode;
  rotate(graceSeconds?: number, newKey?: PrivateKey): Promise<unknown>;
  /** The node's process is heard of, and a second later one with its newer key takes over. */
  handOver(): Promise<void>;
}

function pemOf(key: PrivateKey): Uint8Array {
  return new TextEncoder().encode(spkiPem(key.publicKey));
}

function onPlanes(name: string, play: (stage: Stage) => Promise<void>): void {
  for (const plane of PLANES) {
    Deno.test(`${name} over ${plane}`, () =>
      onRun({ nodeCount: 0, holdMs: 60_000 }, async (stage) => {
        const { link, app } = stage;
        const newKey = await generatePrivateKey("P-256");
        using client = await FleetClient.create(link, { plane });
        using other = await FleetClient.create(link, { plane, key: newKey });
        using operator = new OperatorClient(link, plane);
        const { publicKeyPem: publicKey } = client;
        const { nodeId = 0n } = await app.control(Control.method.registerNode, { publicKey });
        await client.activate();
        const node = new TestNode(client, nodeId);
        await node.pull();
        const renewed = new TestNode(other, nodeId);
        const rotate = (graceSeconds = WEEK_S, key = newKey) =>
          operator.call(operator.registry.rotateKey, {
            nodeId,
            publicKey: pemOf(key),
            graceSeconds: BigInt(graceSeconds),
          });
        const handOver = async () => {
          assertEquals(await node.client.heartbeat(nodeId), true);
          link.clock.advance({ seconds: 1 });
          await rotate();
          await renewed.client.activate();
        };
        await play({ ...stage, plane, operator, node, newKey, renewed, rotate, handOver });
        assertEquals(await findingsIn(link.database.kv), []);
      }));
  }
}

onPlanes("A node is rotated in the middle of a run, and no message is lost", async (stage) => {
  const { app, runId, link, node, renewed } = stage;
  const asked = [0, 1, 2].map(() => stage.instruct(node, { ttlSeconds: 600 }));
  const [first, second, third] = asked;
  assert(first && second && third);
  await app.send(runId, first, second);
  assertEquals((await node.take()).messageId, first.messageId);
  await stage.rotate();
  // What it has in hand it answers with the old key; what it only was given is given again.
  await node.reply(replyTo(first, link.clock.nowMicros()));
  assertEquals((await node.pull())?.messageId, second.messageId);
  await node.leave();
  assertEquals(await renewed.client.activate(), node.nodeId);
  for (const one of [second, third]) {
    if (one === third) await app.send(runId, third);
    assertEquals((await renewed.take()).messageId, one.messageId);
    await renewed.reply(replyTo(one, link.clock.nowMicros()));
  }
  const { messagesList } = await app.pull(runId, asked.map(({ messageId }) => messageId));
  assertEquals(messagesList.map(({ error }) => error?.code), [undefined, undefined, undefined]);
});

onPlanes(
  "A process with the newer key takes its node over, and the one before finishes what it has",
  async (stage) => {
    const { app, runId, link, node, renewed, operator } = stage;
    const asked = [0, 1, 2].map(() => stage.instruct(node, { ttlSeconds: 600 }));
    const [first, second, third] = asked;
    assert(first && second && third);
    await app.send(runId, first);
    await node.take();
    // The ServerApp waits all the time.
    const answers = app.pull(runId, asked.slice(0, 2).map(({ messageId }) => messageId));
    await stage.rotate();
    assertEquals(await renewed.client.activate(), node.nodeId);
    assertEquals((await refusal(node.pull()))[0], "PERMISSION_DENIED");
    await app.send(runId, second);
    assertEquals((await renewed.take()).messageId, second.messageId);
    assertEquals((await refusal(node.pull()))[0], "PERMISSION_DENIED");
    assertEquals(await node.client.heartbeat(node.nodeId), true);
    for (const [by, one] of [[renewed, second], [node, first]] as const) {
      await by.reply(replyTo(one, link.clock.nowMicros()));
    }
    const { messagesList } = await answers;
    assertEquals(messagesList.map(({ error }) => error), [undefined, undefined]);
    await node.leave();
    assertEquals((await operator.show(node.nodeId)).status, "online");
    await app.send(runId, third);
    assertEquals((await renewed.take()).messageId, third.messageId);
  },
);

onPlanes(
  "What a process has not confirmed that was taken over from is handed out again once it leaves",
  async (stage) => {
    const { app, runId, node, renewed } = stage;
    const [first, second] = [0, 1].map(() => stage.instruct(node, { ttlSeconds: 600 }));
    assert(first && second);
    await app.send(runId, first);
    // Our SuperNodes confirm with their next pull.
    assertEquals((await node.pull())?.messageId, first.messageId);
    await stage.handOver();
    await app.send(runId, second);
    assertEquals((await renewed.take()).messageId, second.messageId);
    await node.leave();
    assertEquals((await renewed.take()).messageId, first.messageId);
  },
);

for (const how of ["leaves", "is not heard of any more"] as const) {
  onPlanes(
    `A process that took over is told at once what is left when the one before ${how}`,
    async (stage) => {
      const { app, runId, link, node, renewed } = stage;
      const first = stage.instruct(node, { ttlSeconds: 600 });
      await app.send(runId, first);
      assertEquals((await node.pull())?.messageId, first.messageId);
      await stage.handOver();
      await renewed.pull();
      const held = renewed.pull();
      while (link.waiting() === 0) await renewed.client.heartbeat(node.nodeId);
      if (how === "leaves") await node.leave();
      else {
        for (let passed = 0; passed < 80; passed += 20) {
          await renewed.client.heartbeat(node.nodeId);
          await stage.passTime(20);
        }
      }
      assertEquals((await deadline(held, 10_000))?.messageId, first.messageId);
    },
  );
}

onPlanes(
  "The process with the newer key gets its node back when an earlier one was heard first after a silence",
  async (stage) => {
    const { app, runId, link, node, renewed, operator } = stage;
    await stage.handOver();
    await stage.passTime(70);
    await link.logged.untilLogged("node.expired");
    assertEquals((await operator.show(node.nodeId)).status, "offline");
    for (const by of [node, renewed, node, renewed]) {
      assertEquals(await by.client.heartbeat(node.nodeId), true);
    }
    assertEquals((await refusal(node.pull()))[0], "PERMISSION_DENIED");
    const one = stage.instruct(node);
    await app.send(runId, one);
    assertEquals((await renewed.take()).messageId, one.messageId);
  },
);

onPlanes(
  "What the process with the newer key had is lost when it dies and an earlier one goes on",
  async (stage) => {
    const { app, runId, link, node, renewed } = stage;
    await stage.handOver();
    const [one, next] = [0, 1].map(() => stage.instruct(node, { ttlSeconds: 600 }));
    assert(one && next);
    await app.send(runId, one);
    await renewed.take();
    for (let passed = 0; passed < 80; passed += 20) {
      assertEquals(await node.client.heartbeat(node.nodeId), true);
      await stage.passTime(20);
    }
    await link.logged.untilLogged("node.expired");
    assertEquals(await node.client.heartbeat(node.nodeId), true);
    const { messagesList: [lost] } = await app.pull(runId, [one.messageId]);
    assertEquals(lost?.error?.code, ErrorCode.NODE_UNAVAILABLE);
    await app.send(runId, next);
    assertEquals((await node.take()).messageId, next.messageId);
  },
);

for (const how of ["leaves", "dies"] as const) {
  onPlanes(
    `What a process has in hand that was taken over from is lost once it ${how}`,
    async (stage) => {
      const { app, runId, link, node, renewed } = stage;
      const [first, second] = [0, 1].map(() => stage.instruct(node, { ttlSeconds: 600 }));
      assert(first && second);
      await app.send(runId, first);
      // What was large arrives only when the node was handed over.
      const fetched = await node.pull();
      await stage.handOver();
      link.clock.advance({ seconds: 1 });
      assert(fetched);
      await node.fetch(fetched);
      await node.confirm(runId, first.messageId);
      await app.send(runId, second);
      await renewed.take();
      // A heartbeat is heard as a sign of life of either.
      for (const by of [renewed, node, renewed]) {
        assertEquals(await by.client.heartbeat(node.nodeId), true);
        await stage.passTime(25);
      }
      if (how === "leaves") await node.leave();
      else {
        await renewed.client.heartbeat(node.nodeId);
        await stage.passTime(10);
      }
      const lost = await app.pull(runId, [first.messageId]);
      assertEquals(lost.messagesList.map(({ error }) => error?.code), [ErrorCode.NODE_UNAVAILABLE]);
      await renewed.reply(replyTo(second, link.clock.nowMicros()));
      const { messagesList } = await app.pull(runId, [second.messageId]);
      assertEquals(messagesList.map(({ error }) => error), [undefined]);
    },
  );
}

onPlanes(
  "An earlier key takes over from nobody, and speaks when nobody else does",
  async (stage) => {
    const { app, runId, node, renewed, operator } = stage;
    await stage.rotate();
    await renewed.client.activate();
    await renewed.client.heartbeat(node.nodeId);
    assertEquals((await refusal(node.client.activate()))[0], "FAILED_PRECONDITION");
    await renewed.leave();
    assertEquals((await operator.show(node.nodeId)).status, "offline");
    assertEquals(await node.client.heartbeat(node.nodeId), true);
    const one = stage.instruct(node);
    await app.send(runId, one);
    assertEquals((await node.take()).messageId, one.messageId);
  },
);

onPlanes("Both keys are good until the grace is over, then the new one only", async (stage) => {
  const { link, node, renewed, operator } = stage;
  await stage.rotate(GRACE_S);
  const [earlier] = (await operator.show(node.nodeId)).earlierKeys;
  assertEquals(earlier?.fingerprint, node.client.key.publicKey.fingerprint);
  assertEquals(await node.client.heartbeat(node.nodeId), true);
  const held = refusal(node.pull());
  while (link.waiting() === 0) await operator.show(node.nodeId);
  assertEquals(await node.client.heartbeat(node.nodeId), true);
  link.clock.advance({ seconds: GRACE_S });
  // Upkeep ends the key, and with it the pull that it holds.
  assertEquals(await deadline(held, 5_000), unproved(stage.plane, GONE));
  await link.logged.untilLogged("node.key-ended");
  for (const call of [() => node.client.heartbeat(node.nodeId), () => node.client.activate()]) {
    assert(["UNAUTHENTICATED", "FAILED_PRECONDITION"].includes((await refusal(call()))[0]));
  }
  assertEquals(await renewed.client.heartbeat(node.nodeId), true);
  assertEquals((await operator.show(node.nodeId)).earlierKeys, []);
  // It is burned: nobody has it again.
  const { publicKeyPem: publicKey } = node.client;
  assertEquals(
    (await refusal(stage.app.control(Control.method.registerNode, { publicKey })))[1],
    "Public key already in use",
  );
});

onPlanes("A proof of either key is accepted once", async ({ node, renewed, rotate }) => {
  await rotate();
  for (const { client, nodeId } of [node, renewed]) {
    const request = { node: { nodeId }, heartbeatInterval: 30 };
    const proof = await client.prove();

    await client.call(client.method.sendNodeHeartbeat, request, proofHeaders(proof));
    const again = client.call(client.method.sendNodeHeartbeat, request, proofHeaders(proof));
    assertEquals((await refusal(again))[0], "UNAVAILABLE");
  }
});

onPlanes(
  "A node that is unregistered loses both keys",
  async ({ node, renewed, plane, ...stage }) => {
    await stage.rotate();
    await stage.app.control(Control.method.unregisterNode, { nodeId: node.nodeId });
    for (const { client, nodeId } of [node, renewed]) {
      assertEquals(await refusal(client.heartbeat(nodeId)), unproved(plane, GONE));
    }
  },
);

onPlanes("A rotation that makes no sense is refused", async (stage) => {
  const { node, rotate, operator, newKey, link, plane } = stage;
  using stranger = await TestNode.join(link, plane);
  const rows: [nodeId: bigint, key: Uint8Array, graceS: bigint, told: string][] = [
    [node.nodeId, stranger.client.publicKeyPem, 0n, "is or was in use"],
    [node.nodeId, new Uint8Array([1]), 0n, "cannot be used"],
    [node.nodeId, pemOf(newKey), 10n ** 15n, "90 days at most"],
    [stranger.nodeId, pemOf(newKey), 0n, "registered itself"],
    [5n, pemOf(newKey), 0n, "no SuperNode with the ID 5"],
  ];
  for (const [nodeId, publicKey, graceSeconds, told] of rows) {
    const request = { nodeId, publicKey, graceSeconds };
    const [, text] = await refusal(operator.call(operator.registry.rotateKey, request));
    assertStringIncludes(text, told);
  }
  await rotate();
  // The same again changes nothing.
  await rotate(1);
  assertEquals((await operator.show(node.nodeId)).earlierKeys.length, 1);
  for (const _ of [2, 3]) await rotate(60, await generatePrivateKey("P-256"));
  const [, text] = await refusal(rotate(60, await generatePrivateKey("P-256")));
  assertStringIncludes(text, "3 earlier keys");
});

onPlanes("A key that was rotated with no grace is cut off at once", async ({ node, ...stage }) => {
  const held = refusal(node.pull());
  while (stage.link.waiting() === 0) await stage.operator.show(node.nodeId);
  await stage.rotate(0);
  assertEquals(await deadline(held, 1_000), unproved(stage.plane, GONE));
  assertEquals(await stage.renewed.client.heartbeat(node.nodeId), true);
});

onPlanes("A node replaces its own key, and both keys must say so", async (stage) => {
  const { node, newKey, renewed, operator } = stage;
  const { key: oldKey } = node.client;
  const other = await generatePrivateKey("P-256");
  const ask = (by: TestNode, signed: Awaited<ReturnType<typeof signHandover>>, key = newKey) =>
    by.client.call(NodeKeys.method.rotateOwnKey, {
      publicKey: pemOf(key),
      graceSeconds: BigInt(WEEK_S),
      ...signed,
    });
  const good = await signHandover(oldKey, newKey);
  const wrong = [
    await signHandover(other, newKey),
    await signHandover(oldKey, other),
    { ...good, newSignature: good.oldSignature },
    { ...good, oldSignature: new Uint8Array() },
  ];
  for (const signed of wrong) {
    assertEquals((await refusal(ask(node, signed)))[0], "PERMISSION_DENIED");
  }
  assertEquals((await refusal(ask(renewed, good)))[0], "UNAUTHENTICATED");
  assertEquals((await ask(node, good)).nodeId, node.nodeId);
  // The answer may have been lost.
  assertEquals((await ask(node, good)).nodeId, node.nodeId);
  assertEquals((await operator.show(node.nodeId)).fingerprint, newKey.publicKey.fingerprint);
  assertEquals(await renewed.client.heartbeat(node.nodeId), true);
  // A key that was replaced does not choose a third one.
  const third = await refusal(ask(node, await signHandover(oldKey, other), other));
  assertEquals(third[0], "FAILED_PRECONDITION");
});
