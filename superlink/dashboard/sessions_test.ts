import { assert, assertEquals, assertMatch } from "@std/assert";
import type { PageAccess } from "./access.ts";
import { PageSessions } from "./sessions.ts";

const ACCESS: PageAccess = { kind: "token", token: "right-token", generated: false };
const HOUR_MS = 3_600_000;

/** The headers with which a browser comes back after it was given a cookie. */
function returning(setCookie: string): Headers {
  return new Headers({ cookie: `other=1; ${setCookie.split(";")[0]}` });
}

Deno.test("PageSessions lets in who signed in, until half a day is over or they sign out", () => {
  let nowMs = 0;
  const sessions = new PageSessions(ACCESS, true, () => nowMs);
  assert(!sessions.mayRead(new Headers()));
  const cookie = sessions.begin();
  assertMatch(cookie, /^trellis-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; .*Secure$/);
  assert(sessions.mayRead(returning(cookie)));
  nowMs = 12 * HOUR_MS + 1;
  assert(!sessions.mayRead(returning(cookie)));
  const again = sessions.begin();
  assertMatch(sessions.end(returning(again)), /^trellis-session=;.*Max-Age=0/);
  assert(!sessions.mayRead(returning(again)));
});

Deno.test("PageSessions knows nobody of another page, and forgets the oldest of too many", () => {
  const [one, other] = [new PageSessions(ACCESS, false), new PageSessions(ACCESS, false)];
  const first = one.begin();
  assert(!other.mayRead(returning(first)));
  for (let i = 0; i < 200; i++) one.begin();
  assert(!one.mayRead(returning(first)));
});

/** What monitors send, and whether it is good. */
const BEARERS: [authorization: string, expected: boolean][] = [
  ["Bearer right-token", true],
  ["bearer right-token", true],
  ["Bearer wrong-token", false],
  ["Bearer right-token2", false],
  ["Basic right-token", false],
  ["", false],
];

for (const [authorization, expected] of BEARERS) {
  Deno.test(`PageSessions ${expected ? "takes" : "refuses"} "${authorization}"`, () => {
    const headers = new Headers({ authorization });
    assertEquals(new PageSessions(ACCESS, false).mayRead(headers), expected);
  });
}

Deno.test("PageSessions asks nobody where anybody may read", () => {
  const sessions = new PageSessions({ kind: "anybody" }, false);
  assert(!sessions.required && sessions.mayRead(new Headers()));
  assert(!sessions.isToken(""));
});
