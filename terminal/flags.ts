/**
 * Flags as values: each is declared once, with its help text, and reads its own value from a parsed
 * command line. Help screens and the reference are made from the same declarations.
 *
 * @module
 */

import { UsageError } from "./errors.ts";

/** What the command line said, by flag name: every occurrence, in order. */
export type RawFlags = ReadonlyMap<string, readonly string[]>;

/** One flag of a command. */
export interface Flag<T> {
  /** Without the leading dashes. */
  readonly name: string;
  readonly alias?: string | undefined;
  /** What stands for the value in help texts; absent for a flag that takes none. */
  readonly placeholder?: string | undefined;
  readonly help: string;
  /** Shown in the help text, for a person. */
  readonly defaultText?: string | undefined;
  /** Not shown in help texts: accepted for the sake of older command lines. */
  readonly hidden?: boolean | undefined;
  /** The value that the command line gives this flag. Throws a {@linkcode UsageError}. */
  of(raw: RawFlags): T;
}

interface Common {
  readonly alias?: string;
  readonly hidden?: boolean;
  readonly defaultText?: string;
}

/** A flag that is there or not. */
export function switchFlag(name: string, help: string, options: Common = {}): Flag<boolean> {
  return { name, help, ...options, of: (raw) => raw.has(name) };
}

/** A flag with a text value, `undefined` when it is not given. */
export function textFlag(
  name: string,
  placeholder: string,
  help: string,
  options: Common = {},
): Flag<string | undefined> {
  return { name, placeholder, help, ...options, of: (raw) => raw.get(name)?.at(-1) };
}

/** A flag that may be given several times. */
export function listFlag(
  name: string,
  placeholder: string,
  help: string,
  options: Common = {},
): Flag<readonly string[]> {
  return { name, placeholder, help, ...options, of: (raw) => raw.get(name) ?? [] };
}

/** A flag that takes one of `choices`; the first is the default. */
export function choiceFlag<const C extends string>(
  name: string,
  choices: readonly [C, ...C[]],
  help: string,
  options: Common = {},
): Flag<C> {
  return {
    name,
    placeholder: choices.join("|"),
    help,
    defaultText: choices[0],
    ...options,
    of(raw) {
      const text = raw.get(name)?.at(-1);
      if (text === undefined) return choices[0];
      const choice = choices.find((candidate) => candidate === text);
      if (choice !== undefined) return choice;
      throw new UsageError(
        `--${name} does not take "${text}".`,
        `Choose one of: ${choices.join(", ")}.`,
      );
    },
  };
}

/** A flag with a number, within bounds (inclusive). */
export function numberFlag(
  name: string,
  placeholder: string,
  help: string,
  options: Common & { min: number; max: number; integer?: boolean },
): Flag<number | undefined> {
  return {
    name,
    placeholder,
    help,
    ...options,
    of(raw) {
      const text = raw.get(name)?.at(-1);
      if (text === undefined) return undefined;
      const value = text.trim() === "" ? NaN : Number(text);
      const kind = options.integer ? "a whole number" : "a number";
      if (Number.isNaN(value) || options.integer && !Number.isInteger(value)) {
        throw new UsageError(`--${name} takes ${kind}, not "${text}".`);
      }
      if (value < options.min || value > options.max) {
        throw new UsageError(
          `--${name} takes ${kind} from ${options.min} to ${options.max}, not ${text}.`,
        );
      }
      return value;
    },
  };
}

const BYTE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
};

/** A flag with a size in bytes: a whole number, or one followed by `k`, `m` or `g` (1024 units). */
export function sizeFlag(
  name: string,
  help: string,
  options: Common & { min: number; max: number; default: number; defaultText: string },
): Flag<number> {
  return {
    name,
    placeholder: "SIZE",
    help,
    ...options,
    of(raw) {
      const text = raw.get(name)?.at(-1);
      if (text === undefined) return options.default;
      const match = /^(\d{1,12})([kmg]?)(?:i?b)?$/i.exec(text.trim());
      const bytes = match
        ? Number(match[1]) * (BYTE_UNITS[(match[2] ?? "").toLowerCase()] ?? 1)
        : NaN;
      if (bytes >= options.min && bytes <= options.max) return bytes;
      throw new UsageError(
        `--${name} takes a size such as 512k, 64m or 1g, not "${text}".`,
        `It must be from ${options.min} to ${options.max} bytes.`,
      );
    },
  };
}
