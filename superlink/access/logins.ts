/**
 * The login of a person at a CLI, as a device does it (RFC 8628): the CLI gets a code, shows it, and
 * asks now and then whether it was approved; an admin approves it elsewhere and says as what.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { commit, Contention } from "../state/commit.ts";
import { keys } from "../state/layout.ts";
import { untilUncontended } from "../state/transitions.ts";
import { type Grants, LOGIN_LIFE_S, type LoginTokens } from "./grants.ts";
import type { Role } from "./roles.ts";
import type { LoginRow } from "./rows.ts";
import { hashOf, newSecret, newUserCode } from "./secrets.ts";

/** A login that was asked for: what the CLI keeps to itself, and what it shows. */
export interface StartedLogin {
  readonly deviceCode: string;
  readonly userCode: string;
}

/** How a login is approved. */
export interface Approval {
  readonly role: Role;
  /** Whose it is; by where it comes from when absent. */
  readonly name?: string | undefined;
  /** How long it holds, in seconds; {@linkcode LOGIN_LIFE_S} when absent. */
  readonly lifeS?: number | undefined;
  /** Who approves it, in words. */
  readonly by: string;
}

/** How a poll of a CLI ends: with tokens, or not yet, or never. */
export type LoginOutcome = LoginTokens | "pending" | "refused" | "unknown";

const SECOND_MICROS = 1_000_000;
/** How long a code holds. */
export const LOGIN_WAIT_S = 600;
/** How often a CLI is to ask. */
export const LOGIN_INTERVAL_S = 2;
/** Logins that wait at once. */
const PENDING_LIMIT = 1_000;

/** The logins that are under way. */
export class Logins {
  readonly #kv: Deno.Kv;
  readonly #grants: Grants;
  readonly #clock: Clock;

  constructor(kv: Deno.Kv, grants: Grants, clock: Clock) {
    this.#kv = kv;
    this.#grants = grants;
    this.#clock = clock;
  }

  /** Begins one for a peer (`address:port`); `undefined` when too many wait. */
  async start(peer: string): Promise<StartedLogin | undefined> {
    if ((await this.pending()).length >= PENDING_LIMIT) return undefined;
    const deviceCode = newSecret("device");
    const deviceHash = hashOf(deviceCode);
    return await untilUncontended(async () => {
      const userCode = newUserCode();
      const startedAt = this.#clock.nowMicros();
      const row: LoginRow = { userCode, deviceHash, peer, startedAt };
      const life = { expireIn: LOGIN_WAIT_S * 1000 };
      const operation = this.#kv.atomic()
        .check({ key: keys.login(userCode), versionstamp: null })
        .set(keys.login(userCode), row, life)
        .set(keys.device(deviceHash), userCode, life);
      if (await commit(operation) === undefined) throw new Contention("A login");
      return { deviceCode, userCode };
    });
  }

  /** Those that wait for an admin, oldest first. */
  async pending(): Promise<LoginRow[]> {
    const rows: LoginRow[] = [];
    for await (const { value } of this.#kv.list<LoginRow>({ prefix: keys.logins })) {
      if (value.decided === undefined && this.#holds(value)) rows.push(value);
    }
    return rows.sort((a, b) => a.startedAt - b.startedAt);
  }

  /** Lets the holder of the code in; `undefined` when none waits. */
  async approve(
    userCode: string,
    { role, name, lifeS = LOGIN_LIFE_S, by }: Approval,
  ): Promise<LoginRow | undefined> {
    const expiresAt = this.#clock.nowMicros() + lifeS * SECOND_MICROS;
    const named = name === undefined ? {} : { name };
    return await this.#decide(userCode, { as: "approved", role, expiresAt, by, ...named });
  }

  /** Shuts the holder of the code out; `undefined` when none waits. */
  async refuse(userCode: string): Promise<LoginRow | undefined> {
    return await this.#decide(userCode, { as: "refused" });
  }

  /** What came of a login. Tokens are given once. */
  async finish(deviceCode: string): Promise<LoginOutcome> {
    return await untilUncontended(async () => {
      const device = await this.#kv.get<string>(keys.device(hashOf(deviceCode)));
      if (device.value === null) return "unknown";
      const found = await this.#kv.get<LoginRow>(keys.login(device.value));
      if (!found.value || !this.#holds(found.value)) return "unknown";
      const { decided, peer } = found.value;
      if (decided === undefined) return "pending";
      const operation = this.#kv.atomic().check(found).delete(found.key).delete(device.key);
      const outcome = decided.as === "refused" ? decided.as : this.#grants.login(operation, {
        name: decided.name ?? `login from ${peer}`,
        role: decided.role,
        expiresAt: decided.expiresAt,
        createdBy: decided.by,
      });
      if (await commit(operation) === undefined) throw new Contention("A login");
      return outcome;
    });
  }

  async #decide(
    userCode: string,
    decided: NonNullable<LoginRow["decided"]>,
  ): Promise<LoginRow | undefined> {
    return await untilUncontended(async () => {
      const found = await this.#kv.get<LoginRow>(keys.login(userCode));
      if (!found.value || found.value.decided || !this.#holds(found.value)) return undefined;
      const row: LoginRow = { ...found.value, decided };
      const operation = this.#kv.atomic().check(found)
        .set(found.key, row, { expireIn: LOGIN_WAIT_S * 1000 });
      if (await commit(operation) === undefined) throw new Contention("A login");
      return row;
    });
  }

  #holds({ startedAt }: LoginRow): boolean {
    return this.#clock.nowMicros() < startedAt + LOGIN_WAIT_S * SECOND_MICROS;
  }
}
