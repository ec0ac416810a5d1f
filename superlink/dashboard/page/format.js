// Says numbers and times for people.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export function bytes(count) {
  let unit = 0;
  let value = count;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** How long ago, by the SuperLink's clock. */
export function ago(ms, nowMs) {
  if (ms === undefined || ms === null) return "never";
  const seconds = Math.max(0, Math.round((nowMs - ms) / 1000));
  if (seconds < 5) return "just now";
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h ago`;
  return `${Math.round(seconds / 86_400)} d ago`;
}

const TIME = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });

export function time(ms) {
  return ms === undefined || ms === null ? "" : TIME.format(new Date(ms));
}

/** A value of a metric: so many digits that count, and none that is made up. */
export function value(number, digits = 4) {
  const size = Math.abs(number);
  if (Number.isInteger(number) && size < 1e6) return String(number);
  if (size < 1e-3 || size >= 1e6) {
    return number.toExponential(digits - 1).replace(/\.?0+e/, "e").replace("e+", "e");
  }
  return size >= 10 ** digits
    ? String(Math.round(number))
    : String(Number(number.toPrecision(digits)));
}

/** Without the colours that a terminal would show. */
export function plain(text) {
  // deno-lint-ignore no-control-regex
  return text.replace(/\u001b\[[\d;]*[A-Za-z]/g, "").replace(/\r\n?/g, "\n");
}
