import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { LogLines } from "../../superlink/testing/log_lines.ts";
import { ExitError } from "../../terminal/errors.ts";
import type { ConnectionProblem } from "../../wire/diagnose.ts";
import { StatusError } from "../../wire/status.ts";
import { LinkWatch, withoutNoise } from "./link_watch.ts";
import { FakeClock } from "../testing/fake_clock.ts";

const AWAY = new StatusError("UNAVAILABLE", "No connection established.");
const REFUSED: ConnectionProblem = { kind: "refused", sentence: "Nothing listens there." };

function setUp(problem: ConnectionProblem | undefined, port = 9092) {
  const clock = new FakeClock();
  const logged = new LogLines();
  const watch = new LinkWatch({
    superlink: { host: "127.0.0.1", port },
    transport: "grpc",
    diagnose: () => Promise.resolve(problem),
    clock,
    log: logged.log,
  });
  return { clock, logged, watch };
}

async function pass(clock: FakeClock, ms: number): Promise<void> {
  const slept = clock.sleep(ms);
  await clock.tick();
  await slept;
}

Deno.test("LinkWatch tells that the link is down, once a minute, and that it is back", async () => {
  const { clock, logged, watch } = setUp(REFUSED);
  watch.answered();
  for (let i = 0; i < 7; i++) {
    await watch.failed(AWAY);
    await pass(clock, 20_000);
  }
  watch.answered();
  watch.answered();
  const [first, ...reminders] = logged.of("link.down");
  assertStringIncludes(first?.message ?? "", "The link to the SuperLink is down. Nothing listens");
  assertEquals(reminders.length, 2);
  const [back, ...more] = logged.of("link.up");
  assertEquals([back?.downSeconds, back?.tries, more.length], [140, 7, 0]);
});

Deno.test("LinkWatch shows the SuperLink's words where nothing is wrong with the line", async () => {
  const { logged, watch } = setUp(undefined);
  await watch.failed(new StatusError("UNAVAILABLE", "Sign again."));
  assertStringIncludes(logged.lines[0]?.message ?? "", "cannot serve now: Sign again.");
});

Deno.test("LinkWatch says that the node is shut out, and when it is let in again", async () => {
  const { clock, logged, watch } = setUp(REFUSED);
  const suspended = "This SuperNode is suspended by the SuperLink's operator.";
  await watch.failed(AWAY);
  for (let i = 0; i < 7; i++) {
    // A refused pull and a refused heartbeat have different statuses.
    const status = i % 2 === 0 ? "PERMISSION_DENIED" : "UNAVAILABLE";
    await watch.failed(new StatusError(status, suspended));
    await pass(clock, 20_000);
  }
  watch.answered();
  assertEquals(logged.of("link.down").length, 1);
  const [first, ...reminders] = logged.of("node.shut-out");
  assertStringIncludes(first?.message ?? "", `answers: ${suspended} Waiting until it is let in`);
  assertEquals(reminders.length, 2);
  assertEquals([logged.of("node.let-in").length, logged.of("link.up").length], [1, 0]);
});

const FAULTS = [
  "server-without-tls",
  "server-with-tls",
  "untrusted-certificate",
  "wrong-name",
  "certificate-not-valid-now",
] as const;

for (const kind of FAULTS) {
  Deno.test(`LinkWatch ends a first connection that fails for good: ${kind}`, async () => {
    const { watch } = setUp({ kind, sentence: "It cannot work." });
    const error = await assertRejects(() => watch.failed(AWAY), ExitError, "It cannot work.");
    assertEquals([error.exitCode, error.flowerCode], [1, 305]);
    assertEquals(typeof error.remedy, "string");
  });

  Deno.test(`LinkWatch takes a later fault for a mishap: ${kind}`, async () => {
    const { logged, watch } = setUp({ kind, sentence: "It cannot work." });
    watch.answered();
    await watch.failed(AWAY);
    assertEquals(logged.of("link.down").length, 1);
  });
}

Deno.test("LinkWatch waits for a SuperLink behind a tunnel that takes connections", async () => {
  const { logged, watch } = setUp({ kind: "wrong-protocol", sentence: "No gRPC there." }, 1);
  await watch.failed(AWAY);
  assertStringIncludes(logged.lines[0]?.message ?? "", "Trying again.");
});

Deno.test("LinkWatch ends at a server that answers in HTTP/1", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answered = (async () => {
    using connection = await listener.accept();
    await connection.read(new Uint8Array(100));
    await connection.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
  })();
  const { watch } = setUp(
    { kind: "wrong-protocol", sentence: "No gRPC there." },
    listener.addr.port,
  );
  await assertRejects(() => watch.failed(AWAY), ExitError, "No gRPC there.");
  await answered;
});

Deno.test("withoutNoise leaves what a person wants to know of a failed connection", () => {
  const refused =
    "No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. " +
    "Resolution note: ";
  assertEquals(withoutNoise(refused), "connect ECONNREFUSED 127.0.0.1:1");
  assertEquals(withoutNoise("Sign again."), "Sign again");
});
