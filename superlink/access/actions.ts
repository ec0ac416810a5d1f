/**
 * What admins do with tokens and logins, whoever asks: the API, the page, or the first command on a
 * database that nobody serves yet.
 *
 * @module
 */

import type { Log } from "../../terminal/log.ts";
import { StatusError } from "../../wire/status.ts";
import { audited, type AuditSubject, type AuditTrail } from "../audit/audit.ts";
import type { Clock } from "../clock.ts";
import { actorOf, callerText, type ControlCaller } from "../control/caller.ts";
import type { Grants, ListedGrant } from "./grants.ts";
import type { Logins } from "./logins.ts";
import { type Role, roleOf, ROLES } from "./roles.ts";
import type { GrantRow, LoginRow } from "./rows.ts";
import { readUserCode } from "./secrets.ts";

/** What the actions work on. */
export interface AccessActionOptions {
  readonly grants: Grants;
  readonly logins: Logins;
  readonly audit: AuditTrail;
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
    const by = callerText(caller);
    const make = async () => {
      const role = requireRole(wanted.role);
      const name = requireName(wanted.name);
      const lifeS = requireLife(wanted.lifeS);
      const expiresAt = lifeS && clock.nowMicros() + lifeS * SECOND_MICROS;
      return await grants.create({ name, role, expiresAt, createdBy: by });
    };
    const made = await this.#audited(caller, "token.create", {}, make, ({ grant }) => ({
      tokenId: grant.id,
      detail: `${grant.role} "${grant.name}"`,
    }));
    const { name, role } = made.grant;
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

  /** Throws `NOT_FOUND` when there is no such token, or it has ended. */
  async revokeToken(id: string, caller: ControlCaller): Promise<GrantRow> {
    const { grants, log } = this.#options;
    const tokenId = id.trim().toLowerCase().slice(0, MAX_NAME_CHARACTERS);
    const revoked = await this.#audited(caller, "token.revoke", { tokenId }, async () => {
      const found = await grants.revoke(tokenId);
      if (!found) throw notFound(`There is no active token "${tokenId}".`);
      return found;
    });
    const by = callerText(caller);
    log.info("token.revoked", `Token ${revoked.id} "${revoked.name}" was revoked by ${by}.`, {
      tokenId: revoked.id,
    });
    return revoked;
  }

  pendingLogins(): Promise<LoginRow[]> {
    return this.#options.logins.pending();
  }

  /** Lets somebody in who shows this code. Throws `NOT_FOUND` when no login waits with it. */
  async approveLogin(
    code: string,
    wanted: WantedAccess,
    caller: ControlCaller,
  ): Promise<LoginRow> {
    const { logins, log } = this.#options;
    const role = requireRole(wanted.role);
    const by = callerText(caller);
    const row = await this.#audited(caller, "login.approve", { detail: role }, async () => {
      const name = wanted.name === "" ? undefined : requireName(wanted.name);
      const lifeS = requireLife(wanted.lifeS);
      const found = await logins.approve(readUserCode(code), { role, name, lifeS, by });
      if (!found) throw noLogin(code);
      return found;
    }, ({ peer }) => ({ detail: `${role}, for ${peer}` }));
    log.info(
      "login.approved",
      `The login ${row.userCode} from ${row.peer} was approved as ${role} by ${by}.`,
      { role, peer: row.peer },
    );
    return row;
  }

  /** Shuts them out. Throws `NOT_FOUND` when no login waits with this code. */
  async refuseLogin(code: string, caller: ControlCaller): Promise<LoginRow> {
    const { logins, log } = this.#options;
    const row = await this.#audited(caller, "login.refuse", {}, async () => {
      const found = await logins.refuse(readUserCode(code));
      if (!found) throw noLogin(code);
      return found;
    }, ({ peer }) => ({ detail: `of ${peer}` }));
    const by = callerText(caller);
    log.info("login.refused", `The login ${row.userCode} from ${row.peer} was refused by ${by}.`, {
      peer: row.peer,
    });
    return row;
  }

  #audited<T>(
    caller: ControlCaller,
    action: string,
    subject: AuditSubject,
    act: () => Promise<T>,
    subjectOf?: (result: T) => AuditSubject,
  ): Promise<T> {
    const { audit } = this.#options;
    return audited(audit, { ...actorOf(caller), action, subject }, act, subjectOf);
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
  // With a number of its own it would not pass for a method that is not there.
  return new StatusError("NOT_FOUND", detail, { http: { status: 404, detail } });
}
