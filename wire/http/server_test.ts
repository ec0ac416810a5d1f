import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { deadline } from "@std/async";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import type { Address } from "../address.ts";
import { ListenError } from "../listen_error.ts";
import { type Call, defineService, type IncomingCall, type Methods } from "../service.ts";
import { flowerError } from "../flower_error.ts";
import { httpHandler } from "./handler.ts";
import { HttpServer } from "./server.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };
const PATIENCE_MS = 20_000;
const MIB = 1024 ** 2;
const HEARTBEAT = "/v1/fleet/send-node-heartbeat";
const PULL = "/v1/fleet/pull-messages";

/** Serves some methods, and plays with them. */
async function onStage(
  methods: Methods<typeof Fleet, IncomingCall>,
  play: (address: Address, server: HttpServer) => Promise<void>,
  admit: (call: IncomingCall) => IncomingCall = (call) => call,
) {
  const service = defineService(Fleet, admit, methods);
  const handler = httpHandler({ bindings: [{ service, maxMessageBytes: MIB }] });
  const server = new HttpServer(handler, undefined);
  try {
    await play(server.listen(LOOPBACK), server);
  } finally {
    await server.drain(PATIENCE_MS);
  }
}

/** A request as it is on the wire. */
function requestLines(path: string, contentLength: number): Uint8Array {
  return new TextEncoder().encode(
    `POST ${path} HTTP/1.1\r\nhost: superlink\r\ncontent-type: application/protobuf\r\n` +
      `content-length: ${contentLength}\r\n\r\n`,
  );
}

async function connect({ host, port }: Address): Promise<Deno.TcpConn> {
  return await Deno.connect({ hostname: host, port });
}

async function send(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  let sent = 0;
  while (sent < bytes.length) sent += await connection.write(bytes.subarray(sent));
}

/** The status line of the next answer. */
async function statusLine(connection: Deno.Conn): Promise<string | undefined> {
  const buffer = new Uint8Array(4096);
  const count = await connection.read(buffer) ?? 0;
  return new TextDecoder().decode(buffer.subarray(0, count)).split("\r\n")[0];
}

for (const host of ["[", "a b", "user@x:y", "x:99999999"]) {
  Deno.test(`HttpServer answers a request to the host "${host}" with 400, and says nothing of it`, async () => {
    const said: unknown[][] = [];
    const { error } = console;
    console.error = (...words) => said.push(words);
    try {
      await onStage({}, async (address) => {
        using connection = await connect(address);
        await send(
          connection,
          new TextEncoder().encode(`POST ${PULL} HTTP/1.1\r\nhost: ${host}\r\n\r\n`),
        );
        assertEquals(await statusLine(connection), "HTTP/1.1 400 Bad Request");
      });
    } finally {
      console.error = error;
    }
    assertEquals(said, []);
  });
}

/** Holds calls until their peers are gone; `held` and `freed` tell. */
function holding() {
  const held = Promise.withResolvers<IncomingCall>();
  const freed = Promise.withResolvers<void>();
  const methods: Methods<typeof Fleet, IncomingCall> = {
    async pullMessages(_, { caller, signal }: Call<IncomingCall>) {
      held.resolve(caller);
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      freed.resolve();
      return {};
    },
    sendNodeHeartbeat: () => Promise.resolve({ success: true }),
  };
  return { methods, held: held.promise, freed: freed.promise };
}

Deno.test("HttpServer frees what a peer holds that closes its connection", async () => {
  const { methods, held, freed } = holding();
  await onStage(methods, async (address) => {
    const connection = await connect(address);
    const { hostname, port } = connection.localAddr;
    await send(connection, requestLines(PULL, 0));
    assertEquals((await held).peer, `${hostname}:${port}`);
    connection.close();
    await deadline(freed, PATIENCE_MS);
  });
});

Deno.test("HttpServer answers several requests on one connection", async () => {
  await onStage(holding().methods, async (address) => {
    using connection = await connect(address);
    for (let round = 0; round < 3; round++) {
      await send(connection, requestLines(HEARTBEAT, 0));
      assertEquals(await statusLine(connection), "HTTP/1.1 200 OK");
    }
  });
});

Deno.test("HttpServer keeps nothing of what a refused peer goes on to send", async () => {
  const refuse = () => {
    throw flowerError("nodeNotAuthenticated");
  };
  await onStage({}, async (address) => {
    using connection = await connect(address);
    await send(connection, requestLines(HEARTBEAT, MIB));
    assertEquals(await statusLine(connection), "HTTP/1.1 401 Unauthorized");
    const before = Deno.memoryUsage().rss;
    // What nobody reads is taken and dropped, or not taken at all.
    await send(connection, new Uint8Array(MIB)).catch(() => {});
    assert(Deno.memoryUsage().rss - before < 32 * MIB);
  }, refuse);
});

Deno.test("HttpServer refuses a body by the length that it announces, before it comes", async () => {
  await onStage(holding().methods, async (address) => {
    using connection = await connect(address);
    await send(connection, requestLines(HEARTBEAT, MIB + 1));
    assertEquals(await statusLine(connection), "HTTP/1.1 413 Payload Too Large");
  });
});

Deno.test("HttpServer.drain() lets calls under way finish", async () => {
  const { promise: release, resolve } = Promise.withResolvers<void>();
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  await onStage({
    async sendNodeHeartbeat() {
      start();
      await release;
      return { success: true };
    },
  }, async (address, server) => {
    using connection = await connect(address);
    await send(connection, requestLines(HEARTBEAT, 0));
    await started;
    const drained = server.drain(PATIENCE_MS);
    resolve();
    assertEquals(await statusLine(connection), "HTTP/1.1 200 OK");
    await drained;
    await assertRejects(() => connect(address), Deno.errors.ConnectionRefused);
  });
});

Deno.test("HttpServer.drain() cuts off the calls that do not finish", async () => {
  const { methods, held, freed } = holding();
  await onStage(methods, async (address, server) => {
    using connection = await connect(address);
    await send(connection, requestLines(PULL, 0));
    await held;
    await deadline(server.drain(0), PATIENCE_MS);
    await deadline(freed, PATIENCE_MS);
  });
});

Deno.test("HttpServer.listen() says where it cannot listen", async () => {
  await onStage({}, (address) => {
    const other = new HttpServer(() => Promise.resolve(new Response()), undefined);
    assertThrows(
      () => other.listen(address),
      ListenError,
      `127.0.0.1:${address.port}: the port is taken.`,
    );
    assertThrows(
      () => other.listen({ host: "192.0.2.1", port: 0 }),
      ListenError,
      "does not have that address",
    );
    return Promise.resolve();
  });
});
