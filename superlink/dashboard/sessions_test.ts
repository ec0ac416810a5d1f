import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { TokenAttempts } from "../access/attempts.ts";
import { Grants } from "../access/grants.ts";
import type { Role } from "../access/roles.ts";
import { OPERATOR } from "../control/gate.ts";
import { TestClock } from "../testing/test_clock.ts";
import type { PageAccess } from "./access.ts";
import type { PageNotes } from "./page_notes.ts";
import { MAX_TOKEN_CHARACTERS, PageTokens, THE_PAGE } from "./page_tokens.ts";
import { PageSessions } from "./sessions.ts";

const ACCESS: PageAccess = { kind: "token", token: "right-token", generated: false };
const HOUR_MS = 3_600_000;
const PEER = "192.0.2.1:1";

/** A page's sessions, on grants of their own. */
async function onSessions(
  play: (stage: {
    readonly sessions: PageSessions;
    readonly tokens: PageTokens;
    readonly grants: Grants;
    readonly clock: TestClock;
    /** What was said of tokens that came with requests. */
    readonly noted: readonly string[];
    pass(ms: number): void;
    grant(role: Role, expiresAt?: number): ReturnType<Grants["create"]>;
  }) => Promise<void>,
  access: PageAccess = ACCESS,
): Promise<void> {
  using kv = await Deno.openKv(":memory:");
  const clock = new TestClock();
  const grants = new Grants(kv, clock);
  const attempts = new TokenAttempts(10, clock);
  const tokens = new PageTokens({ access, operatorToken: "operator-token", grants, attempts });
  let nowMs = 0;
  const pass = (ms: number) => nowMs += ms;
  const noted: string[] = [];
  const notes: PageNotes = {
    signedIn: () => {},
    used: (peer, { tokenId }) => noted.push(`${tokenId} from ${peer}`),
    refused: (peer, at) => noted.push(`${at} refused of ${peer}`),
  };
  const sessions = new PageSessions(tokens, notes, true, () => nowMs);
  const grant = (role: Role, expiresAt?: number) =>
    grants.create({ name: `a ${role}`, role, createdBy: "a test", expiresAt });
  await play({ sessions, tokens, grants, clock, noted, pass, grant });
}

/** The headers with which a browser comes back after it was given a cookie. */
function returning(setCookie: string): Headers {
  return new Headers({ cookie: `other=1; ${setCookie.split(";")[0]}` });
}

Deno.test("PageSessions lets in who signed in, until half a day is over or they sign out", () =>
  onSessions(async ({ sessions, pass }) => {
    assertEquals(await sessions.holderOf(new Headers(), PEER), undefined);
    const cookie = sessions.begin(THE_PAGE);
    assertMatch(
      cookie,
      /^trellis-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; .*Secure$/,
    );
    assertEquals(await sessions.holderOf(returning(cookie), PEER), THE_PAGE);
    pass(12 * HOUR_MS + 1);
    assertEquals(await sessions.holderOf(returning(cookie), PEER), undefined);
    const again = sessions.begin(THE_PAGE);
    assertMatch(sessions.end(returning(again)), /^trellis-session=;.*Max-Age=0/);
    assertEquals(await sessions.holderOf(returning(again), PEER), undefined);
  }));

Deno.test("PageSessions forgets the oldest of too many", () =>
  onSessions(async ({ sessions }) => {
    const first = sessions.begin(THE_PAGE);
    for (let i = 0; i < 200; i++) sessions.begin(THE_PAGE);
    assertEquals(await sessions.holderOf(returning(first), PEER), undefined);
  }));

Deno.test("PageSessions ends a session with the token that it began with", () =>
  onSessions(async ({ sessions, grants, clock, grant }) => {
    const { grant: revoked } = await grant("viewer");
    const { grant: expiring } = await grant("operator", clock.nowMicros() + 5e6);
    const cookies = [revoked, expiring].map(({ id, name, role }) =>
      returning(sessions.begin({ tokenId: id, name, role }))
    );
    const names = async () =>
      await Promise.all(
        cookies.map(async (cookie) => (await sessions.holderOf(cookie, PEER))?.role),
      );
    assertEquals(await names(), ["viewer", "operator"]);
    await grants.revoke(revoked.id);
    assertEquals(await names(), [undefined, "operator"]);
    clock.advance({ seconds: 5 });
    assertEquals(await names(), [undefined, undefined]);
  }));

