/**
 * Who may call the Control API, as the page shows and changes it: logins of the CLI that wait for an
 * answer, and tokens.
 *
 * @module
 */

import { Access } from "../../proto/gen/trellis/v1/access_pb.ts";
import { actionRoute } from "./action_routes.ts";
import { textOf } from "./json_body.ts";
import type { OperatorCall } from "./operator_calls.ts";
import { json, type Route } from "./routes.ts";

const DAY_S = 86_400n;

/** The routes. */
export function accessRoutes(call: OperatorCall): Route[] {
  const unchanged = () => {};
  return [
    {
      method: "GET",
      path: /^\/api\/access$/,
      to: "operator",
      async answer({ peer }) {
        const [{ logins }, { tokens }] = await Promise.all([
          call(Access.method.listLogins, {}, peer),
          call(Access.method.listTokens, {}, peer),
        ]);
        return json({
          logins: logins.map(({ code, peer, startedAt }) => ({
            ...{ code, peer },
            startedAt: toMs(startedAt),
          })),
          tokens: tokens.map((token) => ({
            ...{ id: token.id, kind: token.kind, name: token.name, role: token.role },
            ...{ status: token.status, createdBy: token.createdBy },
            createdAt: toMs(token.createdAt),
            expiresAt: toMs(token.expiresAt),
            usedAt: toMs(token.usedAt),
          })).reverse(),
          now: Date.now(),
        });
      },
    },
    actionRoute(/^\/api\/logins\/approve$/, unchanged, async ({ body, peer }) => {
      const [code, role, name] = [textOf(body, "code"), textOf(body, "role"), textOf(body, "name")];
      await call(Access.method.approveLogin, { code, role, name }, peer);
      return {};
    }),
    actionRoute(/^\/api\/logins\/refuse$/, unchanged, async ({ body, peer }) => {
      await call(Access.method.refuseLogin, { code: textOf(body, "code") }, peer);
      return {};
    }),
    actionRoute(/^\/api\/tokens$/, unchanged, async ({ body, peer }) => {
      const days = /^\d{1,5}$/.exec(textOf(body, "days"))?.[0];
      const { secret } = await call(Access.method.createToken, {
        name: textOf(body, "name").trim(),
        role: textOf(body, "role"),
        ...(days === undefined ? {} : { lifeS: BigInt(days) * DAY_S }),
      }, peer);
      return { secret };
    }),
    actionRoute(/^\/api\/tokens\/revoke$/, unchanged, async ({ body, peer }) => {
      await call(Access.method.revokeToken, { id: textOf(body, "id") }, peer);
      return {};
    }),
  ];
}

function toMs(micros: bigint | undefined): number | undefined {
  return micros === undefined ? undefined : Number(micros) / 1000;
}
