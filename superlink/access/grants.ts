/**
 * Who may call the Control API: grants, each of which is an API token or a login. A grant is known by
 * its id, and can be revoked; the secrets that its holder sends lead to it. They are read from the
 * database on each call, so a SuperLink that shares it knows of a revocation as soon as it is written.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { commit, Contention, StorageFailure } from "../state/commit.ts";
import { keys } from "../state/layout.ts";
import { untilUncontended } from "../state/transitions.ts";
import type { Role } from "./roles.ts";
import type { GrantRow, SecretRow } from "./rows.ts";
import { hashOf, newGrantId, newSecret } from "./secrets.ts";

/** What is to be granted. Times are microseconds since the epoch. */
export interface NewGrant {
  readonly name: string;
  readonly role: Role;
  /** For ever without. */
  readonly expiresAt?: number | undefined;
  /** Who grants it, in words. */
  readonly createdBy: string;
}

/** A pair of tokens of a login: one for calls, and one for the next pair. */
export interface LoginTokens {
  readonly grant: GrantRow;
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** A grant, and when it was used last, to a minute. */
export interface ListedGrant extends GrantRow {
  readonly usedAt?: number;
}

const SECOND_MICROS = 1_000_000;
/** How long an access token holds: so long does one that was copied from a log or a screen work. */
export const ACCESS_LIFE_S = 15 * 60;
/** How long a login holds that says nothing else. */
export const LOGIN_LIFE_S = 30 * 86_400;
/** Two commands that run side by side both send the refresh token that one of them replaces. */
const REPLACED_GRACE_S = 60;
/** How long a grant that has ended is still listed. */
const KEPT_AFTER_END_S = 30 * 86_400;
/** How exactly is known when a grant was used last: a write a call would be too many. */
const USE_STEP_S = 60;

/** The grants of a SuperLink. */
export class Grants {
  readonly #kv: Deno.Kv;
  readonly #clock: Clock;
  /** When each grant's use was written down last. */
  readonly #noted = new Map<string, number>();

  readonly #copied: (grant: GrantRow) => void;

  /** `copied` is told of a login that ends because its refresh token was used twice. */
  constructor(kv: Deno.Kv, clock: Clock, copied: (grant: GrantRow) => void = () => {}) {
    this.#kv = kv;
    this.#clock = clock;
    this.#copied = copied;
  }

  /** Makes an API token. The token itself is given this once and is not kept. */
  async create(wanted: NewGrant): Promise<{ readonly grant: GrantRow; readonly token: string }> {
    const grant = this.#grant("token", wanted);
    const token = newSecret("token");
    const secret: SecretRow = { grantId: grant.id, use: "token" };
    await this.#write(
      this.#kv.atomic()
        .check({ key: keys.grant(grant.id), versionstamp: null })
        .set(keys.grant(grant.id), grant)
        .set(keys.secret(hashOf(token)), secret),
    );
    return { grant, token };
  }

  /** Adds a login and its first tokens to a commit that makes it so. */
  login(operation: Deno.AtomicOperation, wanted: NewGrant): LoginTokens {
    const grant = this.#grant("login", wanted);
    operation.check({ key: keys.grant(grant.id), versionstamp: null })
      .set(keys.grant(grant.id), grant);
    return this.#issue(operation, grant);
  }

