/**
 * How a CLI logs in (`flwr login` of Flower 1.25 to 1.42, and `trellis login`), whichever Control API
 * it calls.
 *
 * @module
 */

import type { Log } from "../../terminal/log.ts";
import { flowerError } from "../../wire/flower_error.ts";
import { StatusError } from "../../wire/status.ts";
import type { AuditTrail } from "../audit/audit.ts";
import { hostOf, PeerLimit } from "../auth/peer_limit.ts";
import type { Clock } from "../clock.ts";
import type { ControlRule } from "../control/access.ts";
import type { ControlCaller } from "../control/caller.ts";
import { type TokenAttempts, tooOften } from "./attempts.ts";
import type { Grants, LoginTokens } from "./grants.ts";
import { LOGIN_INTERVAL_S, LOGIN_WAIT_S, type Logins } from "./logins.ts";

/** What logins work on. */
export interface LoginActionOptions {
  readonly rule: ControlRule;
  readonly logins: Logins;
  readonly grants: Grants;
  readonly attempts: TokenAttempts;
  /** Where an admin approves a login with this code, for the person who waits. */
  readonly loginPage: (userCode: string) => string;
  readonly startsPerMinute: number;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly log: Log;
}

/** The tokens of a login; empty while it waits. */
export interface TokenPair {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** What CLIs call to log in. */
export class LoginActions {
  readonly #options: LoginActionOptions;
  readonly #starts: PeerLimit;

  constructor(options: LoginActionOptions) {
    this.#options = options;
    this.#starts = new PeerLimit(options.startsPerMinute, options.clock);
  }

  /** Begins a login. Where no token is asked for, it says that there is nothing to log in to. */
  async details({ peer }: ControlCaller) {
    const { rule, logins, loginPage, log } = this.#options;
    if (rule.kind === "anybody") return { authnType: "noop" };
    if (!this.#starts.take(hostOf(peer))) throw tooOften("Too many logins were asked for.");
    const started = await logins.start(peer);
    if (!started) throw tooOften("Too many logins wait.");
    const { deviceCode, userCode } = started;
    log.info("login.started", `A login from ${peer} waits for an admin: ${userCode}.`, { peer });
    return {
      authnType: "oidc",
      deviceCode,
      verificationUriComplete: loginPage(userCode),
      expiresIn: BigInt(LOGIN_WAIT_S),
      interval: BigInt(LOGIN_INTERVAL_S),
    };
  }

  /** What came of it: the CLI asks again as long as the tokens are empty. */
  async tokens(deviceCode: string, { peer }: ControlCaller): Promise<TokenPair> {
    const { logins, attempts } = this.#options;
    this.#requireLogins();
    const outcome = await attempts.try(peer, deviceCode, async () => {
      const found = await logins.finish(deviceCode);
      return found === "unknown" ? undefined : found;
    });
    if (outcome === undefined) throw flowerError("accountNotAuthenticated");
    if (outcome === "pending") return { accessToken: "", refreshToken: "" };
    if (outcome !== "refused") return this.#entered(outcome, peer);
    throw new StatusError("PERMISSION_DENIED", "An admin of this SuperLink refused the login.");
  }

  /** New tokens for an old refresh token. */
  async refresh(refreshToken: string, { peer }: ControlCaller): Promise<TokenPair> {
    const { grants, attempts } = this.#options;
    this.#requireLogins();
    const tokens = await attempts.try(peer, refreshToken, () => grants.refresh(refreshToken));
    if (!tokens) throw flowerError("accountNotAuthenticated");
    return pairOf(tokens);
  }

  #requireLogins(): void {
    if (this.#options.rule.kind === "anybody") throw flowerError("noAccountAuthentication");
  }

  #entered(tokens: LoginTokens, peer: string): TokenPair {
    const { id, name, role } = tokens.grant;
    this.#options.audit.note({
      who: { tokenId: id, tokenName: name },
      action: "login.enter",
      subject: { tokenId: id, detail: role },
      from: peer,
      outcome: "done",
    });
    this.#options.log.info("login.entered", `"${name}" (${id}) logged in as ${role} at ${peer}.`, {
      tokenId: id,
      role,
      peer,
    });
    return pairOf(tokens);
  }
}

function pairOf({ accessToken, refreshToken }: LoginTokens): TokenPair {
  return { accessToken, refreshToken };
}
