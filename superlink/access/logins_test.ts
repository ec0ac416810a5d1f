import { assert, assertEquals, assertMatch } from "@std/assert";
import { TestClock } from "../testing/test_clock.ts";
import { Grants } from "./grants.ts";
import { LOGIN_WAIT_S, Logins } from "./logins.ts";
import { readUserCode } from "./secrets.ts";

interface Stage {
  readonly clock: TestClock;
  readonly grants: Grants;
  readonly logins: Logins;
}

async function onStage(play: (stage: Stage) => Promise<void>): Promise<void> {
  using kv = await Deno.openKv(":memory:");
  const clock = new TestClock();
  const grants = new Grants(kv, clock);
  await play({ clock, grants, logins: new Logins(kv, grants, clock) });
}

const PEER = "192.0.2.1:1234";
const APPROVAL = { role: "operator", name: "Ada", by: "an admin" } as const;

Deno.test("A login waits for an admin, and gets its tokens once", () =>
  onStage(async ({ grants, logins }) => {
    const started = await logins.start(PEER);
    assert(started);
    const { deviceCode, userCode } = started;
    assertMatch(userCode, /^[B-Z]{4}-[B-Z]{4}$/);
    assertEquals(await logins.finish(deviceCode), "pending");
    assertEquals((await logins.pending()).map(({ peer }) => peer), [PEER]);
    assert(await logins.approve(userCode, APPROVAL));
    assertEquals(await logins.pending(), []);
    const tokens = await logins.finish(deviceCode);
    assert(typeof tokens === "object");
    const { name, role, kind, createdBy } = tokens.grant;
    assertEquals([name, role, kind, createdBy], ["Ada", "operator", "login", "an admin"]);
    assertEquals(await grants.of(tokens.accessToken), tokens.grant);
    assertEquals(await logins.finish(deviceCode), "unknown");
  }));

Deno.test("A login that is refused is told so once, and cannot be approved after that", () =>
  onStage(async ({ logins }) => {
    const { deviceCode, userCode } = await logins.start(PEER) ?? { deviceCode: "", userCode: "" };
    assert(await logins.refuse(userCode));
    assertEquals(await logins.approve(userCode, APPROVAL), undefined);
    assertEquals(await logins.finish(deviceCode), "refused");
    assertEquals(await logins.finish(deviceCode), "unknown");
  }));

Deno.test("A code that nobody has, or that has expired, lets nobody in", () =>
  onStage(async ({ clock, logins }) => {
    const { deviceCode, userCode } = await logins.start(PEER) ?? { deviceCode: "", userCode: "" };
    assertEquals(await logins.finish(userCode), "unknown");
    assertEquals(await logins.approve("BBBB-BBBB", APPROVAL), undefined);
    clock.advance({ seconds: LOGIN_WAIT_S });
    assertEquals(await logins.approve(userCode, APPROVAL), undefined);
    assertEquals(await logins.finish(deviceCode), "unknown");
    assertEquals(await logins.pending(), []);
  }));

Deno.test("A code is understood however it was typed", () => {
  for (const typed of ["wdjb-mjht", "WDJBMJHT", " wdjb mjht "]) {
    assertEquals(readUserCode(typed), "WDJB-MJHT");
  }
});
