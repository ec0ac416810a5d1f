/**
 * One command: its arguments and flags, how a command line is read, and its help screen.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { UsageError } from "./errors.ts";
import { type Flag, type RawFlags, switchFlag } from "./flags.ts";
import { nearest } from "./nearest.ts";

/** A positional argument. */
export interface Positional {
  readonly name: string;
  readonly help: string;
  readonly required: boolean;
  /** There may be several of it. */
  readonly repeats?: true;
  /** The only words that it can be. Shells offer them. */
  readonly choices?: readonly string[];
}

/** What a command takes. `name` is the whole of it, for example `trellis supernode register`. */
export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  readonly positionals?: readonly Positional[];
  readonly flags: readonly Flag<unknown>[];
  /** Shown below the flags: an example, or where to read on. */
  readonly epilogue?: string;
}

/** A command line that was understood. */
export interface ParsedCommand {
  readonly flags: RawFlags;
  readonly positionals: readonly string[];
}

/** Every command has it. */
export const HELP_FLAG = switchFlag("help", "Show this help and exit.", { alias: "h" });

/**
 * Reads `args`. Throws a {@linkcode UsageError} for an unknown flag (naming the nearest one), a flag
 * without its value, a value that the flag does not take, and too few or too many arguments.
 */
export function parseCommand(spec: CommandSpec, args: readonly string[]): ParsedCommand {
  const flags = [...spec.flags, HELP_FLAG];
  const switches = flags.filter((flag) => flag.placeholder === undefined);
  const valued = flags.filter((flag) => flag.placeholder !== undefined);
  const aliases = flags.flatMap(({ name, alias }) => alias === undefined ? [] : [[alias, name]]);
  const parsed = parseArgs(args, {
    boolean: switches.map((flag) => flag.name),
    string: ["_", ...valued.map((flag) => flag.name)],
    collect: valued.map((flag) => flag.name),
    alias: Object.fromEntries(aliases),
    unknown(arg, key) {
      if (key === undefined) return true;
      throw unknownFlag(arg, flags);
    },
  });

  const raw = new Map<string, string[]>();
  for (const { name } of switches) if (parsed[name] === true) raw.set(name, []);
  for (const { name } of valued) {
    const values = parsed[name];
    if (!Array.isArray(values) || values.length === 0) continue;
    if (values.includes("")) throw new UsageError(`--${name} needs a value.`);
    raw.set(name, values.map(String));
  }
  if (HELP_FLAG.of(raw)) return { flags: raw, positionals: [] };
  for (const flag of flags) flag.of(raw);

  const positionals = parsed._.map(String);
  const expected = spec.positionals ?? [];
  const missing = expected[positionals.length];
  if (missing?.required) {
    throw new UsageError(`The argument ${missing.name} is missing.`, see(spec));
  }
  const extra = positionals[expected.length];
  const repeats = expected.some((positional) => positional.repeats);
  if (extra !== undefined && !repeats) {
    throw new UsageError(`Unexpected argument "${extra}".`, see(spec));
  }
  return { flags: raw, positionals };
}

/** The help screen of a command, without colours. */
export function helpText(spec: CommandSpec): string {
  const positionals = spec.positionals ?? [];
  const usage = positionals.map(({ name, required, repeats }) => {
    const word = repeats ? `${name}...` : name;
    return required ? word : `[${word}]`;
  });
  const lines = [`Usage: ${[spec.name, "[OPTIONS]", ...usage].join(" ")}`, "", spec.summary];
  if (positionals.length > 0) {
    lines.push("", "Arguments:", ...columns(positionals.map(({ name, help }) => [name, help])));
  }
  const shown = [...spec.flags, HELP_FLAG].filter((flag) => !flag.hidden);
  lines.push("", "Options:", ...columns(shown.map((flag) => [flagText(flag), flagHelp(flag)])));
  if (spec.epilogue !== undefined) lines.push("", spec.epilogue);
  return lines.join("\n");
}

function unknownFlag(arg: string, flags: readonly Flag<unknown>[]): UsageError {
  const name = arg.split("=")[0] ?? arg;
  const visible = flags.filter((flag) => !flag.hidden).map((flag) => `--${flag.name}`);
  const hint = nearest(name, visible);
  return new UsageError(
    `There is no flag ${name}.`,
    hint ? `Did you mean ${hint}?` : "Use --help to list the flags.",
  );
}

function see(spec: CommandSpec): string {
  return `See \`${spec.name} --help\`.`;
}

function flagText({ name, alias, placeholder }: Flag<unknown>): string {
  const long = placeholder === undefined ? `--${name}` : `--${name} ${placeholder}`;
  return alias === undefined ? long : `-${alias}, ${long}`;
}

function flagHelp({ help, defaultText }: Flag<unknown>): string {
  return defaultText === undefined ? help : `${help} [default: ${defaultText}]`;
}

const HELP_WIDTH = 100;

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(30, Math.max(...rows.map(([left]) => left.length)));
  const indent = " ".repeat(width + 4);
  return rows.flatMap(([left, right]) => {
    const lines = wrap(right, HELP_WIDTH - width - 4);
    const fits = left.length <= width;
    const first = fits ? `  ${left.padEnd(width)}  ${lines[0] ?? ""}` : `  ${left}`;
    return [first, ...lines.slice(fits ? 1 : 0).map((line) => indent + line)];
  });
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
