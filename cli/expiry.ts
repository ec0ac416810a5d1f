import { UsageError } from "../terminal/errors.ts";

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
  const span = /^(\d{1,9})([mhdwy])$/.exec(text);
  const seconds = Number(span?.[1]) * (UNITS_S[span?.[2] ?? ""] ?? NaN);
  if (seconds <= LONGEST_S) return BigInt(nowMicros + seconds * 1_000_000);
  const isDate = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const atMs = isDate ? Date.parse(text) : NaN;
  if (atMs > 0) return BigInt(atMs) * 1_000n;
  throw new UsageError(
    `"${text}" is no time at which something could expire.`,
    "Write 90d, 12h, 2w or 1y from now, a date such as 2027-01-31, or never.",
  );
}

/** A span as people say it, rounded down: `6 d`, `23 h`, `5 min`. */
export function spanText(seconds: number): string {
  if (seconds >= 86_400) return `${Math.floor(seconds / 86_400)} d`;
  if (seconds >= 3_600) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.max(0, Math.floor(seconds / 60))} min`;
}
