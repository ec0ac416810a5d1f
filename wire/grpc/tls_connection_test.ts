import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import * as net from "node:net";
import { delay } from "@std/async";
import { generateCertificates } from "../../keys/certificates.ts";
import { inDirectory } from "../../keys/testdata/scratch.ts";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import type { Address } from "../address.ts";
import { defineService } from "../service.ts";
import { StatusError } from "../status.ts";
import { loadServerTls } from "../tls.ts";
import { tlsCredentials } from "./channel_credentials.ts";
import { type ClientSecurity, GrpcChannel } from "./client.ts";
import { GrpcServer } from "./server.ts";

interface Stage {
  readonly address: Address;
  readonly caPem: string;
  readonly otherCaPem: string;
}

/** Serves with a certificate for these hosts, or without TLS for none. */
async function withServer(hosts: string[], play: (stage: Stage) => Promise<void>): Promise<void> {
  await inDirectory(async (folder) => {
    const own = await generateCertificates(`${folder}/own`, hosts.length > 0 ? { hosts } : {});
    const other = await generateCertificates(`${folder}/other`);
    const { tls } = await loadServerTls({
      certificateFile: own.serverCertificatePath,
      keyFile: own.serverKeyPath,
      caFile: own.caCertificatePath,
    });
    const server = new GrpcServer({
      maxMessageBytes: 1024,
      ...(hosts.length > 0 ? { tls } : {}),
    });
    server.add(defineService(Fleet, () => undefined, { pullMessages: () => Promise.resolve({}) }));
    const address = await server.listen({ host: "127.0.0.1", port: 0 });
    try {
      const otherCaPem = await Deno.readTextFile(other.caCertificatePath);
      await play({ address, caPem: tls.caPem, otherCaPem });
    } finally {
      await server.drain(5_000);
    }
  });
}

async function connects(address: Address, security: ClientSecurity): Promise<boolean> {
  const channel = new GrpcChannel(address, security);
  try {
    await channel.unary(Fleet.method.pullMessages, {}, { timeoutMs: 10_000 });
    return true;
  } finally {
    channel.close();
  }
}

/** Makes a TLS connection as a channel does, and gives why it was not made. */
async function refusalOf({ host, port }: Address, caPem?: string): Promise<string> {
  const credentials = tlsCredentials(host, caPem);
  const connector = credentials._createSecureConnector({ path: `${host}:${port}` }, {});
  const socket = net.connect(port, "127.0.0.1");
  try {
    await connector.connect(socket);
  } catch (error) {
    return String(error);
  } finally {
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.destroy();
    await closed;
  }
  throw new Error("The connection was made.");
}

const trusting = (rootCertificatesPem?: string) =>
  ({ insecure: false, rootCertificatesPem }) as const;

Deno.test("GrpcChannel connects with TLS to a name and to an IP address", () =>
  withServer(["localhost", "127.0.0.1"], async ({ address: { port }, caPem, otherCaPem }) => {
    for (const host of ["127.0.0.1", "localhost"]) {
      assert(await connects({ host, port }, trusting(caPem)), host);
      assert(await connects({ host, port }, trusting(otherCaPem + caPem)), "one CA of two");
    }
  }));

Deno.test("GrpcChannel refuses a server that it has no reason to trust, and says why", async () => {
  await withServer(["localhost"], async ({ address: { port }, caPem, otherCaPem }) => {
    const [name, ip] = [{ host: "localhost", port }, { host: "127.0.0.1", port }];
    for (const roots of [otherCaPem, undefined]) {
      assertMatch(await refusalOf(name, roots), /unable to verify|self-signed/);
    }
    assertMatch(await refusalOf(ip, caPem), /not in the cert|NotValidForName/);
    assert(await connects(name, trusting(caPem)), "the server is well");
  });
  await withServer([], async ({ address, caPem }) => {
    assertMatch(await refusalOf(address, caPem), /Error/);
  });
});

/**
 * grpc-js tries a connection that failed again after a second, and a last time 1.6 s later; both
 * pauses may be a fifth longer. Its timers are then gone, too.
 */
const BACKOFFS_MS = 3_300;

Deno.test("GrpcChannel connects no more once it is closed", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  taken.close();
  const channel = new GrpcChannel({ host: "127.0.0.1", port }, { insecure: true });
  const call = channel.unary(Fleet.method.pullMessages, {});
  assertEquals((await assertRejects(() => call, StatusError)).status, "UNAVAILABLE");
  channel.close();
  const listener = Deno.listen({ hostname: "127.0.0.1", port });
  let connections = 0;
  const accepting = (async () => {
    for await (const connection of listener) {
      connections++;
      connection.close();
    }
  })();
  await delay(BACKOFFS_MS);
  listener.close();
  await accepting;
  assertEquals(connections, 0);
});

Deno.test("GrpcServer does not speak HTTP/1 over TLS", () =>
  withServer(["localhost"], async ({ address: { port }, caPem }) => {
    const client = Deno.createHttpClient({ caCerts: [caPem], http2: false });
    try {
      await assertRejects(() => fetch(`https://localhost:${port}/`, { client }));
    } finally {
      client.close();
    }
  }));
