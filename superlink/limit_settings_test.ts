import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { Control } from "../proto/gen/flwr/proto/control_pb.ts";
import { Control as Control141 } from "../proto/gen/flwr1_41/proto/control_pb.ts";
import { UsageError } from "../terminal/errors.ts";
import { GrpcChannel } from "../wire/grpc/client.ts";
import { HttpChannel } from "../wire/http/client.ts";
import { StatusError } from "../wire/status.ts";
import { type RawCall, RawConnection } from "../wire/testing/raw_connection.ts";
import { limitsFlag, readLimits } from "./limit_settings.ts";
import { AppClient } from "./testing/app_client.ts";
import { FleetClient, PLANES, rawHeadersOf, refusal } from "./testing/fleet_client.ts";
import { startTestSuperLink } from "./testing/test_superlink.ts";

Deno.test("readLimits() takes changes, and of several of one limit the last", () => {
  assertEquals(readLimits([]), { limits: {}, faults: [] });
  assertEquals(readLimits(["logins=5", "fleet-calls-per-key=7", "logins=100000000"]).limits, {
    "logins": 100_000_000,
    "fleet-calls-per-key": 7,
  });
});

const REFUSED: readonly [change: string, fault: RegExp][] = [
  ["login=5", /^There is no limit "login"\. Did you mean logins\?$/],
  ["something-else=5", /^There is no limit "something-else"\.$/],
  ["toString=5", /There is no limit "toString"/],
  ["", /There is no limit ""/],
  ["logins", /^logins takes a whole number from 1 to 100000000, not ""\.$/],
  ["logins=", /not ""/],
  ["logins=0", /not "0"/],
  ["logins=-1", /not "-1"/],
  ["logins=1.5", /not "1\.5"/],
  ["logins=1e3", /not "1e3"/],
  ["logins=100000001", /not "100000001"/],
  ["logins=5=6", /not "5=6"/],
  ["logins=\u0665", /not "\u0665"/],
];

for (const [change, fault] of REFUSED) {
  Deno.test(`--limit ${JSON.stringify(change)} is refused with what it takes`, () => {
    const { faults, limits } = readLimits(["wrong-tokens=5", change]);
    assertEquals([faults.length, limits], [1, { "wrong-tokens": 5 }]);
    assertMatch(faults[0] ?? "", fault);
    const error = assertThrows(() => limitsFlag.of(new Map([["limit", [change]]])), UsageError);
    assertMatch(error.remedy ?? "", /fleet-calls-per-key/);
  });
}

/** The status that a call is refused with, if it is. */
async function refusalOrNothing(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (error instanceof StatusError) return error.status;
    throw error;
  }
}

for (const plane of PLANES) {
  Deno.test(`Over ${plane} a changed limit holds for SuperNodes, which come back on it`, async () => {
    await using link = await startTestSuperLink({ limits: { "fleet-calls-per-key": 3 } });
    using busy = await FleetClient.create(link, { plane });
    using other = await FleetClient.create(link, { plane });
    const nodeId = await busy.join();
    await busy.heartbeat(nodeId);
    assertEquals((await refusal(busy.heartbeat(nodeId)))[0], "UNAVAILABLE");
    await other.join();
    link.clock.advance({ seconds: 20 });
    await busy.heartbeat(nodeId);
  });
}

Deno.test("A call counts among those at once while its body is on its way, and not once its peer is gone", async () => {
  await using link = await startTestSuperLink({ limits: { "calls-at-once": 3 } });
  using node = await FleetClient.create(link);
  const nodeId = await node.join();
  const { sendNodeHeartbeat: method } = node.method;
  const isFree = async () => (await refusalOrNothing(node.heartbeat(nodeId))) === undefined;
  for (let round = 0; round < 5; round++) {
    await using connection = await RawConnection.open(link.fleetAddress);
    const begun: RawCall[] = [];
    while (await isFree()) {
      begun.push(connection.call(method, rawHeadersOf(await node.prove())));
      await connection.settled();
    }
    assertEquals(begun.length >= 3, true, `${begun.length} calls`);
    // One is answered; the others end with their connection.
    begun[0]!.send(method.input, { node: { nodeId }, heartbeatInterval: 30 });
    assertEquals((await begun[0]!.outcome)[0], "OK");
    assert(await isFree());
  }
  const limit = Date.now() + 10_000;
  while (!await isFree()) assert(Date.now() < limit, "Calls of peers that are gone count still.");
});

Deno.test("The services of an API share its limits, and another's are answered RESOURCE_EXHAUSTED, 429", async () => {
  const limits = { "control-calls-per-host": 2, "app-calls-per-host": 1 };
  await using link = await startTestSuperLink({ limits });
  using app = new AppClient(link);
  await app.call(app.method.listAppsToLaunch, {});
  const isRefused = async (call: Promise<unknown>) => {
    const error = await assertRejects(() => call, StatusError);
    assertEquals(error.status, "RESOURCE_EXHAUSTED");
    return error;
  };
  await isRefused(app.call(app.method.listAppsToLaunch, {}));
  const grpc = new GrpcChannel(link.controlAddress, { insecure: true });
  const http = new HttpChannel(link.httpAddress, { insecure: true });
  try {
    await grpc.unary(Control.method.listRuns, {});
    await http.unary(Control141.method.listRuns, {});
    await isRefused(grpc.unary(Control.method.listRuns, {}));
    const refused = await isRefused(http.unary(Control141.method.listRuns, {}));
    assertEquals(refused.http?.status, 429);
  } finally {
    grpc.close();
    http.close();
  }
});
