import { assertEquals, assertRejects } from "@std/assert";
import { LogLines } from "../../superlink/testing/log_lines.ts";
import { JoinRefused, Membership } from "./membership.ts";
import { FakeClock } from "../testing/fake_clock.ts";
import {
  ALREADY_ONLINE,
  FakeFleet,
  refusal,
  type Script,
  UNKNOWN_KEY,
} from "../testing/fake_fleet.ts";

const never = new AbortController().signal;

function setUp(script: Script, options: { selfRegistered?: boolean; maxWaitMs?: number } = {}) {
  const fleet = new FakeFleet(script);
  const clock = new FakeClock();
  const logged = new LogLines();
  const membership = new Membership({
    fleet,
    clock,
    log: logged.log,
    selfRegistered: false,
    ...options,
  });
  return { fleet, clock, logged, membership };
}

Deno.test("Membership with the operator's key only activates, and only deactivates", async () => {
  const { fleet, membership } = setUp({});
  assertEquals(await membership.join(never), 7n);
  await membership.leave();
  assertEquals(fleet.calls, ["activateNode", "deactivateNode 7"]);
});

Deno.test("Membership that registered itself unregisters when it leaves", async () => {
  const { fleet, membership } = setUp({}, { selfRegistered: true });
  await membership.join(never);
  await membership.leave();
  assertEquals(fleet.calls, [
    "registerNode",
    "activateNode",
    "deactivateNode 7",
    "unregisterNode 7",
  ]);
});

Deno.test("Membership takes a key in use for its own, because an answer can be lost", async () => {
  const inUse = refusal("FAILED_PRECONDITION", "Public key already in use");
  const { membership } = setUp({ registerNode: [inUse] }, { selfRegistered: true });
  assertEquals(await membership.join(never), 7n);
});

Deno.test("Membership that could not activate gives up what it registered", async () => {
  const { fleet, membership } = setUp({ activateNode: [UNKNOWN_KEY] }, { selfRegistered: true });
  await assertRejects(() => membership.join(never), JoinRefused, "No SuperNode found");
  await membership.leave();
  assertEquals(fleet.calls, ["registerNode", "activateNode", "unregisterNode 7"]);
});

Deno.test("Membership that never joined has nothing to leave", async () => {
  const { fleet, membership } = setUp({});
  await membership.leave();
  assertEquals(fleet.calls, []);
});

Deno.test("Membership waits for the lease of a killed process, and says why", async () => {
  const { clock, logged, membership } = setUp({
    activateNode: [ALREADY_ONLINE, ALREADY_ONLINE, ALREADY_ONLINE, 7n],
  });
  const joined = membership.join(never);
  for (let i = 0; i < 3; i++) assertEquals(await clock.tick(), 5_000);
  assertEquals(await joined, 7n);
  assertEquals(logged.of("node.waiting").length, 1);
});

for (
  const [title, maxWaitMs, givesUpMs] of [
    ["longer than any lease", undefined, 75_000],
    ["no longer than --max-wait-time", 12_000, 12_000],
  ] as const
) {
  Deno.test(`Membership waits for a lease ${title}`, async () => {
    const { clock, membership } = setUp(
      { activateNode: [ALREADY_ONLINE] },
      maxWaitMs === undefined ? {} : { maxWaitMs },
    );
    const refused = assertRejects(() => membership.join(never), JoinRefused);
    let done = false;
    refused.finally(() => done = true);
    while (clock.nowMs() < givesUpMs) await clock.tick();
    assertEquals((await refused).refusal.kind, "already-online");
    assertEquals([done, clock.nowMs()], [true, givesUpMs]);
  });
}

Deno.test("Membership waits too where the SuperLink does not say why it refuses", async () => {
  const vague = refusal(
    "FAILED_PRECONDITION",
    '{"code": 2004, "public_message": "Failed to activate SuperNode.", "public_details": null}',
  );
  const { clock, membership } = setUp({ activateNode: [vague, 7n] });
  const joined = membership.join(never);
  await clock.tick();
  assertEquals(await joined, 7n);
});

Deno.test("Membership stops waiting for a lease when it is stopped", async () => {
  const { clock, logged, membership } = setUp({ activateNode: [ALREADY_ONLINE] });
  const stop = new AbortController();
  const joined = membership.join(stop.signal).catch((reason) => reason);
  await logged.untilLogged("node.waiting");
  stop.abort("SIGTERM");
  assertEquals(await joined, "SIGTERM");
  assertEquals(clock.nowMs(), 0);
});

Deno.test("Membership leaves without a word from the SuperLink, and logs it", async () => {
  const gone = refusal("UNAVAILABLE", "No connection established.");
  const { fleet, logged, membership } = setUp(
    { deactivateNode: [gone] },
    { selfRegistered: true },
  );
  await membership.join(never);
  await membership.leave();
  assertEquals(fleet.calls.at(-1), "deactivateNode 7");
  assertEquals(logged.of("node.not_left").length, 1);
});
