/**
 * How an operator changes limits: `NAME=N`, as often as needed, for `trellis superlink` and for a
 * SuperLink on Deno Deploy alike.
 *
 * @module
 */

import { UsageError } from "../terminal/errors.ts";
import type { Flag } from "../terminal/flags.ts";
import { nearest } from "../terminal/nearest.ts";
import { type ChangedLimits, isLimitName, LIMIT_NAMES, type LimitName } from "./limits.ts";

/** The largest count that a limit takes: as good as none. */
const LARGEST = 100_000_000;

/** Changes, and what is wrong with those that are none, in sentences. */
export interface ReadLimits {
  readonly limits: ChangedLimits;
  readonly faults: readonly string[];
}

/** Reads changes; of several of one limit the last holds. */
export function readLimits(changes: readonly string[]): ReadLimits {
  const limits: Partial<Record<LimitName, number>> = {};
  const faults: string[] = [];
  for (const change of changes) {
    const [name = "", count, ...more] = change.split("=");
    if (!isLimitName(name)) {
      const meant = nearest(name, LIMIT_NAMES);
      faults.push(
        `There is no limit "${name}".${meant === undefined ? "" : ` Did you mean ${meant}?`}`,
      );
    } else if (count === undefined || more.length > 0 || !isCount(count)) {
      const given = [count, ...more].join("=");
      faults.push(`${name} takes a whole number from 1 to ${LARGEST}, not "${given}".`);
    } else {
      limits[name] = Number(count);
    }
  }
  return { limits, faults };
}

/** `--limit NAME=N`. */
export const limitsFlag: Flag<ChangedLimits> = {
  name: "limit",
  placeholder: "NAME=N",
  help: "Take so much from one peer instead; may be repeated. NAME is one of " +
    `${LIMIT_NAMES.join(", ")}. docs/reference.md says what each is.`,
  of(raw) {
    const { limits, faults } = readLimits(raw.get("limit") ?? []);
    if (faults.length === 0) return limits;
    throw new UsageError(
      `--limit is not right. ${faults.join(" ")}`,
      `Give NAME=N, for example --limit fleet-calls-per-key=100000. Names: ${
        LIMIT_NAMES.join(", ")
      }.`,
    );
  },
};

function isCount(text: string): boolean {
  return /^\d{1,9}$/.test(text) && Number(text) >= 1 && Number(text) <= LARGEST;
}
