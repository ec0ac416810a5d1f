import { assertEquals } from "@std/assert";
import { generateCertificates } from "../keys/certificates.ts";
import { inDirectory } from "../keys/testdata/scratch.ts";
import type { ClientSecurity } from "./grpc/client.ts";
import { healthService } from "./grpc/health.ts";
import { GrpcServer } from "./grpc/server.ts";
import { httpHandler } from "./http/handler.ts";
import { HttpServer } from "./http/server.ts";
import { loadServerTls, type ServerTls } from "./tls.ts";
import { offeredTransport, type Transport } from "./transport.ts";

const ANYWHERE = { host: "127.0.0.1", port: 0 };
const INSECURE = { insecure: true } as const;

async function offeredByGrpc(security: ClientSecurity, tls?: ServerTls) {
  const server = new GrpcServer({ maxMessageBytes: 1024, tls });
  server.add(healthService(() => true));
  const address = await server.listen(ANYWHERE);
  const offered = await offeredTransport(address, security);
  await server.drain(1_000);
  return offered;
}

async function offeredByHttp(
  security: ClientSecurity,
  tls?: ServerTls,
  answer = httpHandler({ bindings: [] }),
) {
  const server = new HttpServer(answer, tls);
  const offered = await offeredTransport(server.listen(ANYWHERE), security);
  await server.drain(1_000);
  return offered;
}

Deno.test("offeredTransport tells gRPC from HTTP in plain text", async () => {
  assertEquals(await offeredByGrpc(INSECURE), "grpc");
  assertEquals(await offeredByHttp(INSECURE), "http");
});

Deno.test("offeredTransport tells gRPC from HTTP over TLS that it trusts, and nothing otherwise", async () => {
  await inDirectory(async (folder) => {
    const own = await generateCertificates(`${folder}/own`, { hosts: ["127.0.0.1"] });
    const { tls } = await loadServerTls({
      certificateFile: own.serverCertificatePath,
      keyFile: own.serverKeyPath,
      caFile: own.caCertificatePath,
    });
    const trusted = { insecure: false, rootCertificatesPem: tls.caPem } as const;
    assertEquals(await offeredByGrpc(trusted, tls), "grpc");
    assertEquals(await offeredByHttp(trusted, tls), "http");
    assertEquals(await offeredByHttp(INSECURE, tls), undefined);
    assertEquals(await offeredByHttp(trusted), undefined);
  });
});

Deno.test("offeredTransport judges what answers in HTTP/1.1 only by its status", async (t) => {
  const table: [status: number, offered: Transport | undefined][] = [
    [204, "http"],
    [404, "http"],
    [502, undefined],
    [503, undefined],
  ];
  for (const [status, offered] of table) {
    await t.step(`${status}`, async () => {
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const serving = (async () => {
        for await (const connection of listener) {
          await connection.read(new Uint8Array(1024));
          await connection.write(new TextEncoder().encode(`HTTP/1.1 ${status} Words\r\n\r\n`));
          connection.close();
        }
      })();
      const { port } = listener.addr;
      assertEquals(await offeredTransport({ host: "127.0.0.1", port }, INSECURE), offered);
      listener.close();
      await serving;
    });
  }
});

Deno.test("offeredTransport says nothing of a port where nothing listens or nothing is said", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  assertEquals(await offeredTransport({ host: "127.0.0.1", port }, INSECURE, 100), undefined);
  listener.close();
  assertEquals(await offeredTransport({ host: "127.0.0.1", port }, INSECURE, 100), undefined);
});
