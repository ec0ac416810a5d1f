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
import { json, PageError, type Route } from "./routes.ts";

const DAY_S = 86_400n;

/** The routes. */
export function accessRoutes(call: OperatorCall): Route[] {
  const unchanged = () => {};
  return [
    {
      method: "GET",
      path: /^\/api\/access$/,
      to: "signed-in",
      async answer(asked) {
        const { logins } = await call(Access.method.listLogins, {}, asked);
        const { tokens } = await call(Access.method.listTokens, {}, asked);
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
    actionRoute(/^\/api\/logins\/approve$/, unchanged, async (asked) => {
      const [code, role, name] = [
        textOf(asked.body, "code"),
        textOf(asked.body, "role"),
        textOf(asked.body, "name"),
      ];
      await call(Access.method.approveLogin, { code, role, name }, asked);
      return {};
    }),
    actionRoute(/^\/api\/logins\/refuse$/, unchanged, async (asked) => {
      await call(Access.method.refuseLogin, { code: textOf(asked.body, "code") }, asked);
      return {};
    }),
    actionRoute(/^\/api\/tokens$/, unchanged, async (asked) => {
      const { secret } = await call(Access.method.createToken, {
        name: textOf(asked.body, "name").trim(),
        role: textOf(asked.body, "role"),
        ...lifeOf(textOf(asked.body, "days").trim()),
      }, asked);
      return { secret };
    }),
    actionRoute(/^\/api\/tokens\/revoke$/, unchanged, async (asked) => {
      await call(Access.method.revokeToken, { id: textOf(asked.body, "id") }, asked);
      return {};
    }),
  ];
}

/** How long a token is to hold. */
function lifeOf(days: string): { readonly lifeS?: bigint } {
  if (days === "") return {};
  if (/^0*[1-9]\d{0,4}$/.test(days)) return { lifeS: BigInt(days) * DAY_S };
  throw new PageError(
    400,
    "Days are a whole number from 1 to 99999; without one it holds for ever.",
  );
}

function toMs(micros: bigint | undefined): number | undefined {
  return micros === undefined ? undefined : Number(micros) / 1000;
}
