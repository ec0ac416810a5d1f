import { assertEquals } from "@std/assert";
import { deadline } from "@std/async";
import http2 from "node:http2";
import { Buffer } from "node:buffer";
import { StatusError } from "../status.ts";
import { onStage, PATIENCE_MS } from "../testing/grpc_stage.ts";
import { WINDOW_BYTES } from "./flow_control.ts";

const DEFAULT_WINDOW_BYTES = 65_535;

/** How much a stranger may send ahead on a stream once its first call was answered. */
async function windowAfterCall(admitted: boolean): Promise<number | undefined> {
  let window: number | undefined;
  await onStage({
    admit: (call) => {
      if (admitted) return call;
      throw new StatusError("UNAUTHENTICATED", "no");
    },
    fleet: { registerNode: () => Promise.resolve({ nodeId: 1n }) },
  }, async ({ address }) => {
    const session = http2.connect(`http://${address.host}:${address.port}`);
    try {
      session.on("remoteSettings", (settings) => window = settings.initialWindowSize);
      const { promise, resolve } = Promise.withResolvers<void>();
      const stream = session.request({
        ":method": "POST",
        ":path": "/flwr.proto.Fleet/RegisterNode",
        "content-type": "application/grpc",
      });
      stream.on("close", () => resolve()).resume();
      stream.end(Buffer.alloc(5));
      await deadline(promise, PATIENCE_MS);
    } finally {
      session.destroy();
    }
  });
  return window;
}

Deno.test("GrpcServer lets a peer send more ahead once a call of it was let in", async () => {
  assertEquals(await windowAfterCall(true), WINDOW_BYTES);
});

Deno.test("GrpcServer lets a peer that it refuses send ahead no more than HTTP/2 begins with", async () => {
  assertEquals(await windowAfterCall(false), DEFAULT_WINDOW_BYTES);
});
