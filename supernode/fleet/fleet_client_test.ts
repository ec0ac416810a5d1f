import { assert, assertEquals, assertRejects } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding";
import { generatePrivateKey } from "../../keys/private_key.ts";
import { parseDerSignature } from "../../keys/ecdsa_signature.ts";
import { importVerifyKey, readPublicKey, spkiPem } from "../../keys/public_key.ts";
import { verifySignature } from "../../keys/proof.ts";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { GrpcChannel } from "../../wire/grpc/client.ts";
import { GrpcServer } from "../../wire/grpc/server.ts";
import { defineService, type IncomingCall, type Methods } from "../../wire/service.ts";
import { StatusError } from "../../wire/status.ts";
import { FleetClient } from "./fleet_client.ts";
import { FleetConnection } from "./fleet_connection.ts";
import { systemClock } from "../clock.ts";

const never = new AbortController().signal;

/** A Fleet API that records the headers of its calls, and a client of it. */
async function setUp(methods: Methods<typeof Fleet, IncomingCall>) {
  const incoming: IncomingCall[] = [];
  const server = new GrpcServer({ maxMessageBytes: 1024 ** 2 });
  server.add(defineService(Fleet, (call) => (incoming.push(call), call), methods));
  const address = await server.listen({ host: "127.0.0.1", port: 0 });
  const connection = new FleetConnection(
    () => new GrpcChannel(address, { insecure: true }),
    systemClock,
  );
  const key = await generatePrivateKey();
  const client = await FleetClient.create(key, connection, {
    limits: {},
    clock: systemClock,
    random: () => 0,
    observer: { failed: () => Promise.resolve(), answered: () => {} },
  });
  return {
    client,
    incoming,
    key,
    async [Symbol.asyncDispose]() {
      connection.close();
      await server.drain(1_000);
    },
  };
}

Deno.test("FleetClient signs every try of every call anew", async () => {
  let tries = 0;
  await using fleet = await setUp({
    activateNode() {
      if (++tries < 3) throw new StatusError("UNAVAILABLE", "Sign again.");
      return Promise.resolve({ nodeId: 2n ** 64n - 1n });
    },
  });
  assertEquals(await fleet.client.activateNode(never), 2n ** 64n - 1n);
  const verifyKey = await importVerifyKey(fleet.key.publicKey);
  const timestamps: string[] = [];
  for (const { headers } of fleet.incoming) {
    const timestamp = headers.text("flwr-timestamp") ?? "";
    const publicKey = readPublicKey(headers.bytes("flwr-public-key") ?? "");
    const signature = headers.bytes("flwr-signature") ?? new Uint8Array();
    const parsed = parseDerSignature(signature, "P-384");
    assertEquals(publicKey.id, fleet.key.publicKey.id);
    assert(parsed && await verifySignature(verifyKey, parsed.p1363, timestamp));
    timestamps.push(timestamp);
  }
  assertEquals(timestamps, [...new Set(timestamps)].sort());
  assertEquals(timestamps.length, 3);
});

Deno.test("FleetClient says which dialect it speaks", async () => {
  await using fleet = await setUp({ registerNode: () => Promise.resolve({ nodeId: 5n }) });
  await fleet.client.registerNode(never);
  const names = ["flwr-package-name", "flwr-package-version", "flwr-component-name"];
  const values = names.map((name) => fleet.incoming[0]?.headers.text(name));
  assertEquals(values, ["flwr", "1.25.0", "SuperNode"]);
});

Deno.test("FleetClient sends the requests of Flower's protocol", async () => {
  const seen: unknown[] = [];
  const see = <T>(answer: T) => (request: object) => {
    seen.push(Object.fromEntries(Object.entries(request).filter(([name]) => name[0] !== "$")));
    return Promise.resolve(answer);
  };
  await using fleet = await setUp({
    registerNode: see({ nodeId: 5n }),
    activateNode: see({ nodeId: 5n }),
    deactivateNode: see({}),
    unregisterNode: see({}),
    sendNodeHeartbeat: see({ success: true }),
  });
  const { client, key } = fleet;
  await client.registerNode(never);
  await client.activateNode(never);
  assertEquals(await client.sendHeartbeat(5n, never), true);
  await client.deactivateNode(5n);
  await client.unregisterNode(5n);
  const publicKey = new TextEncoder().encode(spkiPem(key.publicKey));
  const hex = (value: unknown) => value instanceof Uint8Array ? encodeHex(value) : value;
  const [register, activate, heartbeat, ...leave] = seen as Record<string, unknown>[];
  assertEquals(hex(register?.publicKey), encodeHex(publicKey));
  assertEquals(hex(activate?.publicKey), encodeHex(publicKey));
  assertEquals(activate?.heartbeatInterval, 30);
  assertEquals(heartbeat?.heartbeatInterval, 30);
  assertEquals((heartbeat?.node as { nodeId: bigint }).nodeId, 5n);
  assertEquals(leave, [{ nodeId: 5n }, { nodeId: 5n }]);
});

