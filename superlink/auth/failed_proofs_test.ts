import { assert, assertEquals } from "@std/assert";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { proofHeaders } from "../../wire/proof_headers.ts";
import type { StatusName } from "../../wire/status.ts";
import { FleetClient, PLANES, refusal, unproved } from "../testing/fleet_client.ts";
import { proveText } from "../testing/proofs.ts";
import { startTestSuperLink } from "../testing/test_superlink.ts";
import { TestClock } from "../testing/test_clock.ts";
import { FailedProofs } from "./failed_proofs.ts";

const BAD_SIGNATURE = "Invalid signature";
const PEER = "192.0.2.1:1000";

Deno.test("FailedProofs stops looking at a host of which too many proofs failed, whatever the key", () => {
  const clock = new TestClock();
  const proofs = new FailedProofs(3, clock);
  for (const key of ["a", "b", "c"]) {
    assertEquals(proofs.mayTry(PEER, key), true);
    proofs.failed(PEER, key);
  }
  assertEquals(proofs.mayTry(PEER, "d"), false);
  assertEquals(proofs.mayTry("192.0.2.1:2000", "a"), false, "another port is the same host");
  assertEquals(proofs.mayTry("192.0.2.2:1000", "a"), true);
  clock.advance({ seconds: 20 });
  assertEquals(proofs.mayTry(PEER, "d"), true);
});

Deno.test("FailedProofs leaves a key alone that has proved itself from that host, until it fails", () => {
  const proofs = new FailedProofs(2, new TestClock());
  proofs.proved(PEER, "honest");
  proofs.failed(PEER, "a");
  proofs.failed(PEER, "b");
  assertEquals(proofs.mayTry(PEER, "c"), false);
  assertEquals(proofs.mayTry(PEER, "honest"), true);
  proofs.failed(PEER, "honest");
  proofs.failed(PEER, "honest");
  assertEquals(proofs.mayTry(PEER, "honest"), false, "somebody there claims to be it");
  assertEquals(proofs.mayTry("192.0.2.7:1", "honest"), true, "and it is elsewhere");
});

Deno.test("FailedProofs remembers at least 50,000 keys that proved themselves lately, and forgets older ones", () => {
  const proofs = new FailedProofs(1, new TestClock());
  for (let number = 0; number < 101_000; number++) proofs.proved(PEER, `${number}`);
  proofs.failed(PEER, "stranger");
  assertEquals(proofs.mayTry(PEER, "0"), false, "forgotten");
  assertEquals(proofs.mayTry(PEER, "51000"), true);
});

for (const plane of PLANES) {
  Deno.test(`The Fleet API looks at no more proofs of a host that keeps failing over ${plane}`, async () => {
    await using link = await startTestSuperLink({ failedProofsPerMinute: 3 });
    using honest = await FleetClient.create(link, { plane });
    using stranger = await FleetClient.create(link, { plane });
    const nodeId = await honest.join();
    const failing = async () => {
      const proof = await proveText(stranger.key, "2001-01-01T00:00:00+00:00");
      const { timestamp } = await stranger.prove();
      return await refusal(stranger.call(
        Fleet.method.sendNodeHeartbeat,
        { node: { nodeId }, heartbeatInterval: 30 },
        proofHeaders({ ...proof, timestamp }),
      ));
    };
    for (let count = 0; count < 3; count++) {
      assertEquals(await failing(), unproved(plane, BAD_SIGNATURE));
    }
    const tooMany: [StatusName, string] = [
      "UNAVAILABLE",
      "Too many proofs have failed. Try again later.",
    ];
    assertEquals(await failing(), tooMany);
    assertEquals(await refusal(stranger.register()), tooMany, "a good proof, but who knows");
    assertEquals(await honest.heartbeat(nodeId), true, "its key has proved itself from here");
    link.clock.advance({ seconds: 60 });
    await stranger.register();
  });
}

Deno.test("The Fleet API looks at no more failing proofs of a host when they come at once", async () => {
  const limit = 3;
  await using link = await startTestSuperLink({ failedProofsPerMinute: limit });
  using stranger = await FleetClient.create(link);
  const refusals = await Promise.all(Array.from({ length: 200 }, async () => {
    const { timestamp } = await stranger.prove();
    const proof = await proveText(stranger.key, "2001-01-01T00:00:00+00:00");
    const { registerNode } = Fleet.method;
    const { publicKeyPem: publicKey } = proof;
    return await refusal(
      stranger.call(registerNode, { publicKey }, proofHeaders({ ...proof, timestamp })),
    );
  }));
  const verified = refusals.filter(([, text]) => text === BAD_SIGNATURE).length;
  // Those that had their turn together are not told of each other.
  const atOnce = navigator.hardwareConcurrency;
  assert(verified >= limit && verified < limit + atOnce, `${verified} of 200 were verified`);
  assertEquals(refusals.filter(([status]) => status === "UNAVAILABLE").length, 200 - verified);
});
