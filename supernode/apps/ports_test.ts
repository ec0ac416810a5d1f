import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { generateCertificates } from "../../keys/certificates.ts";
import { inDirectory } from "../../keys/testdata/scratch.ts";
import { ClientAppIo } from "../../proto/gen/flwr/proto/clientappio_pb.ts";
import { Runtime } from "../../proto/gen/flwr1_41/proto/runtime_pb.ts";
import { LogLines } from "../../superlink/testing/log_lines.ts";
import type { Address } from "../../wire/address.ts";
import { type ClientSecurity, GrpcChannel } from "../../wire/grpc/client.ts";
import { HttpChannel } from "../../wire/http/client.ts";
import { defineService } from "../../wire/service.ts";
import { loadServerTls, type ServerTls } from "../../wire/tls.ts";
import { ClientAppPorts } from "./ports.ts";

const FREE: Address = { host: "127.0.0.1", port: 0 };
const INSECURE: ClientSecurity = { insecure: true };

interface Options {
  readonly grpc?: Address;
  readonly http?: Address;
  readonly tls?: ServerTls;
  readonly guarded?: boolean;
}

function makePorts({ grpc = FREE, http = FREE, tls, guarded = false }: Options) {
  const logged = new LogLines();
  const ports = new ClientAppPorts({
    services: {
      grpc: [defineService(ClientAppIo, () => undefined, {
        requestToken: () => Promise.resolve({ token: "of ClientAppIo" }),
      })],
      http: defineService(Runtime, () => undefined, {
        claimTask: () => Promise.resolve({ token: "of Runtime" }),
      }),
    },
    clientAppAddress: grpc,
    runtimeAddress: http,
    tls,
    maxMessageBytes: 1_000,
    guarded,
    startsApps: false,
    log: logged.log,
  });
  return { ports, logged };
}

async function overGrpc(address: Address, security = INSECURE): Promise<string> {
  const channel = new GrpcChannel(address, security);
  try {
    return (await channel.unary(ClientAppIo.method.requestToken, {})).token;
  } finally {
    channel.close();
  }
}

async function overHttp(address: Address, security = INSECURE): Promise<string> {
  const channel = new HttpChannel(address, security);
  try {
    return (await channel.unary(Runtime.method.claimTask, {})).token;
  } finally {
    channel.close();
  }
}

function freeAddress(): Address {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return { host: "127.0.0.1", port: listener.addr.port };
}

async function withTls(play: (tls: ServerTls, security: ClientSecurity) => Promise<void>) {
  await inDirectory(async (folder) => {
    const paths = await generateCertificates(folder);
    const { tls } = await loadServerTls({
      certificateFile: paths.serverCertificatePath,
      keyFile: paths.serverKeyPath,
      caFile: paths.caCertificatePath,
    });
    await play(tls, { insecure: false, rootCertificatesPem: tls.caPem });
  });
}

Deno.test("ClientAppPorts serves both APIs on ports of their own", async () => {
  const { ports, logged } = makePorts({});
  const { apiAddress, runtimeAddress } = await ports.open();
  assertEquals(await overGrpc(apiAddress), "of ClientAppIo");
  assertEquals(await overHttp(runtimeAddress), "of Runtime");
  assertEquals(logged.lines.map(({ event }) => event), [
    "supernode.clientappio",
    "supernode.runtime",
  ]);
  await ports.drain(1_000);
});

Deno.test("ClientAppPorts serves both APIs on one port, and closes it", async () => {
  const address = freeAddress();
  const { ports } = makePorts({ grpc: address, http: address });
  assertEquals(await ports.open(), { apiAddress: address, runtimeAddress: address });
  assertEquals(await overGrpc(address), "of ClientAppIo");
  assertEquals(await overHttp(address), "of Runtime");
  await ports.drain(1_000);
  await assertRejects(() => overHttp(address), Error, "");
});

Deno.test("ClientAppPorts serves both APIs with TLS on ports of their own", () =>
  withTls(async (tls, security) => {
    const { ports } = makePorts({ tls });
    const { apiAddress, runtimeAddress } = await ports.open();
    assertEquals(await overGrpc(apiAddress, security), "of ClientAppIo");
    assertEquals(await overHttp(runtimeAddress, security), "of Runtime");
    await ports.drain(1_000);
  }));

Deno.test("ClientAppPorts serves the newer API alone with TLS on one port, and says so", () =>
  withTls(async (tls, security) => {
    const address = freeAddress();
    const { ports, logged } = makePorts({ grpc: address, http: address, tls });
    const { runtimeAddress } = await ports.open();
    assertEquals(await overHttp(runtimeAddress, security), "of Runtime");
    const [{ message = "" } = {}] = logged.of("supernode.no_clientappio");
    assertStringIncludes(String(message), "--clientappio-api-address");
    await ports.drain(1_000);
  }));

Deno.test("ClientAppPorts warns of an API that others can reach, unless it is guarded", () =>
  withTls(async (tls) => {
    const everywhere = { host: "0.0.0.0", port: 0 };
    const table: [options: Options, warnings: number][] = [
      [{ http: everywhere }, 1],
      [{ grpc: everywhere, http: everywhere, tls }, 2],
      [{ http: everywhere, guarded: true }, 1],
      [{ grpc: everywhere, http: everywhere, tls, guarded: true }, 0],
    ];
    for (const [options, warnings] of table) {
      const { ports, logged } = makePorts(options);
      await ports.open();
      assertEquals(logged.of("supernode.clientappio_open").length, warnings);
      await ports.drain(1_000);
    }
  }));
