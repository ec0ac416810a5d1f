import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import {
  Health,
  HealthCheckResponse_ServingStatus,
} from "../proto/gen/grpc/health/v1/health_pb.ts";
import { type Address, formatAddress } from "./address.ts";
import { GrpcChannel } from "./grpc/client.ts";
import { healthService } from "./grpc/health.ts";
import { GrpcServer } from "./grpc/server.ts";
import { httpHandler } from "./http/handler.ts";
import { HttpServer } from "./http/server.ts";
import { ListenError } from "./listen_error.ts";
import { SharedPort } from "./shared_port.ts";

const FREE: Address = { host: "127.0.0.1", port: 0 };

/** A port for a gRPC health service and an HTTP server. */
async function withSharedPort(
  play: (stage: { address: Address; port: SharedPort }) => Promise<void>,
): Promise<void> {
  const grpc = new GrpcServer({ maxMessageBytes: 1000 });
  grpc.add(healthService(() => true));
  const http = new HttpServer(httpHandler({ bindings: [] }), undefined);
  const port = new SharedPort({ http2: await grpc.listen(FREE), http1: http.listen(FREE) });
  const address = port.listen(FREE);
  try {
    await play({ address, port });
  } finally {
    await Promise.all([grpc, http, port].map((server) => server.drain(0)));
  }
}

async function grpcIsServed(address: Address): Promise<boolean> {
  const channel = new GrpcChannel(address, { insecure: true });
  const { status } = await channel.unary(Health.method.check, { service: "" });
  channel.close();
  return status === HealthCheckResponse_ServingStatus.SERVING;
}

/** Sends bytes in pieces, and gives what comes back until the other end closes. */
async function exchange({ host: hostname, port }: Address, pieces: string[]): Promise<string> {
  using connection = await Deno.connect({ hostname, port });
  for (const piece of pieces) {
    await connection.write(new TextEncoder().encode(piece));
    await delay(5);
  }
  let answer = "";
  const bytes = new Uint8Array(4096);
  for (let size; (size = await connection.read(bytes)) !== null;) {
    answer += new TextDecoder().decode(bytes.subarray(0, size));
  }
  return answer;
}

Deno.test("SharedPort serves gRPC and HTTP at the same time", () =>
  withSharedPort(async ({ address }) => {
    const url = `http://${formatAddress(address)}/health`;
    const [grpc, http] = await Promise.all([
      grpcIsServed(address),
      fetch(url, { headers: { connection: "close" } }),
    ]);
    await http.body?.cancel();
    assertEquals([grpc, http.status], [true, 200]);
  }));

Deno.test("SharedPort waits for enough bytes to tell what is spoken", () =>
  withSharedPort(async ({ address }) => {
    const rest = "ST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    const answer = await exchange(address, ["P", "O", rest]);
    assertEquals(answer.split("\r\n")[0], "HTTP/1.1 405 Method Not Allowed");
  }));

Deno.test("SharedPort closes connections that are open when it is drained", () =>
  withSharedPort(async ({ address, port }) => {
    const open = exchange(address, ["P"]);
    await delay(20);
    await port.drain(0);
    assertEquals(await open.catch(() => ""), "");
    await assertRejects(() => exchange(address, []), Deno.errors.ConnectionRefused);
  }));

Deno.test("SharedPort says when its port is taken", () =>
  withSharedPort(({ address }) => {
    const other = new SharedPort({ http2: FREE, http1: FREE });
    assertThrows(() => other.listen(address), ListenError, "Cannot listen on");
    return Promise.resolve();
  }));
