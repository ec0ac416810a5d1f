import { UsageError } from "../terminal/errors.ts";
import { textFlag } from "../terminal/flags.ts";
import { momentMs } from "../terminal/moment.ts";

const UNITS_S: Readonly<Record<string, number>> = {
  m: 60,
  h: 3_600,
  d: 86_400,
  w: 7 * 86_400,
  y: 365 * 86_400,
};
const LONGEST_S = 100 * 365 * 86_400;

/**
 * When something ends, in microseconds since the epoch: after a time such as `90d` (m, h, d, w or y),
 * at a date such as `2027-01-31` or a moment `2027-01-31T12:00:00Z`, or never.
 */
export function parseExpiry(text: string, nowMicros: number): bigint | "never" {
  if (text === "never") return "never";
  const seconds = spanSeconds(text) ?? NaN;
  if (seconds <= LONGEST_S) {
    // Whole seconds, so that it can be written and read again.
    return BigInt(Math.floor(nowMicros / 1_000_000) + seconds) * 1_000_000n;
  }
  const atMs = momentMs(text) ?? NaN;
  if (atMs > 0) return BigInt(atMs) * 1_000n;
  throw new UsageError(
    `"${text}" is no time at which something could expire.`,
    "Write 90d, 12h, 2w or 1y from now, a date such as 2027-01-31, or never.",
  );
}

/** The same as the registry is told it. */
export function expiryOf(text: string, nowMicros: number) {
  const expiresAt = parseExpiry(text, nowMicros);
  return expiresAt === "never"
    ? { case: "neverExpires", value: true } as const
    : { case: "expiresAt", value: expiresAt } as const;
}

/** How long a span such as `7d` is; `undefined` for a text that is none. */
export function spanSeconds(text: string): number | undefined {
  const span = /^(\d{1,9})([mhdwy])$/.exec(text);
  return span ? Number(span[1]) * (UNITS_S[span[2] ?? ""] ?? NaN) : undefined;
}

/** `--grace`: how long the old key stays good. */
export const GRACE_FLAG = textFlag(
  "grace",
  "TIME",
  "How long the old key stays good: 12h, 7d, or 0d for not at all.",
  { defaultText: "7d" },
);

/** Reads `--grace`, in seconds. */
export function graceSeconds(text = "7d"): bigint {
  const seconds = spanSeconds(text);
  if (seconds !== undefined) return BigInt(seconds);
  throw new UsageError(`"${text}" is no time that a key could stay good.`, "Write 12h or 7d.");
}

/** A span as people say it, rounded down: `6 d`, `23 h`, `5 min`. */
export function spanText(seconds: number): string {
  if (seconds >= 86_400) return `${Math.floor(seconds / 86_400)} d`;
  if (seconds >= 3_600) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.max(0, Math.floor(seconds / 60))} min`;
}
