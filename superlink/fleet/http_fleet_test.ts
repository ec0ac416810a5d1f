import { assertEquals, assertMatch } from "@std/assert";
import { deadline, delay } from "@std/async";
import { create, toBinary } from "@bufbuild/protobuf";
import type { Proof } from "../../keys/proof.ts";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { clientHeaders } from "../../wire/http/headers.ts";
import { pathOf } from "../../wire/http/route.ts";
import { StatusError } from "../../wire/status.ts";
import { FleetClient, PLANES, refusal } from "../testing/fleet_client.ts";
import { proveAt } from "../testing/proofs.ts";
import { startTestSuperLink, type TestSuperLink } from "../testing/test_superlink.ts";
import { proofHeaders } from "../../wire/proof_headers.ts";

const PATIENCE_MS = 20_000;
const REFUSED = "Failed to activate SuperNode.";

/** A client over HTTP that has joined and whose pulls are held from now on. */
async function holdingNode(link: TestSuperLink) {
  const node = await FleetClient.create(link, { plane: "HTTP" });
  const nodeId = await node.join();
  await node.pull(nodeId);
  return { node, nodeId };
}

/** The same key in a process that is started later. */
async function startedAnew(link: TestSuperLink, { key }: FleetClient) {
  link.clock.advance({ seconds: 1 });
  return await FleetClient.create(link, { key, plane: "HTTP" });
}

/** Its system's word that a peer is gone comes a moment later. */
async function untilAccepted<T>(call: () => Promise<T>): Promise<T> {
  const limit = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof StatusError) || Date.now() > limit) throw error;
      await delay(5);
    }
  }
}

/** Fails, to be asked again, unless it is so by now. */
function soon(isSo: boolean): Promise<void> {
  return isSo ? Promise.resolve() : Promise.reject(new StatusError("UNAVAILABLE", "Not yet."));
}

async function refusalText(call: Promise<unknown>): Promise<string> {
  return (await refusal(call))[1].slice(0, REFUSED.length);
}

Deno.test("A SuperNode over HTTP that was killed while its pull was held comes back at once", async () => {
  await using link = await startTestSuperLink({ holdMs: 60_000 });
  const { node: killed, nodeId } = await holdingNode(link);
  const held = killed.pull(nodeId).catch(() => {});
  await killed.heartbeat(nodeId);
  using back = await startedAnew(link, killed);
  assertEquals(await refusalText(back.activate()), REFUSED, "it is there");
  killed[Symbol.dispose]();
  await held;
  assertEquals(await untilAccepted(() => back.activate()), nodeId);
  const [, again] = link.logged.of("node.joined");
  assertMatch(again?.message ?? "", /is online again, in place of a process that is gone/);
});

Deno.test("One that was killed between its calls comes back after a heartbeat interval", async () => {
  await using link = await startTestSuperLink();
  const { node: killed, nodeId } = await holdingNode(link);
  killed[Symbol.dispose]();
  using back = await startedAnew(link, killed);
  link.clock.advance({ seconds: 28 });
  assertEquals(await refusalText(back.activate()), REFUSED);
  link.clock.advance({ seconds: 1 });
  assertEquals(await back.activate(), nodeId, "its lease would run for another 30 s");
});

Deno.test("A lost answer to ActivateNode can be asked for again over HTTP", async () => {
  await using link = await startTestSuperLink();
  using node = await FleetClient.create(link, { plane: "HTTP" });
  const nodeId = await node.join();
  for (let again = 0; again < 3; again++) assertEquals(await node.activate(), nodeId);
  assertEquals(await node.heartbeat(nodeId), true);
  assertEquals(await refusalText(node.activate()), REFUSED);
});

Deno.test("A SuperNode that has left over HTTP comes back at once", async () => {
  await using link = await startTestSuperLink();
  const { node, nodeId } = await holdingNode(link);
  await node.deactivate(nodeId);
  assertEquals(await node.activate(), nodeId);
});

for (const [first, second] of [PLANES, PLANES.toReversed()]) {
  Deno.test(`A SuperNode moves from ${first} to ${second} once its first process is gone`, async () => {
    await using link = await startTestSuperLink({ holdMs: 60_000 });
    const before = await FleetClient.create(link, first ? { plane: first } : {});
    const nodeId = await before.join();
    await before.pull(nodeId);
    const held = before.pull(nodeId).catch(() => {});
    await before.heartbeat(nodeId);
    using after = await FleetClient.create(link, {
      key: before.key,
      ...second && { plane: second },
    });
    link.clock.advance({ seconds: 1 });
    assertEquals((await refusal(after.activate()))[0], "FAILED_PRECONDITION");
    before[Symbol.dispose]();
    await held;
    assertEquals(await untilAccepted(() => after.activate()), nodeId);
    assertEquals(await after.heartbeat(nodeId), true);
  });
}

