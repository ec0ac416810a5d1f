import { assertEquals, assertRejects } from "@std/assert";
import { Control } from "../proto/gen/flwr/proto/control_pb.ts";
import { Fleet } from "../proto/gen/flwr/proto/fleet_pb.ts";
import { defineService } from "../wire/service.ts";
import { StatusError } from "../wire/status.ts";
import { incomingCall } from "../wire/testing/incoming_call.ts";
import { withinCapacity } from "./capacity.ts";

/** A service that judges when it is told to, and calls to it that end when they are told to. */
function slowService(limit: number, descriptor: typeof Fleet | typeof Control = Fleet) {
  const judgements: (() => void)[] = [];
  const whenTold = () => new Promise<void>((resolve) => judgements.push(resolve));
  const service = withinCapacity(defineService(descriptor, whenTold, {}), "UNAVAILABLE", limit);
  const judgeAll = () => judgements.splice(0).forEach((judge) => judge());
  const call = (method = "SendNodeHeartbeat") => {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const admission = service.admit(incomingCall({ method, ended }));
    const end = async () => {
      resolve();
      await ended;
    };
    return { admission, end };
  };
  /** One that is admitted. */
  const admitted = async (method?: string) => {
    const made = call(method);
    judgeAll();
    await made.admission;
    return made;
  };
  const refused = async () => {
    const error = await assertRejects(() => call().admission, StatusError, "has too much to do.");
    assertEquals([error.status, error.http?.status], ["UNAVAILABLE", 503]);
  };
  return { call, admitted, refused, judgeAll };
}

Deno.test("Calls beyond the limit are refused while as many are judged", async () => {
  const { call, refused, judgeAll } = slowService(2);
  const judged = [call(), call()];
  await refused();
  judgeAll();
  await Promise.all(judged.map(({ admission }) => admission));
  await refused();
});

Deno.test("A call counts until it has ended, also while its body is on its way", async () => {
  const { admitted, refused } = slowService(2);
  const [first] = [await admitted(), await admitted()];
  await refused();
  await first.end();
  await admitted();
  await refused();
});

Deno.test("A call that is refused counts no more", async () => {
  const refuses = () => Promise.reject(new StatusError("UNAUTHENTICATED", "no"));
  const service = withinCapacity(defineService(Fleet, refuses, {}), "RESOURCE_EXHAUSTED", 1);
  for (let count = 0; count < 3; count++) {
    const call = incomingCall({ method: "SendNodeHeartbeat" });
    await assertRejects(() => service.admit(call), StatusError, "no");
  }
});

for (
  const [method, descriptor] of [
    ["PullMessages", Fleet],
    ["SendReceive", Fleet],
    ["StreamLogs", Control],
  ] as const
) {
  Deno.test(`A ${method} waits for something, and does not count once it is judged`, async () => {
    const { admitted } = slowService(2, descriptor);
    for (let count = 0; count < 5; count++) await admitted(method);
  });
}
