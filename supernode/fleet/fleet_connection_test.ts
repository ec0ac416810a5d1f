import { assertEquals, assertRejects } from "@std/assert";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { StatusError, type StatusName } from "../../wire/status.ts";
import { type Channel, FleetConnection } from "./fleet_connection.ts";
import { FakeClock } from "../testing/fake_clock.ts";

/** Connections on which calls end as the test says. */
function setUp() {
  const clock = new FakeClock();
  const state = {
    opened: 0,
    closed: 0,
    connected: true,
    fail: undefined as StatusName | undefined,
    hold: undefined as Promise<never> | undefined,
  };
  const open = (): Channel => {
    state.opened++;
    return {
      get connected() {
        return state.connected;
      },
      connections: 1,
      unary: (method) =>
        state.hold ??
          (state.fail
            ? Promise.reject(new StatusError(state.fail, "no"))
            : Promise.resolve({ $typeName: method.output.typeName } as never)),
      close: () => void state.closed++,
    };
  };
  const connection = new FleetConnection(open, clock);
  const call = (fail?: StatusName) => {
    state.fail = fail;
    return connection.unary(Fleet.method.registerNode, {}, {});
  };
  const sendObject = (until: Promise<never>) => {
    state.hold = until;
    const sent = connection.unary(Fleet.method.pushObject, {}, { isBulk: true });
    state.hold = undefined;
    return sent;
  };
  const refused = (status: StatusName) => assertRejects(() => call(status), StatusError);
  const pass = async (ms: number) => {
    const slept = clock.sleep(ms);
    await clock.tick();
    await slept;
  };
  return { state, connection, call, sendObject, refused, pass };
}

Deno.test("FleetConnection keeps one connection for many calls", async () => {
  const { state, connection, call } = setUp();
  await call();
  await call();
  assertEquals([state.opened, state.closed, connection.connections], [1, 0, 1]);
});

Deno.test("FleetConnection connects anew for the next try when the line is down", async () => {
  const { state, connection, call, refused } = setUp();
  await call();
  state.connected = false;
  await refused("UNAVAILABLE");
  assertEquals([state.opened, state.closed], [1, 1]);
  state.connected = true;
  await call();
  assertEquals([state.opened, connection.connections], [2, 2]);
});

Deno.test("FleetConnection keeps a connection over which UNAVAILABLE was answered", async () => {
  const { state, call, refused } = setUp();
  await refused("UNAVAILABLE");
  await call();
  assertEquals([state.opened, state.closed], [1, 0]);
});

Deno.test("FleetConnection keeps its connection through refusals and cancelled calls", async () => {
  const { state, refused } = setUp();
  for (const status of ["CANCELLED", "UNAUTHENTICATED", "UNKNOWN", "INTERNAL"] as const) {
    await refused(status);
  }
  assertEquals([state.opened, state.closed], [1, 0]);
});

Deno.test("FleetConnection gives a silent connection up, but not one that is only slow", async () => {
  const { state, call, refused, pass } = setUp();
  await call();
  await pass(20_000);
  await refused("DEADLINE_EXCEEDED");
  assertEquals(state.closed, 0);
  await call();
  await pass(20_000);
  await refused("DEADLINE_EXCEEDED");
  assertEquals(state.closed, 0);
  await pass(6_000);
  await refused("DEADLINE_EXCEEDED");
  assertEquals(state.closed, 1);
});

Deno.test("FleetConnection is patient while an object is on its way", async () => {
  const { state, call, sendObject, refused, pass } = setUp();
  await call();
  const { promise, resolve } = Promise.withResolvers<never>();
  const sent = sendObject(promise);
  await pass(200_000);
  await refused("DEADLINE_EXCEEDED");
  assertEquals(state.closed, 0);
  await pass(100_000);
  await refused("DEADLINE_EXCEEDED");
  assertEquals(state.closed, 1);
  resolve(undefined as never);
  await sent;
});

Deno.test("FleetConnection that was closed connects for the next call", async () => {
  const { state, connection, call } = setUp();
  await call();
  connection.close();
  connection.close();
  await call();
  assertEquals([state.opened, state.closed, connection.connections], [2, 1, 2]);
});
