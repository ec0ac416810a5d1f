import { assertEquals, assertRejects } from "@std/assert";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { StatusError } from "../../wire/status.ts";
import type { Transport, TransportChoice } from "../../wire/transport.ts";
import type { Channel } from "./fleet_connection.ts";
import { FleetTransport } from "./transport_channel.ts";

function setUp(choice: TransportChoice, offered: (Transport | undefined)[]) {
  const seen: string[] = [];
  const transport = new FleetTransport({
    choice,
    look() {
      seen.push("look");
      return Promise.resolve(offered.shift());
    },
    open(transport) {
      seen.push(`open ${transport}`);
      const channel: Channel = {
        connected: true,
        connections: 1,
        unary: (method) => Promise.resolve({ $typeName: method.output.typeName } as never),
        close: () => void seen.push("close"),
      };
      return Promise.resolve(channel);
    },
    decided: (transport) => void seen.push(`decided ${transport}`),
  });
  return { transport, seen };
}

const call = (channel: Channel) => channel.unary(Fleet.method.registerNode, {});

Deno.test("FleetTransport looks at the first call, and remembers for later channels", async () => {
  const { transport, seen } = setUp("auto", ["http"]);
  const first = transport.channel();
  assertEquals([seen.length, transport.choice, first.connected, first.connections], [
    0,
    "auto",
    false,
    0,
  ]);
  await Promise.all([call(first), call(first)]);
  assertEquals([first.connected, first.connections], [true, 1]);
  await call(transport.channel());
  assertEquals(seen, ["look", "decided http", "open http", "open http"]);
  assertEquals(transport.choice, "http");
});

Deno.test("FleetTransport looks again at the next try when nothing could be told", async () => {
  const { transport, seen } = setUp("auto", [undefined, "grpc"]);
  const error = await assertRejects(() => call(transport.channel()), StatusError);
  assertEquals([error.status, transport.choice], ["UNAVAILABLE", "auto"]);
  await call(transport.channel());
  assertEquals(seen, ["look", "look", "decided grpc", "open grpc"]);
});

Deno.test("FleetTransport does not look where the operator has said it", async () => {
  const { transport, seen } = setUp("http", []);
  await call(transport.channel());
  assertEquals(seen, ["open http"]);
});

Deno.test("A channel that is closed while it looks makes no call", async () => {
  const { transport, seen } = setUp("auto", ["http"]);
  const channel = transport.channel();
  const late = assertRejects(() => call(channel), StatusError);
  channel.close();
  assertEquals((await late).status, "CANCELLED");
  assertEquals(seen, ["look", "decided http", "open http", "close"]);
});