Deno.test("Unregistering a SuperNode ends the pull that is held over HTTP", async () => {
  await using link = await startTestSuperLink({ holdMs: 60_000 });
  const { node, nodeId } = await holdingNode(link);
  using _ = node;
  const held = refusal(node.pull(nodeId));
  await node.heartbeat(nodeId);
  await node.unregister(nodeId);
  assertEquals(await deadline(held, PATIENCE_MS), [
    "UNAUTHENTICATED",
    "Invalid SuperNode authentication",
  ]);
});

Deno.test("Pulls of 50 SuperNodes over HTTP that vanish are let go of, each as soon as it is gone", async () => {
  await using link = await startTestSuperLink({ holdMs: 60_000 });
  const before = link.waiting();
  const nodes = await Promise.all(Array.from({ length: 50 }, () => holdingNode(link)));
  const held = nodes.map(({ node, nodeId }) => node.pull(nodeId).catch(() => {}));
  while (link.waiting() < before + nodes.length) await delay(1);
  for (const [index, { node }] of nodes.entries()) {
    node[Symbol.dispose]();
    await held[index];
    if (index === 24) await untilAccepted(() => soon(link.waiting() <= before + 25));
  }
  await untilAccepted(() => soon(link.waiting() === before));
});

/** Sends the headers of a call; gives what sends its body, and the status line of the answer. */
async function begin(
  { httpAddress }: TestSuperLink,
  method: typeof Fleet.methods[number],
  proof: Proof | undefined,
  sizeBytes: number,
) {
  const connection = await Deno.connect({
    hostname: httpAddress.host,
    port: httpAddress.port,
  });
  const headers = proof ? clientHeaders(proofHeaders(proof)) : {};
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const write = (bytes: Uint8Array) => connection.write(bytes);
  await write(new TextEncoder().encode(
    `POST ${pathOf(method)} HTTP/1.1\r\nhost: superlink\r\n` +
      `content-type: application/protobuf\r\ncontent-length: ${sizeBytes}\r\n` +
      `${lines.join("")}\r\n`,
  ));
  return {
    write,
    async status() {
      const buffer = new Uint8Array(4096);
      const count = await connection.read(buffer) ?? 0;
      return new TextDecoder().decode(buffer.subarray(0, count)).split("\r\n")[0];
    },
    [Symbol.dispose]: () => connection.close(),
  };
}

Deno.test("The Fleet API refuses an unproved caller over HTTP before it has sent any body", async () => {
  await using link = await startTestSuperLink();
  using node = await FleetClient.create(link);
  for (const method of Fleet.methods) {
    const { signature, ...proof } = await node.prove();
    const changed = signature.with(-1, (signature.at(-1) ?? 0) ^ 1);
    for (const wrong of [undefined, { ...proof, signature: changed }]) {
      using call = await begin(link, method, wrong, 1_000_000);
      assertEquals(await call.status(), "HTTP/1.1 401 Unauthorized", method.name);
    }
  }
});

Deno.test("It reads no body of a proved key without a node over HTTP, but for joining", async () => {
  await using link = await startTestSuperLink();
  using stranger = await FleetClient.create(link);
  const { registerNode, activateNode, ...others } = Fleet.method;
  for (const method of Object.values(others)) {
    using call = await begin(link, method, await stranger.prove(), 1_000_000);
    assertEquals(await call.status(), "HTTP/1.1 401 Unauthorized", method.name);
  }
  const { publicKeyPem: publicKey } = stranger;
  for (const method of [activateNode, registerNode]) {
    const body = toBinary(method.input, create(method.input, { publicKey, heartbeatInterval: 30 }));
    using call = await begin(link, method, await stranger.prove(), body.length);
    await call.write(body);
    const expected = method === registerNode ? "200 OK" : "412 Precondition Failed";
    assertEquals(await call.status(), `HTTP/1.1 ${expected}`);
  }
});

Deno.test("It judges a proof's age over HTTP when the headers arrive, however slow the body", async () => {
  await using link = await startTestSuperLink();
  using node = await FleetClient.create(link);
  await node.register();
  const nodeId = await node.activate(1800);
  link.clock.advance({ seconds: 100 });
  const { deactivateNode } = Fleet.method;
  const body = toBinary(deactivateNode.input, create(deactivateNode.input, { nodeId }));
  const old = await proveAt(node.key, link.clock.micros - 50_000_000);
  using slow = await begin(link, deactivateNode, old, body.length);
  // The headers have come before any of these.
  for (let count = 0; count < 3; count++) await node.heartbeat(nodeId, 1800);
  link.clock.advance({ seconds: 300 });
  await slow.write(body);
  assertEquals(await slow.status(), "HTTP/1.1 200 OK");
});
