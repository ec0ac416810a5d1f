import { assertEquals, assertRejects } from "@std/assert";
import {
  Health,
  HealthCheckResponse_ServingStatus as Status,
} from "../../proto/gen/grpc/health/v1/health_pb.ts";
import { StatusError } from "../status.ts";
import { GrpcChannel } from "./client.ts";
import { healthService } from "./health.ts";
import { type HealthLook, HealthWatch } from "./health_watch.ts";
import { GrpcServer } from "./server.ts";

interface Stage {
  readonly watch: HealthWatch;
  serve(serves: boolean): void;
  follow(service: string, signal?: AbortSignal): AsyncGenerator<{ readonly status: Status }>;
  check(service: string): Promise<Status>;
  drain(): Promise<void>;
}

async function onServer(play: (stage: Stage) => Promise<void>, periodMs = 60_000): Promise<void> {
  let serving = true;
  const looks = new Map<string, HealthLook>([["", () => serving], [
    "known",
    () => Promise.resolve(serving),
  ]]);
  const watch = new HealthWatch({ looks, limit: 2, periodMs });
  const server = new GrpcServer({ maxMessageBytes: 1_000 });
  server.add(healthService(() => true, watch));
  const channel = new GrpcChannel(await server.listen({ host: "127.0.0.1", port: 0 }), {
    insecure: true,
  });
  let drained: Promise<void> | undefined;
  const drain = () => drained ??= server.drain(5_000);
  try {
    await play({
      watch,
      serve: (serves) => serving = serves,
      follow: (service, signal) =>
        channel.serverStream(Health.method.watch, { service }, { signal }),
      check: async (service) => (await channel.unary(Health.method.check, { service })).status,
      drain,
    });
  } finally {
    watch.end();
    channel.close();
    await drain();
  }
}

async function next(stream: AsyncGenerator<{ readonly status: Status }>): Promise<Status | "end"> {
  const { done, value } = await stream.next();
  return done ? "end" : value.status;
}

for (const service of ["", "known"]) {
  Deno.test(`Watch of "${service}" tells at once, and then each change once`, () =>
    onServer(async ({ watch, serve, follow }) => {
      const stream = follow(service);
      assertEquals(await next(stream), Status.SERVING);
      for (const serves of [false, true]) {
        watch.changed();
        serve(serves);
        watch.changed();
        assertEquals(await next(stream), serves ? Status.SERVING : Status.NOT_SERVING);
      }
      await stream.return(undefined);
    }));
}

Deno.test("Watch looks by itself, too", () =>
  onServer(async ({ serve, follow }) => {
    const stream = follow("");
    assertEquals(await next(stream), Status.SERVING);
    serve(false);
    assertEquals(await next(stream), Status.NOT_SERVING);
    await stream.return(undefined);
  }, 5));

Deno.test("Watch of a service that is not known says so and stays open, where Check says SERVING", () =>
  onServer(async ({ watch, follow, check, serve }) => {
    const stream = follow("nobody.Knows");
    assertEquals(await next(stream), Status.SERVICE_UNKNOWN);
    assertEquals(await check("nobody.Knows"), Status.SERVING);
    serve(false);
    watch.end();
    assertEquals(await next(stream), "end");
  }));

Deno.test("A server that stops says NOT_SERVING, ends the streams and is gone", () =>
  onServer(async ({ watch, serve, follow, drain }) => {
    const stream = follow("");
    assertEquals(await next(stream), Status.SERVING);
    serve(false);
    watch.end();
    assertEquals([await next(stream), await next(stream)], [Status.NOT_SERVING, "end"]);
    await drain();
  }));

Deno.test("One who watches too many is refused, until one of the others leaves", () =>
  onServer(async ({ follow }) => {
    const leaving = new AbortController();
    const streams = [follow("", leaving.signal), follow("")];
    for (const stream of streams) await next(stream);
    const error = await assertRejects(() => next(follow("")), StatusError);
    assertEquals(error.status, "RESOURCE_EXHAUSTED");
    leaving.abort();
    await assertRejects(() => next(streams[0]!), StatusError);
    for (;;) {
      // The server hears of it a moment later.
      const again = follow("");
      const status = await next(again).catch(() => undefined);
      await again.return(undefined);
      if (status === Status.SERVING) break;
    }
    await streams[1]!.return(undefined);
  }));
