import { assertEquals, assertRejects } from "@std/assert";
import { StatusError } from "../../wire/status.ts";
import { RetriesExhausted, retry, type RetryOptions } from "./retry.ts";
import type { RetryLimits } from "./retry_policy.ts";
import { FakeClock } from "../testing/fake_clock.ts";

const away = () => Promise.reject(new StatusError("UNAVAILABLE", "away"));
const never = new AbortController().signal;

function setUp(limits: RetryLimits = {}) {
  const clock = new FakeClock();
  const events: string[] = [];
  const options: RetryOptions = {
    limits,
    clock,
    random: () => 0.5,
    observer: {
      failed: (error) => Promise.resolve(void events.push(error.message)),
      answered: () => void events.push("answered"),
    },
  };
  return { clock, events, options };
}

Deno.test("retry makes a call again after growing pauses until it is answered", async () => {
  const { clock, events, options } = setUp();
  let tries = 0;
  const answer = retry(() => ++tries < 4 ? away() : Promise.resolve("yes"), options, never);
  assertEquals([await clock.tick(), await clock.tick(), await clock.tick()], [500, 1000, 2000]);
  assertEquals(await answer, "yes");
  assertEquals(events, ["away", "away", "away", "answered"]);
});

Deno.test("retry gives a refusal at once, and counts it as an answer", async () => {
  const { events, options } = setUp();
  const refused = () => Promise.reject(new StatusError("UNAUTHENTICATED", "no"));
  const error = await assertRejects(() => retry(refused, options, never), StatusError);
  assertEquals([error.status, events], ["UNAUTHENTICATED", ["answered"]]);
});

Deno.test("retry repeats what its caller says is worth it", async () => {
  const { clock, options } = setUp();
  let tries = 0;
  const late = () =>
    ++tries < 2 ? Promise.reject(new StatusError("DEADLINE_EXCEEDED", "late")) : Promise.resolve(7);
  const answer = retry(late, options, never, (error) => error.status === "DEADLINE_EXCEEDED");
  await clock.tick();
  assertEquals(await answer, 7);
});

Deno.test("retry gives up after one try more than --max-retries", async () => {
  const { clock, events, options } = setUp({ maxRetries: 2 });
  const call = assertRejects(() => retry(away, options, never), RetriesExhausted, "away");
  await clock.tick();
  await clock.tick();
  const { tries, elapsedMs } = await call;
  assertEquals([tries, elapsedMs, events.length], [3, 1500, 2]);
});

Deno.test("retry with no retries tries once", async () => {
  const { options } = setUp({ maxRetries: 0 });
  const { tries } = await assertRejects(() => retry(away, options, never), RetriesExhausted);
  assertEquals(tries, 1);
});

Deno.test("retry tries for the last time when --max-wait-time is over", async () => {
  const { clock, options } = setUp({ maxWaitMs: 2_000 });
  const call = assertRejects(() => retry(away, options, never), RetriesExhausted);
  assertEquals([await clock.tick(), await clock.tick(), await clock.tick()], [500, 1000, 500]);
  assertEquals((await call).tries, 4);
});

Deno.test("retry ends in its pause when it is stopped", async () => {
  const { options } = setUp();
  const stop = new AbortController();
  const failed = Promise.withResolvers<void>();
  const observer = { ...options.observer, failed: () => Promise.resolve(failed.resolve()) };
  const call = retry(away, { ...options, observer }, stop.signal).catch((reason) => reason);
  await failed.promise;
  stop.abort("SIGTERM");
  assertEquals(await call, "SIGTERM");
});

Deno.test("retry does not wait for an observer that is busy when it is stopped", async () => {
  const { options } = setUp();
  const stop = new AbortController();
  const busy = Promise.withResolvers<void>();
  const observer = {
    ...options.observer,
    failed() {
      stop.abort("SIGINT");
      return busy.promise;
    },
  };
  const call = retry(away, { ...options, observer }, stop.signal).catch((reason) => reason);
  assertEquals(await call, "SIGINT");
  busy.resolve();
});

Deno.test("retry ends with what its observer throws", async () => {
  const { options } = setUp();
  const observer = { ...options.observer, failed: () => Promise.reject(new Error("hopeless")) };
  await assertRejects(() => retry(away, { ...options, observer }, never), Error, "hopeless");
});
