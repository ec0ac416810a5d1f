import { assertEquals, assertStringIncludes } from "@std/assert";
import { generateCertificates } from "../keys/certificates.ts";
import type { Address } from "./address.ts";
import { type ConnectionProblem, diagnoseConnection } from "./diagnose.ts";
import { GrpcServer } from "./grpc/server.ts";
import { loadServerTls, type ServerTls } from "./tls.ts";

const HOST = "127.0.0.1";
const INSECURE = { insecure: true } as const;

interface Certificates {
  readonly tls: ServerTls;
  readonly caPem: string;
  readonly otherCaPem: string;
}

async function certificates(): Promise<Certificates> {
  const directory = await Deno.makeTempDir();
  try {
    const server = await generateCertificates(`${directory}/a`, { hosts: ["localhost", HOST] });
    const other = await generateCertificates(`${directory}/b`);
    const { tls } = await loadServerTls({
      certificateFile: server.serverCertificatePath,
      keyFile: server.serverKeyPath,
      caFile: server.caCertificatePath,
    });
    const otherCaPem = await Deno.readTextFile(other.caCertificatePath);
    return { tls, caPem: tls.caPem, otherCaPem };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function withGrpcServer(
  tls: ServerTls | undefined,
  test: (address: Address) => Promise<void>,
): Promise<void> {
  const server = new GrpcServer({ tls, maxMessageBytes: 1024 });
  try {
    await test(await server.listen({ host: HOST, port: 0 }));
  } finally {
    await server.drain(1000);
  }
}

/** A TCP server that sends `greeting` to everybody, and then nothing, or closes at once. */
async function withTcpServer(
  greeting: string | "close" | undefined,
  test: (address: Address) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ hostname: HOST, port: 0 });
  const open = new Set<Deno.Conn>();
  const serving = (async () => {
    for await (const connection of listener) {
      if (greeting === "close") {
        connection.close();
        continue;
      }
      open.add(connection);
      if (greeting !== undefined) {
        await connection.write(new TextEncoder().encode(greeting)).catch(() => {});
      }
    }
  })();
  try {
    await test({ host: HOST, port: listener.addr.port });
  } finally {
    listener.close();
    for (const connection of open) connection.close();
    await serving;
  }
}

function assertProblem(
  problem: ConnectionProblem | undefined,
  kind: ConnectionProblem["kind"],
  words: string,
): void {
  assertEquals(problem?.kind, kind);
  assertStringIncludes(problem?.sentence ?? "", words);
}

Deno.test("diagnoseConnection finds nothing wrong with a server that fits", async () => {
  const { tls, caPem } = await certificates();
  await withGrpcServer(undefined, async (address) => {
    assertEquals(await diagnoseConnection(address, INSECURE), undefined);
  });
  await withGrpcServer(tls, async (address) => {
    const security = { insecure: false, rootCertificatesPem: caPem } as const;
    assertEquals(await diagnoseConnection(address, security), undefined);
    const byName = { ...address, host: "localhost" };
    assertEquals(await diagnoseConnection(byName, security), undefined);
  });
});

Deno.test("diagnoseConnection tells TLS to plaintext from plaintext to TLS", async () => {
  const { tls, caPem } = await certificates();
  await withGrpcServer(undefined, async (address) => {
    const problem = await diagnoseConnection(address, {
      insecure: false,
      rootCertificatesPem: caPem,
    });
    assertProblem(problem, "server-without-tls", "does not use TLS");
  });
  await withGrpcServer(tls, async (address) => {
    assertProblem(await diagnoseConnection(address, INSECURE), "server-with-tls", "expects TLS");
  });
});