/** What is sent as a bearer token, and whose it is then. */
const BEARERS: [authorization: string, expected: string | undefined][] = [
  ["Bearer right-token", "page"],
  ["bearer right-token", "page"],
  ["Bearer operator-token", "operator"],
  ["Bearer wrong-token", undefined],
  ["Bearer right-token2", undefined],
  [`Bearer ${"x".repeat(MAX_TOKEN_CHARACTERS + 1)}`, undefined],
  ["Basic right-token", undefined],
  ["", undefined],
];

for (const [authorization, expected] of BEARERS) {
  Deno.test(`PageSessions finds ${expected ?? "nobody"} for "${authorization.slice(0, 30)}"`, () =>
    onSessions(async ({ sessions }) => {
      const holder = await sessions.holderOf(new Headers({ authorization }), PEER);
      assertEquals(holder?.tokenId, expected);
    }));
}

Deno.test("PageTokens takes API tokens that hold, and no other secrets", () =>
  onSessions(async ({ tokens, grants, clock, grant }) => {
    const [viewer, expired, revoked] = [
      await grant("viewer"),
      await grant("admin", clock.nowMicros() + 1),
      await grant("admin"),
    ];
    clock.advance({ micros: 1 });
    await grants.revoke(revoked.grant.id);
    const { id, name, role } = viewer.grant;
    assertEquals(await tokens.holderOf(viewer.token, PEER), { tokenId: id, name, role });
    for (const { token } of [expired, revoked]) {
      assertEquals(await tokens.holderOf(token, PEER), undefined);
    }
    // Fifteen minutes are no reason for half a day.
    using kv = await Deno.openKv(":memory:");
    const others = new Grants(kv, clock);
    const operation = kv.atomic();
    const wanted = { name: "Ada", role: "admin", createdBy: "a test" } as const;
    const { accessToken, refreshToken } = others.login(operation, wanted);
    await operation.commit();
    const attempts = new TokenAttempts(10, clock);
    const page = new PageTokens({
      ...{ access: ACCESS, operatorToken: undefined, grants: others, attempts },
    });
    assert(await others.of(accessToken));
    for (const secret of [accessToken, refreshToken, "", "operator-token"]) {
      assertEquals(await page.holderOf(secret, PEER), undefined);
    }
  }));

Deno.test("PageTokens listens to no more guesses of a host, and still to a token that was good there", () =>
  onSessions(async ({ tokens, grant }) => {
    const { token } = await grant("viewer");
    assert(await tokens.holderOf(token, PEER));
    for (let guess = 0; guess < 10; guess++) await tokens.holderOf(`guess ${guess}`, PEER);
    await assertRejects(() => tokens.holderOf("right-token", PEER), Error, "Too many tokens");
    assert(await tokens.holderOf(token, PEER));
    assert(await tokens.holderOf("right-token", "192.0.2.2:1"));
  }));

Deno.test("PageSessions asks nobody where anybody may read", () =>
  onSessions(async ({ sessions }) => {
    assert(!sessions.required);
    assertEquals(await sessions.holderOf(new Headers(), PEER), THE_PAGE);
  }, { kind: "anybody" }));

Deno.test("PageTokens knows the operator's own token for as long as the SuperLink runs", () =>
  onSessions(async ({ tokens }) => {
    assertEquals(await tokens.still(OPERATOR), OPERATOR);
  }));

Deno.test("PageSessions says whose tokens came with requests, and which were none", () =>
  onSessions(async ({ sessions, noted, grant }) => {
    const { grant: { id }, token } = await grant("viewer");
    for (const sent of [token, "wrong"]) {
      await sessions.holderOf(new Headers({ authorization: `Bearer ${sent}` }), PEER);
    }
    await sessions.holderOf(returning(sessions.begin(THE_PAGE)), PEER);
    assertEquals(noted, [`${id} from ${PEER}`, `token.use refused of ${PEER}`]);
  }));
