/**
 * How much is taken from one peer, on every API: the one table of all limits, from which the reference
 * is made. They are there for a program that runs wild and for a stranger that means harm; no peer that
 * behaves comes near them.
 *
 * A bucket holds one minute's worth and refills evenly. Buckets are a process's own: where several
 * SuperLinks share a state, each allows as much, but for registrations, which they count together.
 *
 * @module
 */

import type { Service } from "../wire/service.ts";
import { StatusError } from "../wire/status.ts";
import { hostOf, PeerLimit } from "./auth/peer_limit.ts";
import type { Clock } from "./clock.ts";

/** What is taken of calls, by API. */
export interface CallLimits {
  /** Calls that one host may make in a minute, whoever it says it is. */
  readonly hostPerMinute: number;
  /** Calls that one key, token or run may make in a minute, from wherever. */
  readonly keyPerMinute: number;
  /** What is answered: SuperNodes end on `RESOURCE_EXHAUSTED`, and come back on `UNAVAILABLE`. */
  readonly status: "UNAVAILABLE" | "RESOURCE_EXHAUSTED";
}

/** The limits of calls. */
export const CALL_LIMITS = {
  fleet: { hostPerMinute: 240_000, keyPerMinute: 60_000, status: "UNAVAILABLE" },
  control: { hostPerMinute: 60_000, keyPerMinute: 30_000, status: "RESOURCE_EXHAUSTED" },
  apps: { hostPerMinute: 600_000, keyPerMinute: 300_000, status: "RESOURCE_EXHAUSTED" },
} as const satisfies Record<string, CallLimits>;

/**
 * Calls of each API that are judged at once, and as many that are worked on: about a second of
 * verifications on two cores.
 */
export const CALLS_AT_ONCE = 1_000;
/** Nodes that a host may register by itself in a minute, unless `--registration-limit` says more. */
export const REGISTRATIONS_PER_MINUTE = 600;
/** Proofs of a host, or of a key there, that may fail, unless `--failed-proof-limit` says more. */
export const FAILED_PROOFS_PER_MINUTE = 120;
/** Tokens of a host, or of a good token there, that may be wrong in a minute. */
export const WRONG_TOKENS_PER_MINUTE = 30;
/** The same at the page, whose own token may be of a person's making. */
export const PAGE_WRONG_TOKENS_PER_MINUTE = 10;
/** Logins that a host may ask for in a minute. */
export const LOGINS_PER_MINUTE = 20;

/** A row of the table: what is limited, for whom, how much, and what is answered past it. */
export type LimitRow = readonly [what: string, who: string, limit: string, answer: string];

const FLEET_ANSWER = "`UNAVAILABLE`, 503: a SuperNode comes back";
const OTHER_ANSWER = "`RESOURCE_EXHAUSTED`, 429";
const perMinute = (count: number) => `${count.toLocaleString("en")} a minute`;

/** All of them, for people. */
export const LIMITS_TABLE: readonly LimitRow[] = [
  ["Fleet API: calls", "host", perMinute(CALL_LIMITS.fleet.hostPerMinute), FLEET_ANSWER],
  ["Fleet API: calls", "key", perMinute(CALL_LIMITS.fleet.keyPerMinute), FLEET_ANSWER],
  [
    "Fleet API: proofs that fail (`--failed-proof-limit`)",
    "host; a key that was proved there has its own",
    perMinute(FAILED_PROOFS_PER_MINUTE),
    FLEET_ANSWER,
  ],
  [
    "Fleet API: nodes that register themselves (`--registration-limit`)",
    "host",
    perMinute(REGISTRATIONS_PER_MINUTE),
    FLEET_ANSWER,
  ],
  [
    "Control API and `trellis.v1`: calls",
    "host",
    perMinute(CALL_LIMITS.control.hostPerMinute),
    OTHER_ANSWER,
  ],
  [
    "Control API and `trellis.v1`: calls",
    "token",
    perMinute(CALL_LIMITS.control.keyPerMinute),
    OTHER_ANSWER,
  ],
  [
    "Tokens and login codes that are wrong",
    "host; a token that was good there has its own",
    perMinute(WRONG_TOKENS_PER_MINUTE),
    OTHER_ANSWER,
  ],
  [
    "The page: tokens that are wrong",
    "host; a token that was good there has its own",
    perMinute(PAGE_WRONG_TOKENS_PER_MINUTE),
    "429",
  ],
  ["Logins that are asked for", "host", perMinute(LOGINS_PER_MINUTE), OTHER_ANSWER],
  [
    "App APIs (ServerAppIo, Runtime): calls",
    "host",
    perMinute(CALL_LIMITS.apps.hostPerMinute),
    OTHER_ANSWER,
  ],
  [
    "App APIs (ServerAppIo, Runtime): calls",
    "run",
    perMinute(CALL_LIMITS.apps.keyPerMinute),
    OTHER_ANSWER,
  ],
  [
    "Every API: calls at once",
    "API",
    `${CALLS_AT_ONCE.toLocaleString("en")} judged, and as many worked on`,
    "as above; 507 in place of 429",
  ],
];

/** A service that takes so many calls of a host and of a caller. */
export function withinRate(service: Service, limits: CallLimits, clock: Clock): Service {
  const hosts = new PeerLimit(limits.hostPerMinute, clock);
  const keys = new PeerLimit(limits.keyPerMinute, clock);
  const tooMany = () => {
    const detail = "Too many calls. Try again later.";
    const status = limits.status === "UNAVAILABLE" ? 503 : 429;
    return new StatusError(limits.status, detail, { http: { status, detail } });
  };
  return {
    ...service,
    async admit(call) {
      if (!hosts.take(hostOf(call.peer))) throw tooMany();
      const caller = await service.admit(call);
      const key = keyOf(caller);
      if (key !== undefined && !keys.take(key)) throw tooMany();
      return caller;
    },
  };
}

/** What a caller is known by: a SuperNode's key, a token for the Control API, or an app's run. */
function keyOf(caller: unknown): string | undefined {
  const of = (object: unknown, name: string): unknown =>
    typeof object === "object" && object !== null ? Reflect.get(object, name) : undefined;
  const known = of(of(caller, "key"), "id") ?? of(of(caller, "holder"), "tokenId") ??
    of(caller, "runId");
  return typeof known === "string" || typeof known === "bigint" ? String(known) : undefined;
}
