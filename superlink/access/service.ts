/**
 * `trellis.v1.Access`: tokens and logins as Trellis's own CLI asks for them, beside the Control API
 * and under the same rule.
 *
 * @module
 */

import { Access } from "../../proto/gen/trellis/v1/access_pb.ts";
import { type Call, defineService, type Service } from "../../wire/service.ts";
import type { Clock } from "../clock.ts";
import type { ControlAccess } from "../control/access.ts";
import { type ControlCaller, controlCaller } from "../control/caller.ts";
import type { AccessActions } from "./actions.ts";
import type { ListedGrant } from "./grants.ts";
import type { LoginActions } from "./login_actions.ts";
import type { LoginRow } from "./rows.ts";

/** What the service works on. */
export interface AccessServiceOptions {
  readonly controlAccess: ControlAccess;
  readonly access: AccessActions;
  readonly loginActions: LoginActions;
  readonly clock: Clock;
}

/** Makes the service. */
export function accessService(
  { controlAccess, access, loginActions, clock }: AccessServiceOptions,
): Service {
  const now = () => clock.nowMicros();

  return defineService(Access, (call) => controlCaller(call, controlAccess), {
    async createToken({ name, role, lifeS }, { caller }: Call<ControlCaller>) {
      const wanted = { name, role, lifeS: numberOf(lifeS) };
      const { grant, token } = await access.createToken(wanted, caller);
      return { token: tokenView(grant, now()), secret: token };
    },

    async listTokens() {
      const grants = await access.listTokens();
      return { tokens: grants.map((grant) => tokenView(grant, now())), now: BigInt(now()) };
    },

    async revokeToken({ id }, { caller }: Call<ControlCaller>) {
      return { token: tokenView(await access.revokeToken(id, caller), now()) };
    },

    async listLogins() {
      return { logins: (await access.pendingLogins()).map(loginView), now: BigInt(now()) };
    },

    async approveLogin({ code, name, role, lifeS }, { caller }: Call<ControlCaller>) {
      const wanted = { name, role, lifeS: numberOf(lifeS) };
      return { login: loginView(await access.approveLogin(code, wanted, caller)) };
    },

    async refuseLogin({ code }, { caller }: Call<ControlCaller>) {
      return { login: loginView(await access.refuseLogin(code, caller)) };
    },

    whoAmI(_request, { caller: { holder } }: Call<ControlCaller>) {
      return Promise.resolve(holder ?? { role: "admin" });
    },

    refreshLogin: ({ refreshToken }, { caller }: Call<ControlCaller>) =>
      loginActions.refresh(refreshToken, caller),
  });
}

/** A grant as the API shows it. */
export function tokenView(grant: ListedGrant, nowMicros: number) {
  const { id, kind, name, role, createdAt, createdBy, expiresAt, revokedAt, usedAt } = grant;
  const isExpired = expiresAt !== undefined && expiresAt <= nowMicros;
  return {
    ...{ id, kind, name, role, createdBy },
    status: revokedAt !== undefined ? "revoked" : isExpired ? "expired" : "active",
    createdAt: BigInt(createdAt),
    ...(expiresAt === undefined ? {} : { expiresAt: BigInt(expiresAt) }),
    ...(revokedAt === undefined ? {} : { revokedAt: BigInt(revokedAt) }),
    ...(usedAt === undefined ? {} : { usedAt: BigInt(usedAt) }),
  };
}

function loginView({ userCode, peer, startedAt }: LoginRow) {
  return { code: userCode, peer, startedAt: BigInt(startedAt) };
}

function numberOf(value: bigint | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}
