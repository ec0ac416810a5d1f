import { assertEquals } from "@std/assert";
import {
  Health,
  HealthCheckResponse_ServingStatus as Status,
} from "../proto/gen/grpc/health/v1/health_pb.ts";
import { GrpcChannel } from "../wire/grpc/client.ts";
import { startTestSuperLink } from "./testing/test_superlink.ts";
import type { Database } from "./state/database.ts";

/** A database that can be written for as long as `isWell` says so. */
function failing(database: Database, isWell: () => boolean): Database {
  const kv = new Proxy(database.kv, {
    get(target, name) {
      if (name === "atomic" && !isWell()) throw new Error("The disk is gone.");
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { ...database, kv };
}

Deno.test("Health is watched per API until the SuperLink stops, and readiness apart", async () => {
  let isWell = true;
  await using link = await startTestSuperLink({ between: (real) => failing(real, () => isWell) });
  const channel = new GrpcChannel(link.healthAddress!, { insecure: true });
  try {
    const statuses = (service: string) => {
      const stream = channel.serverStream(Health.method.watch, { service });
      return async () => {
        const { done, value } = await stream.next();
        return done ? "end" : Status[value.status];
      };
    };
    const check = async (service: string) =>
      Status[(await channel.unary(Health.method.check, { service })).status];
    const all = ["", "flwr.proto.Fleet", "trellis.v1.Registry"].map(statuses);
    const unknown = statuses("flwr.proto.Nobody");
    for (const next of all) assertEquals(await next(), "SERVING");
    assertEquals(await unknown(), "SERVICE_UNKNOWN");
    isWell = false;
    assertEquals([await check(""), await check("readiness")], ["SERVING", "NOT_SERVING"]);
    isWell = true;

    const stopped = link.stop();
    for (const next of all) assertEquals([await next(), await next()], ["NOT_SERVING", "end"]);
    assertEquals(await unknown(), "end");
    await stopped;
  } finally {
    channel.close();
  }
});