Deno.test("FleetClient moves objects and messages", async () => {
  const content = decodeHex("00ff10");
  const object = { nodeId: 5n, runId: 6n, objectId: "ab".repeat(32) };
  await using fleet = await setUp({
    pullMessages: ({ confirmedMessages: [confirmed] }) =>
      Promise.resolve({ messagesList: [{ metadata: { runId: confirmed?.runId ?? 0n } }] }),
    pushMessages: ({ node, messagesList }) =>
      Promise.resolve({
        objectsToPush: [`${node?.nodeId}/${messagesList.length}`],
        sessionId: "s",
      }),
    pullObject: () =>
      Promise.resolve({ objectFound: true, objectAvailable: true, objectContent: content }),
    pushObject: ({ objectContent, sessionId }) =>
      Promise.resolve({ stored: encodeHex(objectContent) === "00ff10" && sessionId === "s" }),
    confirmMessageReceived: () => Promise.resolve({}),
    getRun: ({ runId }) => Promise.resolve({ run: { runId } }),
    getFab: ({ hashStr }) => Promise.resolve(hashStr === "x" ? { fab: { hashStr } } : {}),
  });
  const { client } = fleet;
  const pulled = await client.pullMessages(5n, [{ runId: 6n, messageId: "m" }], never);
  assertEquals(pulled.messagesList[0]?.metadata?.runId, 6n);
  const pushed = await client.pushMessages(5n, { messagesList: [{}] }, never);
  assertEquals([pushed.objectsToPush, pushed.sessionId], [["5/1"], "s"]);
  assertEquals(encodeHex((await client.pullObject(object, never)).objectContent), "00ff10");
  assertEquals(await client.pushObject(object, content, "s", never), true);
  await client.confirmMessageReceived(object, never);
  assertEquals((await client.getRun(5n, 6n, never)).runId, 6n);
  assertEquals((await client.getFab(5n, 6n, "x", never)).hashStr, "x");
  await assertRejects(() => client.getFab(5n, 6n, "y", never), StatusError, "no FAB y");
});

Deno.test("FleetClient repeats a heartbeat that a SuperLink in trouble cannot take", async () => {
  const troubles = [
    new StatusError("UNKNOWN", "Exception calling application: database is locked"),
    new StatusError("INTERNAL", "Internal server error."),
    new StatusError("UNAUTHENTICATED", "Invalid timestamp"),
  ];
  await using fleet = await setUp({
    sendNodeHeartbeat() {
      const trouble = troubles.shift();
      return trouble ? Promise.reject(trouble) : Promise.resolve({ success: true });
    },
  });
  assertEquals(await fleet.client.sendHeartbeat(5n, never), true);
  assertEquals(fleet.incoming.length, 4);
});

Deno.test("FleetClient does not repeat a call that is refused", async () => {
  await using fleet = await setUp({
    sendNodeHeartbeat: () => Promise.reject(new StatusError("UNAUTHENTICATED", "Invalid node ID")),
  });
  await assertRejects(() => fleet.client.sendHeartbeat(5n, never), StatusError, "Invalid node ID");
  assertEquals(fleet.incoming.length, 1);
});

Deno.test("FleetClient tries to leave once", async () => {
  await using fleet = await setUp({
    deactivateNode: () => Promise.reject(new StatusError("UNAVAILABLE", "Stopping.")),
  });
  await assertRejects(() => fleet.client.deactivateNode(5n), StatusError, "Stopping.");
  assertEquals(fleet.incoming.length, 1);
});

Deno.test("FleetClient ends a call that is held when it is stopped", async () => {
  const arrived = Promise.withResolvers<void>();
  await using fleet = await setUp({
    pullMessages(_, { signal }) {
      arrived.resolve();
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve({})));
    },
  });
  const stop = new AbortController();
  const pull = fleet.client.pullMessages(5n, [], stop.signal).catch((reason) => reason);
  await arrived.promise;
  stop.abort("SIGTERM");
  assertEquals(await pull, "SIGTERM");
});