Deno.test("diagnoseConnection says what a careful client has against a certificate", async () => {
  const { tls, caPem, otherCaPem } = await certificates();
  await withGrpcServer(tls, async (address) => {
    const trusting = (pem?: string) => ({ insecure: false, rootCertificatesPem: pem }) as const;
    assertProblem(
      await diagnoseConnection(address, trusting(otherCaPem)),
      "untrusted-certificate",
      "not issued by the given root certificates",
    );
    assertProblem(
      await diagnoseConnection(address, trusting()),
      "untrusted-certificate",
      "root certificates of this system",
    );
    assertProblem(
      await diagnoseConnection(address, trusting(caPem), { now: new Date("2199-01-01") }),
      "certificate-not-valid-now",
      "valid from",
    );
  });
  const { tls: namedElsewhere, caPem: elsewhereCa } = await certificatesFor("elsewhere.example");
  await withGrpcServer(namedElsewhere, async (address) => {
    assertProblem(
      await diagnoseConnection(address, { insecure: false, rootCertificatesPem: elsewhereCa }),
      "wrong-name",
      'does not name "127.0.0.1"; it names: DNS:elsewhere.example',
    );
  });
});

Deno.test("diagnoseConnection says that nothing listens, or that a name is unknown", async () => {
  const listener = Deno.listen({ hostname: HOST, port: 0 });
  const { port } = listener.addr;
  listener.close();
  assertProblem(
    await diagnoseConnection({ host: HOST, port }, INSECURE),
    "refused",
    `Nothing listens on ${HOST}:${port}`,
  );
  assertProblem(
    await diagnoseConnection({ host: "no-such-host.invalid", port }, INSECURE),
    "unknown-name",
    "cannot be found",
  );
});

Deno.test("diagnoseConnection recognises what is no gRPC server, in bounded time", async () => {
  const cases = ["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.6\r\n", "close"] as const;
  for (const greeting of cases) {
    await withTcpServer(greeting, async (address) => {
      for (const security of [INSECURE, { insecure: false } as const]) {
        const problem = await diagnoseConnection(address, security, { timeoutMs: 200 });
        assertProblem(problem, "wrong-protocol", "is not a gRPC server");
      }
    });
  }
});

Deno.test("diagnoseConnection finds nothing wrong with HTTP/1.1 for whoever can speak it", async () => {
  await withTcpServer("HTTP/1.1 400 Bad Request\r\n\r\n", async (address) => {
    for (const transport of ["http", "auto"] as const) {
      assertEquals(await diagnoseConnection(address, INSECURE, { transport }), undefined);
      const overTls = { insecure: false } as const;
      const options = { transport, timeoutMs: 200 };
      const problem = await diagnoseConnection(address, overTls, options);
      assertProblem(problem, "server-without-tls", "does not use TLS");
    }
  });
});

Deno.test("diagnoseConnection tells gRPC from HTTP for whoever speaks only the latter", async () => {
  await withGrpcServer(undefined, async (address) => {
    const problem = await diagnoseConnection(address, INSECURE, { transport: "http" });
    assertProblem(problem, "wrong-protocol", "is not an HTTP server");
    assertEquals(await diagnoseConnection(address, INSECURE, { transport: "auto" }), undefined);
  });
  await withTcpServer("close", async (address) => {
    const problem = await diagnoseConnection(address, INSECURE, { transport: "auto" });
    assertProblem(problem, "wrong-protocol", "neither a gRPC nor an HTTP server");
  });
});

Deno.test("diagnoseConnection says that a server is stuck", async () => {
  await withTcpServer(undefined, async (address) => {
    for (const security of [INSECURE, { insecure: false } as const]) {
      const problem = await diagnoseConnection(address, security, { timeoutMs: 200 });
      assertProblem(problem, "silent", "takes connections but says nothing");
    }
  });
});

async function certificatesFor(host: string): Promise<Pick<Certificates, "tls" | "caPem">> {
  const directory = await Deno.makeTempDir();
  try {
    const files = await generateCertificates(directory, { hosts: [host] });
    const { tls } = await loadServerTls({
      certificateFile: files.serverCertificatePath,
      keyFile: files.serverKeyPath,
      caFile: files.caCertificatePath,
    });
    return { tls, caPem: tls.caPem };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
