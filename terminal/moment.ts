/** A day, or a time of one with its zone. */
const MOMENT =
  /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/**
 * The milliseconds since the epoch of a date such as `2027-01-31` (UTC) or a moment such as
 * `2027-01-31T12:00Z`. `undefined` for anything else, also for a day that no calendar has: `Date`
 * takes February 30 for a day in March.
 */
export function momentMs(text: string): number | undefined {
  const day = MOMENT.exec(text)?.[1];
  const dayMs = Date.parse(day ?? "");
  if (Number.isNaN(dayMs) || new Date(dayMs).toISOString().slice(0, 10) !== day) return undefined;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : atMs;
}
