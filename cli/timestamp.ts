/**
 * Points in time as the Control API sends them (`2026-11-23T11:10:13.666875+00:00`) and as the CLI
 * shows them.
 *
 * @module
 */

const ISO = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/;

/** Microseconds since 1970, exact; `undefined` for a text that is absent or no timestamp. */
export function timestampUs(text: string | undefined): number | undefined {
  const match = ISO.exec(text ?? "");
  if (!match) return undefined;
  const [, day, time, fraction = "", zone] = match;
  const wholeMs = Date.parse(`${day}T${time}${zone}`);
  if (Number.isNaN(wholeMs)) return undefined;
  return wholeMs * 1000 + Number(fraction.padEnd(6, "0").slice(0, 6));
}

/** Microseconds since 1970 as the Control API writes a time, nothing of them lost. */
export function isoTime(micros: bigint): string;
export function isoTime(micros: bigint | undefined): string | undefined;
export function isoTime(micros: bigint | undefined): string | undefined {
  if (micros === undefined) return undefined;
  const seconds = new Date(Number(micros / 1_000_000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(micros % 1_000_000n).padStart(6, "0")}+00:00`;
}

/** `2026-11-23 11:10:13Z`, the fraction dropped; `N/A` for what never happened. */
export function showTimestamp(text: string | undefined): string {
  const us = timestampUs(text);
  if (us === undefined) return "N/A";
  return `${new Date(Math.floor(us / 1000)).toISOString().slice(0, 19).replace("T", " ")}Z`;
}

/** Seconds from one timestamp to another, exact to the microsecond; 0 if either is missing. */
export function secondsBetween(from: string | undefined, to: string | undefined): number {
  const [start, end] = [timestampUs(from), timestampUs(to)];
  return start === undefined || end === undefined ? 0 : (end - start) / 1_000_000;
}

/** `HH:MM:SS`, with days as in `1d 02:03:04` (the form of Flower's guide, 1.23 and 1.24). */
export function showElapsed(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const clock = [whole / 3600 % 24, whole / 60 % 60, whole % 60]
    .map((part) => String(Math.floor(part)).padStart(2, "0")).join(":");
  const days = Math.floor(whole / 86_400);
  return days === 0 ? clock : `${days}d ${clock}`;
}
