/**
 * Times that people write as `90d` or `12h`.
 *
 * @module
 */

import { UsageError } from "./errors.ts";
import type { Flag } from "./flags.ts";

const UNITS_S: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3_600,
  d: 86_400,
  w: 7 * 86_400,
};

/** A hundred years, as good as for ever. */
const MAX_S = 100 * 366 * 86_400;

/** The seconds of a whole number and a unit: `s`, `m`, `h`, `d` or `w`. `undefined` for anything else. */
export function durationS(text: string): number | undefined {
  const match = /^(\d{1,9})([smhdw])$/i.exec(text.trim());
  const seconds = Number(match?.[1]) * (UNITS_S[(match?.[2] ?? "").toLowerCase()] ?? NaN);
  return seconds > 0 && seconds <= MAX_S ? seconds : undefined;
}

/** A flag with a time, in seconds; `undefined` when it is not given. */
export function durationFlag(
  name: string,
  help: string,
  options: { readonly defaultText?: string } = {},
): Flag<number | undefined> {
  return {
    name,
    placeholder: "TIME",
    help,
    ...options,
    of(raw) {
      const text = raw.get(name)?.at(-1);
      if (text === undefined) return undefined;
      const seconds = durationS(text);
      if (seconds !== undefined) return seconds;
      throw new UsageError(
        `--${name} takes a time such as 90d, 12h or 30m, not "${text}".`,
        "It is a whole number and a unit: s, m, h, d or w, and not more than a hundred years.",
      );
    },
  };
}
