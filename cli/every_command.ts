/**
 * All commands with what they take, for completions and for the reference: both are made of what the
 * commands themselves declare.
 *
 * @module
 */

import { superlinkSpec } from "../superlink/flags.ts";
import { supernodeSpec } from "../supernode/flags.ts";
import { type CommandSpec, HELP_FLAG } from "../terminal/command.ts";
import type { Flag } from "../terminal/flags.ts";
import { type Command, type CommandEntry, type CommandGroup, QUIET_FLAG } from "./command_tree.ts";
import { COMMANDS } from "./main.ts";

/** A command or a group, by the words after `trellis`. */
export interface KnownCommand {
  readonly words: readonly string[];
  readonly summary: string;
  /** Other words in place of the last. */
  readonly aliases: readonly string[];
  /** Absent for a group that does nothing itself. */
  readonly spec: CommandSpec | undefined;
  /** Those that are for use, `--help` too. */
  readonly flags: readonly Flag<unknown>[];
  /** The words that can follow. */
  readonly children: readonly string[];
}

/** Loads them all, in the order of the help text; the two servers come first. */
export async function everyCommand(): Promise<KnownCommand[]> {
  const found: KnownCommand[] = [server(superlinkSpec)];
  for (const entry of COMMANDS) await visit(entry, found);
  return found.map((known) => known.words[0] === "supernode" ? withNode(known) : known);
}

async function visit(
  entry: Command | CommandGroup | CommandEntry,
  found: KnownCommand[],
): Promise<void> {
  const loaded = "load" in entry ? await entry.load() : entry;
  if (!("commands" in loaded)) {
    const { spec, aliases = [] } = loaded;
    const { summary } = spec;
    found.push({
      words: wordsOf(spec.name),
      summary,
      aliases,
      spec,
      flags: flagsOf(spec),
      children: [],
    });
    return;
  }
  const { name, summary, otherwise, commands } = loaded;
  found.push({
    words: wordsOf(name),
    summary,
    aliases: [],
    spec: otherwise?.spec,
    flags: otherwise ? flagsOf(otherwise.spec) : [HELP_FLAG],
    children: commands.map((command) =>
      wordsOf("spec" in command ? command.spec.name : command.name).at(-1) ?? ""
    ),
  });
  for (const command of commands) await visit(command, found);
}

function server(spec: CommandSpec): KnownCommand {
  const flags = [...spec.flags.filter(({ hidden }) => !hidden), HELP_FLAG];
  const { summary } = spec;
  return { words: wordsOf(spec.name), summary, aliases: [], spec, flags, children: [] };
}

/** `trellis supernode` is a SuperNode with flags, and a group with words. */
function withNode(known: KnownCommand): KnownCommand {
  if (known.words.length > 1) return known;
  const { spec, flags } = server(supernodeSpec);
  return { ...known, spec, flags };
}

function flagsOf({ flags }: CommandSpec): readonly Flag<unknown>[] {
  return [...flags.filter(({ hidden }) => !hidden), QUIET_FLAG, HELP_FLAG];
}

function wordsOf(name: string): string[] {
  return name.split(" ").slice(1);
}
