import { assert, assertEquals, assertMatch } from "@std/assert";
import { TestClock } from "../testing/test_clock.ts";
import { FullDisk } from "../testing/full_disk.ts";
import { ACCESS_LIFE_S, Grants, type LoginTokens, type NewGrant } from "./grants.ts";

interface Stage {
  readonly kv: Deno.Kv;
  readonly clock: TestClock;
  readonly grants: Grants;
  readonly disk: FullDisk;
  /** The logins of which a token was copied. */
  readonly copied: string[];
  /** Tokens as a login gets them. */
  login(): Promise<LoginTokens>;
}

const WANTED: NewGrant = { name: "ci", role: "operator", createdBy: "a test" };

async function onStage(play: (stage: Stage) => Promise<void>): Promise<void> {
  const disk = new FullDisk();
  using stored = await Deno.openKv(":memory:");
  const kv = disk.kv(stored);
  const clock = new TestClock();
  const copied: string[] = [];
  const grants = new Grants(kv, clock, ({ id }) => void copied.push(id));
  const expiresAt = clock.micros + 86_400_000_000;
  await play({
    kv,
    clock,
    grants,
    disk,
    copied,
    async login() {
      const operation = kv.atomic();
      const tokens = grants.login(operation, { ...WANTED, expiresAt });
      assert((await operation.commit()).ok);
      return tokens;
    },
  });
}

Deno.test("A token is 256 random bits, is known by its grant, and is not in the database", () =>
  onStage(async ({ kv, grants }) => {
    const { grant, token } = await grants.create(WANTED);
    assertMatch(token, /^trellis_t_[\w-]{43}$/);
    assertEquals(await grants.of(token), grant);
    for await (const { key, value } of kv.list({ prefix: [] })) {
      assert(!JSON.stringify([key, value]).includes(token.slice("trellis_t_".length)));
    }
  }));

Deno.test("What is not exactly a token is none", () =>
  onStage(async ({ grants }) => {
    const { grant, token } = await grants.create(WANTED);
    const wrong = ["", grant.id, token.slice(1), `${token}A`, token.toUpperCase(), ` ${token}`];
    for (const text of wrong) assertEquals(await grants.of(text), undefined, text);
  }));

Deno.test("A token ends when it expires, and when it is revoked, once", () =>
  onStage(async ({ clock, grants }) => {
    const expiring = await grants.create({ ...WANTED, expiresAt: clock.micros + 1_000_000 });
    const lasting = await grants.create(WANTED);
    clock.advance({ seconds: 1 });
    assertEquals(await grants.of(expiring.token), undefined);
    assert(await grants.of(lasting.token));
    assertEquals(await grants.revoke(expiring.grant.id), undefined);
    assertEquals((await grants.revoke(lasting.grant.id))?.revokedAt, clock.micros);
    assertEquals(await grants.of(lasting.token), undefined);
    assertEquals(await grants.revoke(lasting.grant.id), undefined);
    assertEquals((await grants.list()).length, 2);
  }));

Deno.test("An access token is short-lived, and is renewed with its refresh token", () =>
  onStage(async ({ clock, grants, login }) => {
    const { grant, accessToken, refreshToken } = await login();
    assertEquals(await grants.of(accessToken), grant);
    assertEquals(await grants.of(refreshToken), undefined, "a refresh token makes no calls");
    assertEquals(await grants.refresh(accessToken), undefined, "nor does the other refresh");
    clock.advance({ seconds: ACCESS_LIFE_S });
    assertEquals(await grants.of(accessToken), undefined);
    const renewed = await grants.refresh(refreshToken);
    assert(renewed);
    assertEquals(await grants.of(renewed.accessToken), grant);
  }));

Deno.test("Two commands may use a refresh token side by side; later it ends the login", () =>
  onStage(async ({ clock, grants, login, copied }) => {
    const { refreshToken } = await login();
    const first = await grants.refresh(refreshToken);
    clock.advance({ seconds: 60 });
    assert(await grants.refresh(refreshToken));
    clock.advance({ seconds: 1 });
    assertEquals(await grants.refresh(refreshToken), undefined);
    assertEquals(await grants.of(first?.accessToken ?? ""), undefined);
    assertEquals(await grants.refresh(first?.refreshToken ?? ""), undefined);
    assertEquals(copied, [first?.grant.id]);
  }));

Deno.test("A login that was revoked or has expired is not renewed", () =>
  onStage(async ({ clock, grants, login }) => {
    const revoked = await login();
    const expired = await login();
    await grants.revoke(revoked.grant.id);
    assertEquals(await grants.refresh(revoked.refreshToken), undefined);
    clock.advance({ seconds: 86_400 });
    assertEquals(await grants.refresh(expired.refreshToken), undefined);
  }));

Deno.test("A list says when each token was used last, to a minute", () =>
  onStage(async ({ clock, grants }) => {
    const { grant } = await grants.create(WANTED);
    const lastUse = async () => (await grants.list())[0]?.usedAt;
    assertEquals(await lastUse(), undefined);
    const first = clock.micros;
    await grants.used(grant);
    clock.advance({ seconds: 59 });
    await grants.used(grant);
    assertEquals(await lastUse(), first);
    clock.advance({ seconds: 1 });
    await grants.used(grant);
    assertEquals(await lastUse(), clock.micros);
  }));

Deno.test("A token may be used while the disk is full", () =>
  onStage(async ({ clock, grants, disk }) => {
    const { grant } = await grants.create(WANTED);
    disk.fails = () => true;
    await grants.used(grant);
    disk.fails = () => false;
    clock.advance({ seconds: 60 });
    await grants.used(grant);
    assertEquals((await grants.list())[0]?.usedAt, clock.micros);
  }));

Deno.test("A month after its end nothing of a token is left", () =>
  onStage(async ({ kv, clock, grants }) => {
    const { grant } = await grants.create(WANTED);
    const { grant: lasting } = await grants.create(WANTED);
    await grants.used(grant);
    await grants.revoke(grant.id);
    clock.advance({ seconds: 30 * 86_400 - 1 });
    await grants.sweep();
    assertEquals((await grants.list()).length, 2);
    clock.advance({ seconds: 1 });
    await grants.sweep();
    assertEquals((await grants.list()).map(({ id }) => id), [lasting.id]);
    const keys = await Array.fromAsync(kv.list({ prefix: [] }), ({ key }) => key[0]);
    assertEquals(keys, ["grant", "secret"]);
  }));
