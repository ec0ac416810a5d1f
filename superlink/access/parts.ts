import type { Log } from "../../terminal/log.ts";
import type { AuditTrail } from "../audit/audit.ts";
import type { Clock } from "../clock.ts";
import type { ControlAccess, ControlRule } from "../control/access.ts";
import { ControlGate } from "../control/gate.ts";
import { type ChangedLimits, limitOf } from "../limits.ts";
import { AccessActions } from "./actions.ts";
import { TokenAttempts } from "./attempts.ts";
import type { Grants } from "./grants.ts";
import { loginPage, type PagePlace } from "./login_page.ts";
import { LoginActions } from "./login_actions.ts";
import type { Logins } from "./logins.ts";

/** What decides who may call, made of the state and the options of services. */
export interface AccessParts {
  readonly controlAccess: ControlAccess;
  readonly access: AccessActions;
  readonly loginActions: LoginActions;
}

/** What is read of the options of services. */
export interface AccessOptions {
  readonly controlRule: ControlRule;
  readonly limits: ChangedLimits;
  /** Where the page for operators is, once it is there. */
  readonly page?: (() => PagePlace | undefined) | undefined;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly log: Log;
}

/** Makes them. */
export function controlAccessOf(
  { grants, logins }: { readonly grants: Grants; readonly logins: Logins },
  { controlRule: rule, limits, page, audit, clock, log }: AccessOptions,
): AccessParts {
  const attempts = new TokenAttempts(limitOf(limits, "wrong-tokens"), clock);
  const startsPerMinute = limitOf(limits, "logins");
  return {
    controlAccess: new ControlGate({ rule, grants, attempts }),
    access: new AccessActions({ grants, logins, clock, log }),
    loginActions: new LoginActions({
      ...{ rule, logins, grants, attempts, startsPerMinute, audit, clock, log },
      loginPage: (userCode) => loginPage(userCode, page?.()),
    }),
  };
}
