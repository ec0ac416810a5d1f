/** What the audit log is told of tokens and logins. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { AuditEntry } from "../audit/audit.ts";
import { StorageFailure } from "../state/commit.ts";
import { LogLines } from "../testing/log_lines.ts";
import { TestClock } from "../testing/test_clock.ts";
import { Grants } from "./grants.ts";
import { Logins } from "./logins.ts";
import { type AccessParts, controlAccessOf } from "./parts.ts";

const OPERATOR_TOKEN = "an-operator-token-of-a-test-0123456789";
const PEER = "192.0.2.1:1234";
const ADMIN = {
  account: { id: "", name: "" },
  peer: PEER,
  holder: { tokenId: "abc", name: "Ada", role: "admin" },
} as const;

interface Stage extends AccessParts {
  readonly entries: AuditEntry[];
  readonly clock: TestClock;
  /** Calls a method with a token. */
  call(method: string, token: string, peer?: string): Promise<unknown>;
  isFull: boolean;
}

async function onStage(play: (stage: Stage) => Promise<void>): Promise<void> {
  using kv = await Deno.openKv(":memory:");
  const clock = new TestClock();
  const grants = new Grants(kv, clock);
  const entries: AuditEntry[] = [];
  const note = (entry: AuditEntry) => void entries.push(entry);
  const parts = controlAccessOf({ grants, logins: new Logins(kv, grants, clock) }, {
    controlRule: { kind: "tokens", operatorToken: OPERATOR_TOKEN },
    audit: {
      ready: () =>
        stage.isFull ? Promise.reject(new StorageFailure(new Error("full"))) : Promise.resolve(),
      record: (entry) => Promise.resolve(note(entry)),
      note,
    },
    clock,
    log: new LogLines().log,
  });
  const stage: Stage = {
    ...{ ...parts, entries, clock, isFull: false },
    call: (method, token, peer = PEER) =>
      parts.controlAccess.admit({
        method,
        peer,
        patienceMs: Infinity,
        headers: {
          text: (name) => name === "authorization" ? `Bearer ${token}` : undefined,
          bytes: () => undefined,
        },
      }),
  };
  await play(stage);
}

Deno.test("A token that is made and revoked is told with who did it, from where", () =>
  onStage(async ({ access, entries }) => {
    const { grant } = await access.createToken({ name: "ci", role: "operator" }, ADMIN);
    await access.revokeToken(grant.id, ADMIN);
    await assertRejects(() => access.revokeToken(grant.id, ADMIN));
    const who = { tokenId: "abc", tokenName: "Ada" };
    assertEquals(entries.map((entry) => [entry.action, entry.outcome, entry.subject.tokenId]), [
      ["token.create", "done", grant.id],
      ["token.revoke", "done", grant.id],
      ["token.revoke", "refused", grant.id],
    ]);
    for (const entry of entries) assertEquals([entry.who, entry.from], [who, PEER]);
  }));

Deno.test("No token is made when no line of it can be written", () =>
  onStage(async (stage) => {
    stage.isFull = true;
    const make = () => stage.access.createToken({ name: "ci", role: "admin" }, ADMIN);
    await assertRejects(make, StorageFailure);
    assertEquals(await stage.access.listTokens(), []);
  }));

Deno.test("A use of a token is told once in ten minutes for each host, a refusal each time", () =>
  onStage(async ({ access, call, clock, entries }) => {
    const { token } = await access.createToken({ name: "ci", role: "viewer" }, ADMIN);
    entries.length = 0;
    const outcomes = () => entries.splice(0).map(({ outcome }) => outcome);
    await call("ListNodes", token);
    await call("ListRuns", token);
    assertEquals(outcomes(), ["done"]);
    await call("ListRuns", token, "192.0.2.2:1");
    assertEquals(outcomes(), ["done"]);
    clock.advance({ seconds: 600 });
    await call("ListRuns", token);
    assertEquals(outcomes(), ["done"]);
    await assertRejects(() => call("StopRun", token));
    await assertRejects(() => call("StopRun", "wrong"));
    assertEquals(outcomes(), ["refused", "refused"]);
  }));

Deno.test("A login is told when it is approved, when it is refused, and when it enters", () =>
  onStage(async ({ access, loginActions, entries }) => {
    const caller = { account: ADMIN.account, peer: "192.0.2.9:1" };
    const start = async () => {
      const { deviceCode = "" } = await loginActions.details(caller) as { deviceCode?: string };
      const [login] = await access.pendingLogins();
      return { deviceCode, code: login?.userCode ?? "" };
    };
    const first = await start();
    await access.approveLogin(first.code, { name: "Bob", role: "viewer" }, ADMIN);
    await loginActions.tokens(first.deviceCode, caller);
    const second = await start();
    await access.refuseLogin(second.code, ADMIN);
    const told = entries.map(({ action, from, who }) => [action, from, who.tokenName]);
    assertEquals(told, [
      ["login.approve", PEER, "Ada"],
      ["login.enter", "192.0.2.9:1", "Bob"],
      ["login.refuse", PEER, "Ada"],
    ]);
    assert(!JSON.stringify(entries).includes(first.deviceCode));
  }));
