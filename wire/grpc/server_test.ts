import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { Control } from "../../proto/gen/flwr/proto/control_pb.ts";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import type { Connection } from "../connection.ts";
import { ListenError } from "../listen_error.ts";
import type { IncomingCall } from "../service.ts";
import { STATUS_NUMBERS, StatusError, type StatusName } from "../status.ts";
import { MAX_MESSAGE_BYTES, onStage, refusal } from "../testing/grpc_stage.ts";
import { RawConnection } from "../testing/raw_connection.ts";
import { GrpcServer } from "./server.ts";

Deno.test("GrpcServer answers with what the method gives", () =>
  onStage({
    fleet: {
      registerNode: ({ publicKey }) => Promise.resolve({ nodeId: BigInt(publicKey.length) << 60n }),
    },
  }, async ({ channel }) => {
    const publicKey = new Uint8Array(15);
    const { nodeId } = await channel.unary(Fleet.method.registerNode, { publicKey });
    assertEquals(nodeId, 15n << 60n);
  }));

const SIZES: [requestBytes: number, answerBytes: number, status: StatusName | "OK"][] = [
  [60 * 1024, 60 * 1024, "OK"],
  [65 * 1024, 0, "RESOURCE_EXHAUSTED"],
  [8 * 1024 * 1024, 0, "RESOURCE_EXHAUSTED"],
  [0, 65 * 1024, "RESOURCE_EXHAUSTED"],
];

for (const [requestBytes, answerBytes, status] of SIZES) {
  const name = `a request of ${requestBytes} bytes that is answered with ${answerBytes} bytes`;
  Deno.test(`GrpcServer with a limit of 65,536 bytes ends ${name} as ${status}`, () => {
    let called = false;
    return onStage({
      fleet: {
        pullObject: () => Promise.resolve({ objectContent: new Uint8Array(answerBytes) }),
        pushObject() {
          called = true;
          return Promise.resolve({ stored: true });
        },
      },
    }, async ({ channel }) => {
      const { method } = Fleet;
      const calls = requestBytes > 0
        ? [() => channel.unary(method.pushObject, { objectContent: new Uint8Array(requestBytes) })]
        : [];
      if (answerBytes > 0) calls.push(() => channel.unary(method.pullObject, {}) as never);
      for (const call of calls) {
        if (status === "OK") await call();
        else assertEquals((await refusal(call()))[0], status);
      }
      assertEquals(called, requestBytes > 0 && status === "OK");
    });
  });
}

const BODIES: [name: string, send: (raw: ReturnType<RawConnection["call"]>) => void][] = [
  ["that is no protobuf", (raw) => raw.sendBytes(new Uint8Array([0xff, 0xff, 0xff]))],
  ["with a truncated field", (raw) => raw.sendBytes(new Uint8Array([0x0a, 0x05, 0x08]))],
  ["with a field of another type", (raw) => raw.sendBytes(new Uint8Array([0x0b]))],
];

for (const [name, send] of BODIES) {
  Deno.test(`GrpcServer answers a body ${name} with INVALID_ARGUMENT`, () =>
    onStage({ fleet: { pullMessages: () => Promise.resolve({}) } }, async ({ address }) => {
      await using connection = await RawConnection.open(address);
      const raw = connection.call(Fleet.method.pullMessages, {});
      send(raw);
      const expected = ["INVALID_ARGUMENT", "The request is not a PullMessagesRequest."];
      assertEquals(await raw.outcome, expected as [StatusName, string]);
    }));
}

Deno.test("GrpcServer refuses a call that ends without a body", () =>
  onStage({ fleet: { pullMessages: () => Promise.resolve({}) } }, async ({ address }) => {
    await using connection = await RawConnection.open(address);
    const raw = connection.call(Fleet.method.pullMessages, {});
    raw.end();
    assertEquals((await raw.outcome)[0], "UNIMPLEMENTED");
  }));

Deno.test("GrpcServer answers what it does not have with UNIMPLEMENTED", () =>
  onStage({}, async ({ address, channel }) => {
    const absent = channel.unary(Fleet.method.getRun, {});
    assertEquals(await refusal(absent), [
      "UNIMPLEMENTED",
      "GetRun is not available on this server.",
    ]);
    await using connection = await RawConnection.open(address);
    for (
      const path of ["/flwr.proto.Fleet/CreateNode", "/flwr.proto.GrpcAdapter/SendReceive", "/"]
    ) {
      const raw = connection.call(path, {});
      raw.sendBytes(new Uint8Array());
      assertEquals((await raw.outcome)[0], "UNIMPLEMENTED", path);
    }
  }));

