/** The registry where several SuperLinks share a database: what one is told holds for all at once. */

import { assert, assertEquals } from "@std/assert";
import { deadline } from "@std/async";
import { generatePrivateKey } from "../../keys/private_key.ts";
import { spkiPem } from "../../keys/public_key.ts";
import { Control } from "../../proto/gen/flwr/proto/control_pb.ts";
import { KvBlobs } from "../objects/kv_blobs.ts";
import { AppClient } from "../testing/app_client.ts";
import { FleetClient, refusal, unproved } from "../testing/fleet_client.ts";
import { findingsIn } from "../state/integrity.ts";
import { OperatorClient } from "../testing/operator_client.ts";
import { TestClock } from "../testing/test_clock.ts";
import { TestNode } from "../testing/test_node.ts";
import { startTestSuperLink, type TestSuperLink } from "../testing/test_superlink.ts";

const CUT_OFF_MS = 1_000;

interface Stage {
  /** The SuperLink that the node calls. */
  readonly here: TestSuperLink;
  /** The one that its operator calls. */
  readonly operator: OperatorClient;
  readonly node: TestNode;
}

async function onTwo(play: (stage: Stage) => Promise<void>): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  try {
    const clock = new TestClock();
    const start = () =>
      startTestSuperLink({
        clock,
        holdMs: 60_000,
        between: (own) => ({
          ...{ kv, blobs: new KvBlobs(kv), durable: true, shared: true, place: "memory" },
          close: () => own.close(),
        }),
      });
    await using here = await start();
    await using there = await start();
    using app = new AppClient(there);
    using client = await FleetClient.create(here);
    const request = { publicKey: client.publicKeyPem };
    const { nodeId = 0n } = await app.control(Control.method.registerNode, request);
    await client.activate();
    using node = new TestNode(client, nodeId);
    await node.pull();
    using operator = new OperatorClient(there);
    await play({ here, operator, node });
    assertEquals(await findingsIn(kv), []);
  } finally {
    kv.close();
  }
}

Deno.test("A SuperNode that another SuperLink suspends is cut off within a second", () =>
  onTwo(async ({ here, operator, node }) => {
    const held = refusal(node.pull());
    while (here.waiting() === 0) await operator.show(node.nodeId);
    await operator.suspend(node.nodeId);
    assertEquals((await deadline(held, CUT_OFF_MS))[0], "PERMISSION_DENIED");
    assertEquals((await refusal(node.client.heartbeat(node.nodeId)))[0], "UNAVAILABLE");
    await operator.resume(node.nodeId);
    assertEquals(await node.client.heartbeat(node.nodeId), true);
  }));

Deno.test("A key that another SuperLink replaced without a grace is refused at once", () =>
  onTwo(async ({ here, operator, node }) => {
    const newKey = await generatePrivateKey("P-256");
    const held = refusal(node.pull());
    while (here.waiting() === 0) await operator.show(node.nodeId);
    const { node: shown } = await operator.call(operator.registry.rotateKey, {
      nodeId: node.nodeId,
      publicKey: new TextEncoder().encode(spkiPem(newKey.publicKey)),
      graceSeconds: 0n,
    });
    assert(shown?.fingerprint === newKey.publicKey.fingerprint);
    assertEquals(await deadline(held, CUT_OFF_MS), unproved("gRPC", "Invalid node ID"));
    using renewed = await FleetClient.create(here, { key: newKey });
    assertEquals(await renewed.heartbeat(node.nodeId), true);
  }));
