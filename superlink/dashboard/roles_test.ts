import { assert, assertEquals, assertMatch } from "@std/assert";
import { formatAddress } from "../../wire/address.ts";
import { generatePrivateKey } from "../../keys/private_key.ts";
import { spkiPem } from "../../keys/public_key.ts";
import type { AuditEntry } from "../audit/audit.ts";
import { Grants } from "../access/grants.ts";
import type { Role } from "../access/roles.ts";
import type { PageAccess } from "./access.ts";
import { AppClient } from "../testing/app_client.ts";
import { startTestSuperLink } from "../testing/test_superlink.ts";

/** A trail of which the test reads the lines. */
function linesOfTrail() {
  const lines: AuditEntry[] = [];
  const keep = (entry: AuditEntry) => {
    lines.push(entry);
    return Promise.resolve();
  };
  return { lines, trail: { ready: () => Promise.resolve(), record: keep, note: keep } };
}

/** A page with a token, to which API tokens sign in. */
async function stage(
  pageAccess: PageAccess = { kind: "token", token: "the-token-of-the-page", generated: false },
) {
  const { lines, trail } = linesOfTrail();
  const link = await startTestSuperLink({
    dashboard: { address: { host: "127.0.0.1", port: 0 }, byDefault: false, tokenFile: undefined },
    pageAccess,
    audit: trail,
  });
  assert(link.dashboardAddress);
  const url = `http://${formatAddress(link.dashboardAddress)}`;
  const grants = new Grants(link.database.kv, link.clock);
  const send = async (path: string, headers: HeadersInit, body?: unknown) => {
    const options = body === undefined ? { headers } : {
      method: "POST",
      headers: { "content-type": "application/json", origin: url, ...headers },
      body: JSON.stringify(body),
    };
    const response = await fetch(url + path, options);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  return {
    ...{ link, url, lines, grants, send },
    /** Signs in; gives the cookie of the session. */
    async signIn(token: string): Promise<Record<string, string>> {
      const { status, headers, text } = await send("/api/login", {}, { token });
      assertEquals(status, 200, text);
      return { cookie: (headers.get("set-cookie") ?? "").split(";")[0] ?? "" };
    },
    grant: (role: Role) => grants.create({ name: `the ${role}`, role, createdBy: "a test" }),
    [Symbol.asyncDispose]: () => link.stop(),
  };
}

Deno.test("Who signs in to the page with an API token may do what its role says", async () => {
  await using page = await stage();
  const { link, lines, send } = page;
  using app = new AppClient(link);
  const { publicKey } = await generatePrivateKey("P-256");
  const registration = { publicKey: spkiPem(publicKey), name: "hospital" };

  /** What each role is answered. */
  const expected: Record<Role, { look: number; access: number; stop: number; register: number }> = {
    viewer: { look: 200, access: 403, stop: 403, register: 403 },
    operator: { look: 200, access: 403, stop: 200, register: 403 },
    admin: { look: 200, access: 200, stop: 200, register: 200 },
  };
  for (const role of ["viewer", "operator", "admin"] as const) {
    const { runId } = await app.running();
    const { grant, token } = await page.grant(role);
    const cookie = await page.signIn(token);
    const session = JSON.parse((await send("/api/session", cookie)).text);
    assertEquals([session.signedIn, session.role, session.name], [true, role, `the ${role}`]);
    const found = {
      look: (await send("/api/nodes", cookie)).status,
      access: (await send("/api/access", cookie)).status,
      stop: (await send(`/api/runs/${runId}/stop`, cookie, {})).status,
      register: (await send("/api/nodes", cookie, registration)).status,
    };
    assertEquals(found, expected[role], role);
    assertEquals((await send("/metrics", { authorization: `Bearer ${token}` })).status, 200);

    const who = { tokenId: grant.id, tokenName: `the ${role}` };
    const mine = lines.filter(({ who: { tokenId } }) => tokenId === grant.id);
    for (const line of mine) assertEquals(line.who, who);
    assertEquals(
      mine.filter(({ action }) => action !== "token.use").map(({ action, outcome }) =>
        `${action} ${outcome}`
      ),
      [
        "page.login done",
        ...(role === "admin" ? [] : ["control.ListLogins refused"]),
        `run.stop ${role === "viewer" ? "refused" : "done"}`,
        `node.register ${role === "admin" ? "done" : "refused"}`,
      ],
    );
    assert(!link.logged.toString().includes(token));
  }
  const refused = await send(
    "/api/nodes",
    await page.signIn((await page.grant("viewer")).token),
    {},
  );
  assertMatch(
    JSON.parse(refused.text).error,
    /needs a token with the role admin; this one has viewer/,
  );
});

Deno.test("The page's own token is an admin's, and its lines say that it was the page", async () => {
  await using page = await stage();
  const cookie = await page.signIn("the-token-of-the-page");
  assertEquals(JSON.parse((await page.send("/api/session", cookie)).text).role, "admin");
  assertEquals((await page.send("/api/tokens", cookie, { name: "x", role: "viewer" })).status, 200);
  const { who } = page.lines.find(({ action }) => action === "token.create") ?? {};
  assertEquals(who, { tokenId: "page", tokenName: "the page" });
});

Deno.test("A token that is revoked ends its sessions at once, also where a page listens", async () => {
  await using page = await stage();
  const { grant, token } = await page.grant("admin");
  const cookie = await page.signIn(token);
  const events = await fetch(`${page.url}/api/events`, { headers: cookie });
  assertEquals(events.status, 200);
  const other = await fetch(`${page.url}/api/events`, {
    headers: await page.signIn("the-token-of-the-page"),
  });
  const revoked = await page.send("/api/tokens/revoke", cookie, { id: grant.id });
  assertEquals(revoked.status, 200);
  assertEquals((await page.send("/api/nodes", cookie)).status, 401);
  assertMatch(await events.text(), /event: signed-out\ndata:\n\n$/);
  assertEquals(JSON.parse((await page.send("/api/session", cookie)).text).signedIn, false);
  assertEquals((await page.send("/api/login", {}, { token })).status, 401);
  assertEquals((await page.send("/metrics", { authorization: `Bearer ${token}` })).status, 401);
  const tooLong = await page.send("/api/login", {}, { token: "x".repeat(1_025) });
  assertEquals(tooLong.status, 400);
  assertMatch(tooLong.text, /at most 1,024 characters/);
  await other.body?.cancel();
});

Deno.test("A page that is closed for this machine, too, lets in who has a token of the Control API", async () => {
  await using page = await stage({ kind: "api-tokens" });
  const { send } = page;
  const wanted = { name: "x", role: "admin", days: "" };
  for (const path of ["/api/nodes", "/metrics", "/api/access"]) {
    assertEquals((await send(path, {})).status, 401, path);
  }
  assertEquals((await send("/api/tokens", {}, wanted)).status, 401);
  assertEquals((await send("/api/login", {}, { token: "page" })).status, 401);
  const { token } = await page.grant("admin");
  assertEquals((await send("/api/tokens", await page.signIn(token), wanted)).status, 200);
});

Deno.test("The page makes a token for whole days or for ever, and for nothing else", async () => {
  await using page = await stage();
  const cookie = await page.signIn("the-token-of-the-page");
  const nowMicros = page.link.clock.nowMicros();
  for (const days of ["0", "0.5", "-1", "1e3", "100000", "9 0", "soon"]) {
    const { status, text } = await page.send("/api/tokens", cookie, {
      ...{ name: "x", role: "viewer", days },
    });
    assertEquals([status, JSON.parse(text).error.includes("whole number")], [400, true], days);
  }
  assertEquals(await page.grants.list(), []);
  for (const [days, life] of [["90", 90 * 86_400e6], ["", undefined]] as const) {
    await page.send("/api/tokens", cookie, { name: `for ${days}`, role: "viewer", days });
    const made = (await page.grants.list()).find(({ name }) => name === `for ${days}`);
    assertEquals(made?.expiresAt, life && nowMicros + life);
  }
});

Deno.test("A name that is given with a registration is as clean and as short as any other", async () => {
  await using page = await stage();
  const cookie = await page.signIn("the-token-of-the-page");
  const { publicKey } = await generatePrivateKey("P-256");
  const name = `a\u202eb\n${"x".repeat(200)}`;
  const { status } = await page.send("/api/nodes", cookie, { publicKey: spkiPem(publicKey), name });
  assertEquals(status, 200);
  const { rows: [node] } = JSON.parse((await page.send("/api/nodes", cookie)).text);
  assertMatch(node.name, /^a ?b ?x{120,}$/);
  assert(node.name.length <= 128);
});
