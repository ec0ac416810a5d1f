/**
 * The timestamps of Flower's proofs: ISO 8601 text on the wire (`datetime.now(UTC).isoformat()`),
 * whole microseconds since the epoch here, which a Number holds exactly until the year 2255.
 */

/** How old a proof may be, and how far the two clocks may be apart; Flower 1.25.0's values. */
export interface TimestampWindow {
  readonly toleranceMs?: number;
  readonly driftMs?: number;
}

/** Flower's own text is at most 32 characters; what is longer than this is not looked at. */
const MAX_LENGTH = 64;

const DATE = "(?<year>\\d{4})(?:" +
  "(?<dash>-?)(?<month>\\d{2})\\k<dash>(?<day>\\d{2})|" +
  "(?<weekDash>-?)W(?<week>\\d{2})(?:\\k<weekDash>(?<weekday>[1-7]))?)";
const CLOCK = "(?<hour>\\d{2})(?:(?<colon>:?)(?<minute>\\d{2})" +
  "(?:\\k<colon>(?<second>\\d{2})(?:[.,](?<fraction>\\d+))?)?)?";
const OFFSET = "(?<sign>[+-])(?<offsetHour>\\d{2})(?:(?<offsetColon>:?)(?<offsetMinute>\\d{2})" +
  "(?:\\k<offsetColon>(?<offsetSecond>\\d{2}))?)?";
// Python takes any one character between date and time. Printable ASCII is enough for a header.
const TIMESTAMP = new RegExp(`^${DATE}[ -/:-~]${CLOCK}(?:Z|${OFFSET})$`);

const MICROS_OF_DAY = 24 * 3600 * 1_000_000;

/**
 * The instant that a timestamp names, in microseconds since the epoch; `undefined` when it has no
 * offset, is not one, is longer than 64 characters or lies outside the years that a Number holds.
 *
 * Takes the ISO 8601 forms of Python 3.11's `datetime.fromisoformat`, which is what Flower parses
 * with: calendar and week dates, extended and compact; hours, minutes and seconds with a fraction
 * after a dot or comma, cut off at microseconds; `Z` or an offset below 24 hours. Its oddities (an
 * offset of 75 minutes or with a fraction, a dot without digits) are refused.
 */
export function parseTimestamp(text: string): number | undefined {
  const match = text.length <= MAX_LENGTH ? TIMESTAMP.exec(text) : null;
  if (match === null) return undefined;
  const groups = match.groups ?? {};
  const days = groups.week === undefined
    ? calendarDay(Number(groups.year), Number(groups.month), Number(groups.day))
    : weekDay(Number(groups.year), Number(groups.week), Number(groups.weekday ?? 1));
  const clock = microsOfDay(groups.hour, groups.minute, groups.second, groups.fraction);
  const offset = microsOfDay(groups.offsetHour, groups.offsetMinute, groups.offsetSecond);
  if (days === undefined || clock === undefined || offset === undefined) return undefined;
  const micros = days * MICROS_OF_DAY + clock + (groups.sign === "-" ? offset : -offset);
  return Number.isSafeInteger(micros) ? micros : undefined;
}

/**
 * The instant as Python's `isoformat()` writes it in UTC: six digits of fraction, or none at all
 * when it is zero.
 *
 * @throws RangeError when it is not a whole number that is held exactly
 */
export function formatTimestamp(micros: number): string {
  if (!Number.isSafeInteger(micros)) {
    throw new RangeError(`A timestamp is a whole number of microseconds, not ${micros}`);
  }
  const seconds = Math.floor(micros / 1_000_000);
  const fraction = micros - seconds * 1_000_000;
  const text = new Date(seconds * 1000).toISOString().slice(0, "YYYY-MM-DDTHH:MM:SS".length);
  const digits = fraction === 0 ? "" : `.${String(fraction).padStart(6, "0")}`;
  return `${text}${digits}+00:00`;
}

/**
 * Whether a timestamp may be accepted now: `-driftMs < age < toleranceMs + driftMs`, both ends
 * excluded (Flower 1.25.0: -5 s and 305 s).
 */
export function isInWindow(
  nowMicros: number,
  timestampMicros: number,
  { toleranceMs = 300_000, driftMs = 5_000 }: TimestampWindow = {},
): boolean {
  const ageMicros = nowMicros - timestampMicros;
  return ageMicros > -driftMs * 1000 && ageMicros < (toleranceMs + driftMs) * 1000;
}

/** Days since the epoch, or `undefined` for a day that the calendar does not have. */
function calendarDay(year: number, month: number, day: number): number | undefined {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exists = year >= 1 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists ? date.getTime() / 86_400_000 : undefined;
}

/** Days since the epoch of an ISO week date, or `undefined` where the year has no such week. */
function weekDay(year: number, week: number, weekday: number): number | undefined {
  const firstMonday = mondayOfWeek1(year);
  const nextFirstMonday = mondayOfWeek1(year + 1);
  if (firstMonday === undefined || nextFirstMonday === undefined || week < 1) return undefined;
  const monday = firstMonday + 7 * (week - 1);
  return monday < nextFirstMonday ? monday + weekday - 1 : undefined;
}

/** Week 1 is the week of January 4 (ISO 8601); day 0 of the epoch was a Thursday. */
function mondayOfWeek1(year: number): number | undefined {
  const january4 = calendarDay(year, 1, 4);
  return january4 === undefined ? undefined : january4 - (((january4 + 3) % 7) + 7) % 7;
}

/** Microseconds since midnight, or `undefined` when the clock does not show that. */
function microsOfDay(
  hour = "0",
  minute = "0",
  second = "0",
  fraction = "",
): number | undefined {
  const [hours, minutes, seconds] = [Number(hour), Number(minute), Number(second)];
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const micros = Number(fraction.slice(0, 6).padEnd(6, "0"));
  return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micros;
}
