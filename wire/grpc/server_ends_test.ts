import { assert, assertEquals, assertRejects } from "@std/assert";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import type { Connection } from "../connection.ts";
import { Moment, onStage, PATIENCE_MS, refusal, untilAborted } from "../testing/grpc_stage.ts";

Deno.test("GrpcServer ends a call at its deadline, and the method's signal aborts", () => {
  const aborted = new Moment();
  let started = false;
  return onStage({
    fleet: {
      async pullMessages(_, { signal }) {
        started = true;
        await untilAborted(signal);
        aborted.come();
        return {};
      },
    },
  }, async ({ channel }) => {
    // On a busy machine a deadline may pass before the call has come as far as the method.
    for (let timeoutMs = 50; !started; timeoutMs *= 2) {
      const call = channel.unary(Fleet.method.pullMessages, {}, { timeoutMs });
      assertEquals((await refusal(call))[0], "DEADLINE_EXCEEDED");
    }
    await aborted.comes;
  });
});

Deno.test("GrpcServer aborts a method's signal when the peer cancels its call", () => {
  const [started, aborted] = [new Moment(), new Moment()];
  return onStage({
    fleet: {
      async pullMessages(_, { signal }) {
        started.come();
        await untilAborted(signal);
        aborted.come();
        return {};
      },
    },
  }, async ({ channel }) => {
    const cancel = new AbortController();
    const call = channel.unary(Fleet.method.pullMessages, {}, { signal: cancel.signal });
    await started.comes;
    cancel.abort();
    assertEquals((await refusal(call))[0], "CANCELLED");
    await aborted.comes;
  });
});

Deno.test("GrpcServer aborts the signals of a closed connection, but of no call that was answered", () => {
  const [started, aborted] = [new Moment<Connection>(), new Moment()];
  const answered: AbortSignal[] = [];
  return onStage({
    fleet: {
      async pullMessages(_, { caller, signal }) {
        started.come(caller.connection!);
        await untilAborted(signal);
        aborted.come();
        return {};
      },
      sendNodeHeartbeat(_, { signal }) {
        answered.push(signal);
        return Promise.resolve({});
      },
    },
  }, async ({ channel }) => {
    const held = channel.unary(Fleet.method.pullMessages, {});
    const connection = await started.comes;
    assertEquals(connection.closed.aborted, false);
    assertEquals(connection.peer.startsWith("127.0.0.1:"), true);
    await channel.unary(Fleet.method.sendNodeHeartbeat, {});
    const closed = untilAborted(connection.closed);
    channel.close();
    assertEquals((await refusal(held))[0], "CANCELLED");
    await aborted.comes;
    await closed;
    assertEquals(answered.map(({ aborted }) => aborted), [false]);
  });
});

Deno.test("GrpcServer.drain() lets calls finish and takes no new ones", async () => {
  const [started, finish] = [new Moment(), new Moment()];
  await onStage({
    fleet: {
      async pullMessages() {
        started.come();
        await finish.comes;
        return {};
      },
    },
  }, async ({ server, channel, address }) => {
    const held = channel.unary(Fleet.method.pullMessages, {});
    await started.comes;
    const drained = server.drain(PATIENCE_MS);
    const { host: hostname, port } = address;
    await assertRejects(() => Deno.connect({ hostname, port }), Deno.errors.ConnectionRefused);
    finish.come();
    await held;
    await drained;
  });
});

Deno.test("GrpcServer.drain() cuts off what takes too long", async () => {
  const [started, aborted] = [new Moment(), new Moment()];
  await onStage({
    fleet: {
      async pullMessages(_, { signal }) {
        started.come();
        await untilAborted(signal);
        aborted.come();
        return {};
      },
    },
  }, async ({ server, channel }) => {
    const held = channel.unary(Fleet.method.pullMessages, {});
    const outcome = refusal(held);
    await started.comes;
    await server.drain(50);
    await aborted.comes;
    assert(["UNAVAILABLE", "CANCELLED", "INTERNAL"].includes((await outcome)[0]));
  });
});