Deno.test("GrpcServer refuses a call on its headers, without a body and without calling the method", () => {
  let called = false;
  return onStage({
    admit() {
      throw new StatusError("UNAUTHENTICATED", "Who are you?");
    },
    fleet: {
      pullMessages() {
        called = true;
        return Promise.resolve({});
      },
    },
  }, async ({ address, channel }) => {
    await using connection = await RawConnection.open(address);
    const raw = connection.call(Fleet.method.pullMessages, {});
    assertEquals(await raw.outcome, ["UNAUTHENTICATED", "Who are you?"]);
    const large = { objectContent: new Uint8Array(8 * 1024 * 1024) };
    const call = channel.unary(Fleet.method.pushObject, large);
    assertEquals(await refusal(call), ["UNAUTHENTICATED", "Who are you?"]);
    assertEquals((await refusal(channel.unary(Fleet.method.getRun, {})))[0], "UNAUTHENTICATED");
    assertEquals(called, false);
  });
});

Deno.test("GrpcServer sends every status with its text, whatever characters that has", () =>
  onStage({
    fleet: {
      getFab({ hashStr }) {
        const [status, text] = hashStr.split("|");
        throw new StatusError(status as StatusName, text ?? "");
      },
    },
  }, async ({ channel }) => {
    for (const status of Object.keys(STATUS_NUMBERS) as StatusName[]) {
      if (status === "OK") continue;
      for (const text of ["plain", '100 % of a "Käse" 🧀\nand more', ""]) {
        const call = channel.unary(Fleet.method.getFab, { hashStr: `${status}|${text}` });
        assertEquals(await refusal(call), [status, text]);
      }
    }
  }));

Deno.test("GrpcServer tells the operator of an error that is no refusal, and not the peer", () => {
  const told: [string, unknown][] = [];
  const secret = new Error("the database is at /home/me");
  return onStage({
    onInternalError: (method, error) => told.push([method, error]),
    fleet: { pullMessages: () => Promise.reject(secret) },
    control: {
      async *streamLogs() {
        yield { logOutput: "one" };
        await Promise.reject(secret);
      },
    },
  }, async ({ channel }) => {
    const call = channel.unary(Fleet.method.pullMessages, {});
    assertEquals(await refusal(call), ["INTERNAL", "Internal server error."]);
    const stream = Array.fromAsync(channel.serverStream(Control.method.streamLogs, {}));
    assertEquals(await refusal(stream), ["INTERNAL", "Internal server error."]);
    assertEquals(told, [
      ["/flwr.proto.Fleet/PullMessages", secret],
      ["/flwr.proto.Control/StreamLogs", secret],
    ]);
  });
});

Deno.test("GrpcServer gives a method its headers, a repeated one as none", () => {
  const seen: IncomingCall[] = [];
  return onStage({
    admit(call) {
      seen.push(call);
      return call;
    },
    fleet: { pullMessages: () => Promise.resolve({}) },
  }, async ({ address }) => {
    await using connection = await RawConnection.open(address);
    const raw = connection.call(Fleet.method.pullMessages, {
      plain: "text",
      "once-bin": "AP8",
      "padded-bin": "AP8=",
      "twice-bin": ["AP8", "AP8"],
      "joined-bin": "AP8,AP8",
      "empty-bin": "",
    });
    raw.sendBytes(new Uint8Array());
    assertEquals((await raw.outcome)[0], "OK");
    const [call] = seen;
    assert(call !== undefined);
    assertEquals(call.method, "PullMessages");
    const { headers } = call;
    assertEquals([headers.text("plain"), headers.text("absent")], ["text", undefined]);
    assertEquals(headers.bytes("once"), new Uint8Array([0, 255]));
    assertEquals(headers.bytes("padded"), new Uint8Array([0, 255]));
    assertEquals(headers.bytes("empty"), new Uint8Array());
    for (const name of ["twice", "joined", "absent", "plain"]) {
      assertEquals(headers.bytes(name), undefined, name);
    }
    assertEquals(headers.text("once"), undefined);
  });
});

Deno.test("GrpcServer knows which calls came on one connection", () => {
  const connections: Connection[] = [];
  return onStage({
    fleet: {
      pullMessages(_, { caller }) {
        connections.push(caller.connection!);
        return Promise.resolve({});
      },
    },
  }, async ({ channel, connect }) => {
    for (const which of [channel, channel, connect()]) {
      await which.unary(Fleet.method.pullMessages, {});
    }
    const [first, second, other] = connections;
    assertStrictEquals(first, second);
    assert(first !== other);
  });
});

Deno.test("GrpcServer.listen() says where it cannot listen, and why", () =>
  onStage({}, async ({ address }) => {
    const reasons = [
      [address, "the port is taken"],
      [{ host: "192.0.2.1", port: 0 }, "this machine does not have that address"],
    ] as const;
    for (const [wanted, reason] of reasons) {
      const other = new GrpcServer({ maxMessageBytes: MAX_MESSAGE_BYTES });
      const error = await assertRejects(() => other.listen(wanted), ListenError);
      assertEquals(error.message, `Cannot listen on ${wanted.host}:${wanted.port}: ${reason}.`);
    }
  }));
