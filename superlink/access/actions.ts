/**
 * What admins do with tokens and logins, whoever asks: the API, the page, or the first command on a
 * database that nobody serves yet.
 *
 * @module
 */

import type { Log } from "../../terminal/log.ts";
import { StatusError } from "../../wire/status.ts";
import type { Clock } from "../clock.ts";
import { callerText, type ControlCaller } from "../control/caller.ts";
import type { Grants, ListedGrant } from "./grants.ts";
import type { Logins } from "./logins.ts";
import { type Role, roleOf, ROLES } from "./roles.ts";
import type { GrantRow, LoginRow } from "./rows.ts";
import { readUserCode } from "./secrets.ts";

/** What the actions work on. */
export interface AccessActionOptions {
  readonly grants: Grants;
  readonly logins: Logins;
  readonly clock: Clock;
  readonly log: Log;
}

/** What an admin says of a token, or of a login that they approve. */
export interface WantedAccess {
  readonly name: string;
  /** One of {@linkcode ROLES}. */
  readonly role: string;
  /** How long it holds, in seconds. */
  readonly lifeS?: number | undefined;
}

const SECOND_MICROS = 1_000_000;
/** What a token can be called. */
const MAX_NAME_CHARACTERS = 100;
/** A hundred years: more would be no number of microseconds that JavaScript can count. */
const MAX_LIFE_S = 100 * 366 * 86_400;

/** The actions of admins. */
export class AccessActions {
  readonly #options: AccessActionOptions;

  constructor(options: AccessActionOptions) {
    this.#options = options;
  }

  /** Makes an API token. Throws `INVALID_ARGUMENT` for a role, name or time that cannot be. */
  async createToken(
    wanted: WantedAccess,
    caller: ControlCaller,
  ): Promise<{ readonly grant: GrantRow; readonly token: string }> {
    const { grants, clock, log } = this.#options;
    const role = requireRole(wanted.role);
    const name = requireName(wanted.name);
    const lifeS = requireLife(wanted.lifeS);
    const expiresAt = lifeS && clock.nowMicros() + lifeS * SECOND_MICROS;
    const by = callerText(caller);
    const made = await grants.create({ name, role, expiresAt, createdBy: by });
    const { id } = made.grant;
    log.info("token.created", `Token ${id} "${name}" with the role ${role} was created by ${by}.`, {
      tokenId: id,
      role,
    });
    return made;
  }

  listTokens(): Promise<ListedGrant[]> {
    return this.#options.grants.list();
  }

  /** Throws `FAILED_PRECONDITION` when there is no such token, or it has ended. */
  async revokeToken(id: string, caller: ControlCaller): Promise<GrantRow> {
    const { grants, log } = this.#options;
    const tokenId = id.trim().toLowerCase().slice(0, MAX_NAME_CHARACTERS);
    const revoked = await grants.revoke(tokenId);
    if (!revoked) throw notFound(`There is no active token "${tokenId}".`);
    const by = callerText(caller);
    log.info("token.revoked", `Token ${revoked.id} "${revoked.name}" was revoked by ${by}.`, {
      tokenId: revoked.id,
    });
    return revoked;
  }

  pendingLogins(): Promise<LoginRow[]> {
    return this.#options.logins.pending();
  }

  /** Lets somebody in who shows this code. Throws `FAILED_PRECONDITION` when no login waits with it. */
  async approveLogin(
    code: string,
    wanted: WantedAccess,
    caller: ControlCaller,
  ): Promise<LoginRow> {
    const { logins, log } = this.#options;
    const role = requireRole(wanted.role);
    const name = wanted.name === "" ? undefined : requireName(wanted.name);
    const lifeS = requireLife(wanted.lifeS);
    const by = callerText(caller);
    const row = await logins.approve(readUserCode(code), { role, name, lifeS, by });
    if (!row) throw noLogin(code);
    log.info(
      "login.approved",
      `The login ${row.userCode} from ${row.peer} was approved as ${role} by ${by}.`,
      { role, peer: row.peer },
    );
    return row;
  }

  /** Shuts them out. Throws `FAILED_PRECONDITION` when no login waits with this code. */
  async refuseLogin(code: string, caller: ControlCaller): Promise<LoginRow> {
    const { logins, log } = this.#options;
    const row = await logins.refuse(readUserCode(code));
    if (!row) throw noLogin(code);
    const by = callerText(caller);
    log.info("login.refused", `The login ${row.userCode} from ${row.peer} was refused by ${by}.`, {
      peer: row.peer,
    });
    return row;
  }
}

function requireRole(text: string): Role {
  const role = roleOf(text);
  if (role) return role;
  throw invalid(`There is no role "${text.slice(0, 20)}". There are: ${ROLES.join(", ")}.`);
}

function requireName(text: string): string {
  const name = text.trim();
  if (name === "") throw invalid("A token needs a name.");
  if (name.length <= MAX_NAME_CHARACTERS && !/\p{Cc}/u.test(name)) return name;
  throw invalid(`A name has at most ${MAX_NAME_CHARACTERS} characters, on one line.`);
}

function requireLife(lifeS: number | undefined): number | undefined {
  if (lifeS === undefined || lifeS > 0 && lifeS <= MAX_LIFE_S) return lifeS;
  throw invalid("A token holds for a second at least, and a hundred years at most.");
}

function noLogin(code: string): StatusError {
  return notFound(`No login waits with the code "${code.slice(0, 20)}".`);
}

function invalid(detail: string): StatusError {
  return new StatusError("INVALID_ARGUMENT", detail, { http: { status: 400, detail } });
}

function notFound(detail: string): StatusError {
  // Over HTTP a 404 without a number says that there is no such method.
  return new StatusError("FAILED_PRECONDITION", detail);
}
