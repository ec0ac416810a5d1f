/**
 * `completion bash | zsh | fish`: scripts that complete commands, flags and the values of flags.
 *
 * @module
 */

import { UsageError } from "../terminal/errors.ts";
import type { Flag } from "../terminal/flags.ts";
import type { Command } from "./command_tree.ts";
import { everyCommand, type KnownCommand } from "./every_command.ts";

const SCRIPTS: Readonly<Record<string, (commands: readonly KnownCommand[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** `trellis completion`. */
export const completionCommand: Command = {
  spec: {
    name: "trellis completion",
    summary: "Print a script that completes command lines in a shell.",
    positionals: [{ name: "SHELL", help: "bash, zsh or fish", required: true }],
    flags: [],
    epilogue: [
      "For this shell, or in its startup file:",
      "  bash  source <(trellis completion bash)",
      "  zsh   source <(trellis completion zsh)    (after compinit)",
      "  fish  trellis completion fish | source",
    ].join("\n"),
  },
  async run({ positionals: [shell = ""] }, terminal) {
    const script = SCRIPTS[shell];
    if (!script) {
      throw new UsageError(
        `There are no completions for "${shell}".`,
        `Choose one of: ${Object.keys(SCRIPTS).join(", ")}.`,
      );
    }
    terminal.print(script(await everyCommand()));
    return 0;
  },
};

/** What can follow some words of a command line, as one table for every shell. */
interface Row {
  /** The words before, with `/` between; empty for none. */
  readonly path: string;
  readonly words: readonly string[];
}

function rowsOf(commands: readonly KnownCommand[]): Row[] {
  const first = commands.filter(({ words }) => words.length === 1);
  const paths = (words: readonly string[], aliases: readonly string[]) =>
    [words.at(-1) ?? "", ...aliases].map((last) => [...words.slice(0, -1), last].join("/"));
  return [
    { path: "", words: [...first.map(({ words: [word = ""] }) => word), "--help", "--version"] },
    ...commands.flatMap(({ words, aliases, children, flags }) =>
      paths(words, aliases).map((path) => ({
        path,
        words: [...children, ...flags.map(({ name }) => `--${name}`)],
      }))
    ),
  ];
}

/** The values that flags take, where they are a few words. */
function choicesOf(commands: readonly KnownCommand[]): Map<string, readonly string[]> {
  const choices = new Map<string, Set<string>>();
  for (const { name, placeholder = "" } of commands.flatMap(({ flags }) => flags)) {
    if (!/^[a-z0-9.-]+(\|[a-z0-9.-]+)+$/i.test(placeholder)) continue;
    const known = choices.get(name) ?? new Set();
    for (const value of placeholder.split("|")) if (/[a-z]/.test(value)) known.add(value);
    choices.set(name, known);
  }
  return new Map(Array.from(choices, ([name, values]) => [name, [...values]]));
}

/** Flags that are followed by a value. */
function valuedFlags(commands: readonly KnownCommand[]): string[] {
  const flags: Flag<unknown>[] = commands.flatMap(({ flags }) => [...flags]);
  const valued = flags.filter(({ placeholder }) => placeholder !== undefined);
  return [...new Set(valued.map(({ name }) => `--${name}`))];
}

function bashScript(commands: readonly KnownCommand[]): string {
  const choices = Array.from(
    choicesOf(commands),
    ([name, values]) => `    --${name}) choices="${values.join(" ")}" ;;`,
  );
  const rows = rowsOf(commands).map(({ path, words }) =>
    `    "${path}") words="${words.join(" ")}" ;;`
  );
  return `# bash completion of trellis; made by \`trellis completion bash\`
_trellis() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local path="" words="" choices="" word i
  case "$previous" in
${choices.join("\n")}
    ${valuedFlags(commands).join("|")}) COMPREPLY=(); return ;;
  esac
  if [ -n "$choices" ]; then
    COMPREPLY=($(compgen -W "$choices" -- "$current"))
    return
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${path:+$path/}\${COMP_WORDS[i]}"
    [ -n "$(_trellis_words "$word")" ] && path="$word"
  done
  words="$(_trellis_words "$path")"
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}

_trellis_words() {
  local words=""
  case "$1" in
${rows.join("\n")}
  esac
  printf '%s' "$words"
}

complete -o default -F _trellis trellis`;
}

/** zsh runs bash's functions, once its own completion is there. */
function zshScript(commands: readonly KnownCommand[]): string {
  return `# zsh completion of trellis; made by \`trellis completion zsh\`
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i -D; }
autoload -U +X bashcompinit && bashcompinit
${bashScript(commands)}`;
}

function fishScript(commands: readonly KnownCommand[]): string {
  const quoted = (text: string) => `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
  const choices = choicesOf(commands);
  const lines: string[] = [];
  for (const { words, summary, children, flags } of commands) {
    const [first = "", second] = words;
    const after = second === undefined
      ? `__fish_seen_subcommand_from ${first}`
      : `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`;
    if (second === undefined) {
      const line = `-n __fish_use_subcommand -a ${first} -d ${quoted(summary)}`;
      lines.push(`complete -c trellis ${line}`);
    } else {
      const siblings = commands.find((command) => command.words.join(" ") === first)?.children ??
        [];
      const before = `__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ` +
        siblings.join(" ");
      lines.push(`complete -c trellis -n ${quoted(before)} -a ${second} -d ${quoted(summary)}`);
    }
    const own = children.length > 0
      ? `${after}; and not __fish_seen_subcommand_from ${children.join(" ")}`
      : after;
    for (const { name, alias, placeholder, help } of flags) {
      const short = alias === undefined ? "" : ` -s ${alias}`;
      const values = choices.get(name);
      const value = values
        ? ` -x -a ${quoted(values.join(" "))}`
        : placeholder === undefined
        ? ""
        : " -r";
      lines.push(
        `complete -c trellis -n ${quoted(own)} -l ${name}${short}${value} -d ${quoted(help)}`,
      );
    }
  }
  return `# fish completion of trellis; made by \`trellis completion fish\`\n${lines.join("\n")}`;
}
