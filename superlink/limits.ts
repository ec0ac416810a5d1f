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

import { StatusError } from "../wire/status.ts";

/** One limit. */
export interface Limit {
  readonly what: string;
  /** For each of which it is counted. */
  readonly who: string;
  /** Unless an operator says otherwise. */
  readonly count: number;
  /** What it is a number of; a minute's worth without. */
  readonly unit?: string;
  readonly answer: string;
}

const FLEET_ANSWER = "`UNAVAILABLE`, 503: a SuperNode comes back";
const OTHER_ANSWER = "`RESOURCE_EXHAUSTED`, 429";
const ANY_TOKEN = "host; a token that was good there has its own";

/** Those that `--limit` changes, by the names that it takes. */
export const LIMITS = {
  "fleet-calls-per-host": {
    what: "Fleet API: calls",
    who: "host",
    count: 240_000,
    answer: FLEET_ANSWER,
  },
  "fleet-calls-per-key": {
    what: "Fleet API: calls",
    who: "key",
    count: 60_000,
    answer: FLEET_ANSWER,
  },
  "control-calls-per-host": {
    what: "Control API and `trellis.v1`: calls",
    who: "host",
    count: 60_000,
    answer: OTHER_ANSWER,
  },
  "control-calls-per-token": {
    what: "Control API and `trellis.v1`: calls",
    who: "token",
    count: 30_000,
    answer: OTHER_ANSWER,
  },
  "wrong-tokens": {
    what: "Tokens and login codes that are wrong",
    who: ANY_TOKEN,
    count: 30,
    answer: OTHER_ANSWER,
  },
  // The page's own token may be of a person's making.
  "page-wrong-tokens": {
    what: "The page: tokens that are wrong",
    who: ANY_TOKEN,
    count: 10,
    answer: "429",
  },
  logins: {
    what: "Logins that are asked for",
    who: "host",
    count: 20,
    answer: OTHER_ANSWER,
  },
  "page-calls-per-host": {
    what: "The page and `/metrics`: requests",
    who: "host",
    count: 30_000,
    answer: "429",
  },
  "page-calls-per-token": {
    what: "The page and `/metrics`: requests",
    who: "token; those of the page's own count together",
    count: 30_000,
    answer: "429",
  },
  "app-calls-per-host": {
    what: "App APIs (ServerAppIo, Runtime): calls",
    who: "host",
    count: 600_000,
    answer: OTHER_ANSWER,
  },
  "app-calls-per-run": {
    what: "App APIs (ServerAppIo, Runtime): calls",
    who: "run",
    count: 300_000,
    answer: OTHER_ANSWER,
  },
  // About a second of verifications on two cores.
  "calls-at-once": {
    what: "Every API: calls at once",
    who: "API",
    count: 1_000,
    unit: "under way, those that wait for something left out",
    answer: "as above",
  },
} as const satisfies Readonly<Record<string, Limit>>;

/** The name of a limit. */
export type LimitName = keyof typeof LIMITS;

/** What an operator changed; the others are as in the table. */
export type ChangedLimits = Readonly<Partial<Record<LimitName, number>>>;

/** The names, in the order of the table. */
export const LIMIT_NAMES: readonly LimitName[] = Object.keys(LIMITS).filter(isLimitName);

/** What holds of a limit. */
export function limitOf(changed: ChangedLimits, name: LimitName): number {
  return changed[name] ?? LIMITS[name].count;
}

/** Those that have a flag and a variable of their own. */
export const OWN_FLAG_LIMITS = {
  "failed-proof-limit": {
    what: "Fleet API: proofs that fail",
    who: "host; a key that was proved there has its own",
    count: 120,
    answer: FLEET_ANSWER,
  },
  "registration-limit": {
    what: "Fleet API: nodes that register themselves",
    who: "host",
    count: 600,
    answer: FLEET_ANSWER,
  },
} as const satisfies Readonly<Record<string, Limit>>;

/** What is answered to a call of an API past its limits. */
export type LimitStatus = "UNAVAILABLE" | "RESOURCE_EXHAUSTED";

/** What a call past a limit is refused with (over HTTP: RFC 9110, section 15.6.4; RFC 6585, section 4). */
export function pastLimit(status: LimitStatus, detail: string): StatusError {
  const http = { status: status === "UNAVAILABLE" ? 503 : 429, detail };
  return new StatusError(status, detail, { http });
}

/** What is taken of the calls of an API. */
export interface CallLimits {
  /** Calls that one host may make in a minute, whoever it says it is. */
  readonly hostPerMinute: number;
  /** Calls that one key, token or run may make in a minute, from wherever. */
  readonly keyPerMinute: number;
  /** What these two are called. */
  readonly names: { readonly host: LimitName; readonly key: LimitName };
  /** SuperNodes end on `RESOURCE_EXHAUSTED`, and come back on `UNAVAILABLE`. */
  readonly status: LimitStatus;
}

/** The limits of calls, by API. */
export function callLimits(changed: ChangedLimits) {
  const of = (host: LimitName, key: LimitName, status: LimitStatus): CallLimits => ({
    hostPerMinute: limitOf(changed, host),
    keyPerMinute: limitOf(changed, key),
    names: { host, key },
    status,
  });
  return {
    fleet: of("fleet-calls-per-host", "fleet-calls-per-key", "UNAVAILABLE"),
    control: of("control-calls-per-host", "control-calls-per-token", "RESOURCE_EXHAUSTED"),
    page: of("page-calls-per-host", "page-calls-per-token", "RESOURCE_EXHAUSTED"),
    apps: of("app-calls-per-host", "app-calls-per-run", "RESOURCE_EXHAUSTED"),
  };
}

/** A row of the table, for people. */
export type LimitRow = readonly [
  what: string,
  who: string,
  limit: string,
  changedBy: string,
  answer: string,
];

/** All of them, for people. */
export const LIMITS_TABLE: readonly LimitRow[] = [
  ...LIMIT_NAMES.map((name) => rowOf(LIMITS[name], `--limit ${name}=N`)),
  ...Object.entries<Limit>(OWN_FLAG_LIMITS).map(([name, limit]) => rowOf(limit, `--${name} N`)),
];

function rowOf({ what, who, count, unit = "a minute", answer }: Limit, flag: string): LimitRow {
  return [what, who, `${count.toLocaleString("en")} ${unit}`, `\`${flag}\``, answer];
}

/** Whether a word is the name of a limit. */
export function isLimitName(word: string): word is LimitName {
  return Object.hasOwn(LIMITS, word);
}