  /** All of them, also those that have ended lately, oldest first. */
  async list(): Promise<ListedGrant[]> {
    const grants: GrantRow[] = [];
    for await (const { value } of this.#kv.list<GrantRow>({ prefix: keys.grants })) {
      grants.push(value);
    }
    const used = await Promise.all(
      grants.map(({ id }) => this.#kv.get<number>(keys.grantUsed(id))),
    );
    return grants
      .map((grant, index) => ({ ...grant, ...usedAt(used[index]?.value) }))
      .sort((a, b) => a.createdAt - b.createdAt);
  }

  /** The grant as it is after it was revoked; `undefined` when there is none or it has ended. */
  async revoke(id: string): Promise<GrantRow | undefined> {
    return await untilUncontended(async () => {
      const found = await this.#kv.get<GrantRow>(keys.grant(id));
      if (!found.value || this.hasEnded(found.value)) return undefined;
      const revoked: GrantRow = { ...found.value, revokedAt: this.#clock.nowMicros() };
      await this.#write(this.#kv.atomic().check(found).set(found.key, revoked));
      return revoked;
    });
  }

  /**
   * Ends every login, after a restore: a refresh token that was replaced since would hold again, and
   * the one that replaced it does not.
   */
  async endLogins(): Promise<void> {
    for (const grant of await this.list()) if (grant.kind === "login") await this.revoke(grant.id);
  }

  /** The grant that a token for calls belongs to, if it holds. */
  async of(token: string): Promise<GrantRow | undefined> {
    const found = await this.#secret(token);
    if (!found || found.value.use === "refresh") return undefined;
    return await this.holding(found.value.grantId);
  }

  /**
   * New tokens for a refresh token, which does not hold after that. One that is used a second time
   * was copied: its login ends (RFC 9700, section 4.14.2).
   */
  async refresh(refreshToken: string): Promise<LoginTokens | undefined> {
    return await untilUncontended(async () => {
      const found = await this.#secret(refreshToken);
      if (found?.value.use !== "refresh") return undefined;
      const grant = await this.holding(found.value.grantId);
      if (!grant) return undefined;
      const now = this.#clock.nowMicros();
      const { replacedAt = now } = found.value;
      if (now > replacedAt + REPLACED_GRACE_S * SECOND_MICROS) {
        if (await this.revoke(grant.id)) this.#copied(grant);
        return undefined;
      }
      const operation = this.#kv.atomic().check(found);
      operation.set(found.key, { ...found.value, replacedAt }, this.#kvLife(grant));
      const tokens = this.#issue(operation, grant);
      await this.#write(operation);
      return tokens;
    });
  }

  /** The grant with an id, if it holds. */
  async holding(id: string): Promise<GrantRow | undefined> {
    const { value } = await this.#kv.get<GrantRow>(keys.grant(id));
    return value && !this.hasEnded(value) ? value : undefined;
  }

  /** Takes note of a use, now and then. */
  async used({ id }: GrantRow): Promise<void> {
    const now = this.#clock.nowMicros();
    if (now < (this.#noted.get(id) ?? 0) + USE_STEP_S * SECOND_MICROS) return;
    this.#noted.set(id, now);
    try {
      await this.#write(this.#kv.atomic().set(keys.grantUsed(id), now));
    } catch (error) {
      // On a full disk, whoever only looks may.
      if (!(error instanceof StorageFailure)) throw error;
    }
  }

  /** Whether a grant was revoked or has expired. */
  hasEnded({ revokedAt, expiresAt = Infinity }: GrantRow): boolean {
    return revokedAt !== undefined || expiresAt <= this.#clock.nowMicros();
  }

  /** Deletes what ended so long ago that nobody asks. Any SuperLink may do it for all. */
  async sweep(): Promise<void> {
    const before = this.#clock.nowMicros() - KEPT_AFTER_END_S * SECOND_MICROS;
    const gone = new Set<string>();
    for await (const { value } of this.#kv.list<GrantRow>({ prefix: keys.grants })) {
      if (Math.min(value.revokedAt ?? Infinity, value.expiresAt ?? Infinity) > before) continue;
      gone.add(value.id);
    }
    if (gone.size === 0) return;
    for await (const { key, value } of this.#kv.list<SecretRow>({ prefix: keys.secrets })) {
      if (gone.has(value.grantId)) await this.#write(this.#kv.atomic().delete(key));
    }
    for (const id of gone) {
      this.#noted.delete(id);
      await this.#write(this.#kv.atomic().delete(keys.grant(id)).delete(keys.grantUsed(id)));
    }
  }

  #grant(kind: GrantRow["kind"], { name, role, expiresAt, createdBy }: NewGrant): GrantRow {
    const createdAt = this.#clock.nowMicros();
    const life = expiresAt === undefined ? {} : { expiresAt };
    return { id: newGrantId(), kind, name, role, createdAt, createdBy, ...life };
  }

  #issue(operation: Deno.AtomicOperation, grant: GrantRow): LoginTokens {
    const accessToken = newSecret("access");
    const refreshToken = newSecret("refresh");
    const expiresAt = this.#clock.nowMicros() + ACCESS_LIFE_S * SECOND_MICROS;
    const access: SecretRow = { grantId: grant.id, use: "access", expiresAt };
    const refresh: SecretRow = { grantId: grant.id, use: "refresh" };
    operation
      .set(keys.secret(hashOf(accessToken)), access, { expireIn: ACCESS_LIFE_S * 2_000 })
      .set(keys.secret(hashOf(refreshToken)), refresh, this.#kvLife(grant));
    return { grant, accessToken, refreshToken };
  }

  /** Deno KV lets go of what has expired some time later. */
  #kvLife({ expiresAt }: GrantRow): { readonly expireIn?: number } {
    if (expiresAt === undefined) return {};
    return { expireIn: Math.max(1, Math.ceil((expiresAt - this.#clock.nowMicros()) / 1000)) };
  }

  async #secret(secret: string) {
    const found = await this.#kv.get<SecretRow>(keys.secret(hashOf(secret)));
    if (found.value === null) return undefined;
    const { expiresAt = Infinity } = found.value;
    return expiresAt > this.#clock.nowMicros() ? found : undefined;
  }

  async #write(operation: Deno.AtomicOperation): Promise<void> {
    if (await commit(operation) === undefined) throw new Contention("A token");
  }
}

function usedAt(micros: number | null | undefined): Pick<ListedGrant, "usedAt"> {
  return micros ? { usedAt: micros } : {};
}
