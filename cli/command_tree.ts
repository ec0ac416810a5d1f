/**
 * Commands in groups, as in `trellis supernode register`.
 *
 * @module
 */

import {
  type CommandSpec,
  helpText,
  parseCommand,
  type ParsedCommand,
} from "../terminal/command.ts";
import { UsageError } from "../terminal/errors.ts";
import { HELP_FLAG } from "../terminal/command.ts";
import { switchFlag } from "../terminal/flags.ts";
import { nearest } from "../terminal/nearest.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** Every command of the CLI has it. */
export const QUIET_FLAG = switchFlag(
  "quiet",
  "Print the result and errors, and say nothing else.",
  {
    alias: "q",
  },
);

/** A command that can be run. Its word is the last one of its spec's name. */
export interface Command {
  readonly spec: CommandSpec;
  /** Other words for it, not shown in help texts. */
  readonly aliases?: readonly string[];
  /** Gives the exit code. */
  run(command: ParsedCommand, terminal: Terminal): Promise<number>;
}

/** A command or group whose module is loaded when it is called; what it says of itself, it says here too. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly aliases?: readonly string[];
  load(): Promise<Command | CommandGroup>;
}

/** Commands that share a first word. `name` is the whole of it, for example `trellis supernode`. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly (Command | CommandGroup | CommandEntry)[];
  /** What the group's own name does, with arguments that name none of its commands. */
  readonly otherwise?: Command;
  /** Words that are understood elsewhere, and may be what a mistyped one was to be. */
  readonly otherWords?: readonly string[];
  /** Shown below the commands. */
  readonly epilogue?: string;
}

/**
 * Runs the command that `args` name and gives the exit code. Throws a {@linkcode UsageError} for an
 * unknown command, naming the nearest one.
 */
export async function dispatch(
  group: CommandGroup,
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const [word, ...rest] = args;
  const { otherwise } = group;
  if (word === undefined && !otherwise || word === "--help" || word === "-h") {
    terminal.print(groupHelp(group));
    return 0;
  }
  const entry = group.commands.find((candidate) => wordsOf(candidate).includes(word ?? ""));
  if (entry === undefined) {
    if (otherwise) return await runCommand(otherwise, args, terminal);
    throw unknownCommand(group, word ?? "");
  }
  const found = "load" in entry ? await entry.load() : entry;
  if ("commands" in found) return await dispatch(found, rest, terminal);
  return await runCommand(found, rest, terminal);
}

async function runCommand(
  command: Command,
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const spec = { ...command.spec, flags: [...command.spec.flags, QUIET_FLAG] };
  const parsed = parseCommand(spec, args);
  if (HELP_FLAG.of(parsed.flags)) {
    terminal.print(helpText(spec));
    return 0;
  }
  return await command.run(parsed, QUIET_FLAG.of(parsed.flags) ? quiet(terminal) : terminal);
}

/** A terminal on which only results are seen, and what a person is asked to do. */
export function quiet(terminal: Terminal): Terminal {
  return { ...terminal, say() {}, progress() {} };
}

/** The words that a group understands after its name. */
export function commandWords(group: CommandGroup): string[] {
  return group.commands.flatMap(wordsOf);
}

function wordsOf(command: Command | CommandGroup | CommandEntry): string[] {
  const word = lastWord("spec" in command ? command.spec.name : command.name);
  return "commands" in command ? [word] : [word, ...(command.aliases ?? [])];
}

function lastWord(name: string): string {
  return name.split(" ").at(-1) ?? name;
}

function unknownCommand(group: CommandGroup, word: string): UsageError {
  const hint = nearest(word, [...commandWords(group), ...group.otherWords ?? []]);
  const see = `See \`${group.name} --help\`.`;
  if (word.startsWith("-")) return new UsageError(`\`${group.name}\` has no flag ${word}.`, see);
  return new UsageError(
    `\`${group.name}\` has no command "${word}".`,
    hint ? `Did you mean \`${group.name} ${hint}\`?` : see,
  );
}

function groupHelp({ name, summary, otherwise, commands, epilogue }: CommandGroup): string {
  const rows = commands.map((command) =>
    "spec" in command
      ? [lastWord(command.spec.name), command.spec.summary] as const
      : [lastWord(command.name), command.summary] as const
  );
  const width = Math.max(...rows.map(([word]) => word.length));
  return [
    ...(otherwise
      ? [helpText(otherwise.spec)]
      : [`Usage: ${name} COMMAND [ARGUMENTS]`, "", summary]),
    "",
    "Commands:",
    ...rows.map(([word, text]) => `  ${word.padEnd(width)}  ${text}`),
    "",
    epilogue ?? `Each command explains itself with \`${name} COMMAND --help\`.`,
  ].join("\n");
}
