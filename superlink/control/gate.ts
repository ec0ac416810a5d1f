/**
 * Asks callers of the Control API for a token, where there is to be one.
 *
 * @module
 */

import { timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";
import type { IncomingCall } from "../../wire/service.ts";
import { StatusError } from "../../wire/status.ts";
import type { TokenAttempts } from "../access/attempts.ts";
import type { Grants } from "../access/grants.ts";
import { allows, asksNobody, type Role, roleFor } from "../access/roles.ts";
import type { GrantRow } from "../access/rows.ts";
import { hashOf } from "../access/secrets.ts";
import { NO_ACCOUNT } from "../accounts.ts";
import type { ControlAccess, ControlRule } from "./access.ts";
import type { ControlCaller, TokenHolder } from "./caller.ts";

/** What a gate works on. */
export interface ControlGateOptions {
  readonly rule: ControlRule;
  readonly grants: Grants;
  readonly attempts: TokenAttempts;
}

/** In which Flower's CLI sends its tokens over gRPC, and takes new ones (1.21 to 1.36). */
export const ACCESS_TOKEN_HEADER = "flwr-oidc-access-token";
export const REFRESH_TOKEN_HEADER = "flwr-oidc-refresh-token";

/** Who the operator's own token is. */
export const OPERATOR: TokenHolder = { tokenId: "operator", name: "the operator", role: "admin" };

/** Judges callers by a {@linkcode ControlRule}. */
export class ControlGate implements ControlAccess {
  readonly #options: ControlGateOptions;

  constructor(options: ControlGateOptions) {
    this.#options = options;
  }

  async admit(call: IncomingCall): Promise<ControlCaller> {
    const { method, peer } = call;
    const { rule } = this.#options;
    const caller = { account: NO_ACCOUNT, peer };
    if (rule.kind === "anybody") return caller;
    if (rule.kind === "nobody") {
      const detail = "The Control API is closed. The SuperLink's operator decides who may call it.";
      throw new StatusError("PERMISSION_DENIED", detail);
    }
    if (asksNobody(method)) return caller;
    const holder = await this.#holderOf(call, rule.operatorToken);
    if (!holder) throw notAuthenticated();
    requireRole(holder, method);
    return { ...caller, holder };
  }

  async #holderOf(
    { headers, peer, sendHeaders }: IncomingCall,
    operatorToken: string | undefined,
  ): Promise<TokenHolder | undefined> {
    const { grants, attempts } = this.#options;
    const token = bearer(headers.text("authorization")) ?? headers.text(ACCESS_TOKEN_HEADER);
    if (!token) return undefined;
    const refreshToken = sendHeaders && headers.text(REFRESH_TOKEN_HEADER);
    return await attempts.try(peer, token, async () => {
      if (operatorToken !== undefined && isSameSecret(token, operatorToken)) return OPERATOR;
      const grant = await grants.of(token);
      if (grant) return await this.#used(grant);
      const tokens = refreshToken ? await grants.refresh(refreshToken) : undefined;
      if (!tokens) return undefined;
      sendHeaders?.({
        [ACCESS_TOKEN_HEADER]: tokens.accessToken,
        [REFRESH_TOKEN_HEADER]: tokens.refreshToken,
      });
      return await this.#used(tokens.grant);
    });
  }

  async #used(grant: GrantRow): Promise<TokenHolder> {
    await this.#options.grants.used(grant);
    return { tokenId: grant.id, name: grant.name, role: grant.role };
  }
}

/** The token holds and allows less. Whose it is goes to the audit log. */
export class RoleError extends StatusError {
  constructor(readonly holder: TokenHolder, method: string, needed: Role) {
    super(
      "PERMISSION_DENIED",
      `${method} needs a token with the role ${needed}; this one has ${holder.role}.`,
    );
  }
}

/** Throws a {@linkcode RoleError} when a holder may not call a method. */
export function requireRole(holder: TokenHolder, method: string): void {
  const needed = roleFor(method);
  if (!allows(holder.role, needed)) throw new RoleError(holder, method, needed);
}

function notAuthenticated(): StatusError {
  return new StatusError("UNAUTHENTICATED", "Not authenticated", {
    http: { status: 401, detail: "Not authenticated", authenticate: "Bearer" },
  });
}

function bearer(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
}

/** Whether two secrets are one, however much of them is. Hashes have one length, whatever was sent. */
export function isSameSecret(sent: string, known: string): boolean {
  return timingSafeEqual(Buffer.from(hashOf(sent)), Buffer.from(hashOf(known)));
}
