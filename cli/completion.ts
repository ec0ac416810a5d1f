/**
 * `completion bash | zsh | fish`: scripts that complete commands, flags and the values of flags.
 *
 * @module
 */

import { UsageError } from "../terminal/errors.ts";
import { HELP_FLAG } from "../terminal/command.ts";
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
    positionals: [{
      name: "SHELL",
      help: "bash, zsh or fish",
      required: true,
      choices: Object.keys(SCRIPTS),
    }],
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
  /** The words before, with `/` between, and others that mean the same; empty for none. */
  readonly paths: readonly string[];
  /** Commands, or what a first argument can be; without any it is a file, as far as a shell knows. */
  readonly words: readonly { readonly name: string; readonly summary?: string }[];
  readonly flags: readonly Pick<Flag<unknown>, "name" | "alias" | "placeholder" | "help">[];
}

function rowsOf(commands: readonly KnownCommand[]): Row[] {
  const summaries = new Map(commands.map(({ words, summary }) => [words.join(" "), summary]));
  const named = (name: string, ...before: readonly string[]) => {
    const summary = summaries.get([...before, name].join(" "));
    return summary === undefined ? { name } : { name, summary };
  };
  const first = commands.filter(({ words }) => words.length === 1);
  return [
    {
      paths: [""],
      words: first.map(({ words: [word = ""] }) => named(word)),
      flags: [HELP_FLAG, { name: "version", help: "Show the version and exit." }],
    },
    ...commands.map(({ words, aliases, spec, children, flags }) => ({
      paths: [words.at(-1) ?? "", ...aliases].map((last) =>
        [...words.slice(0, -1), last].join("/")
      ),
      words: children.length > 0
        ? children.map((child) => named(child, ...words))
        : (spec?.positionals?.[0]?.choices ?? []).map((name) => ({ name })),
      flags,
    })),
  ];
}

/** The values that a flag takes, where they are a few words. */
function choicesOf({ placeholder = "" }: Pick<Flag<unknown>, "placeholder">): string[] {
  if (!/^[a-z0-9.-]+(\|[a-z0-9.-]+)+$/i.test(placeholder)) return [];
  return placeholder.split("|").filter((value) => /[a-z]/.test(value));
}

function bashScript(commands: readonly KnownCommand[]): string {
  const rows = rowsOf(commands);
  const pattern = (paths: readonly string[], after = "") =>
    paths.map((path) => `"${path}${after}"`).join("|");
  const known = rows.map(({ paths, words, flags }) => {
    const names = words.map(({ name }) => name).join(" ");
    const flagNames = flags.map(({ name }) => `--${name}`).join(" ");
    return `    ${pattern(paths)}) words="${names}" flags="${flagNames}" ;;`;
  });
  const choices = rows.flatMap(({ paths, flags }) =>
    flags.filter((flag) => choicesOf(flag).length > 0).map((flag) =>
      `    ${pattern(paths, ` --${flag.name}`)}) choices="${choicesOf(flag).join(" ")}" ;;`
    )
  );
  const valued = rows.flatMap(({ flags }) => flags)
    .filter(({ placeholder }) => placeholder !== undefined).map(({ name }) => `--${name}`);
  return `# bash completion of trellis; made by \`trellis completion bash\`
_trellis() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local path="" words="" flags="" choices="" i
  # To bash, --flag=value is three words.
  if [ "$current" = "=" ]; then current=""
  elif [ "$previous" = "=" ]; then previous="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  _trellis_command ""
  for ((i = 1; i < COMP_CWORD; i++)); do
    _trellis_command "\${path:+$path/}\${COMP_WORDS[i]}" && path="\${path:+$path/}\${COMP_WORDS[i]}"
  done
  case "$path $previous" in
${choices.join("\n")}
  esac
  if [ -n "$choices" ]; then words="$choices"
  else case "$previous" in
    # An empty answer is one of files.
    ${[...new Set(valued)].join("|")}) words="" flags="" ;;
  esac; fi
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
  esac
}

_trellis_command() {
  case "$1" in
${known.join("\n")}
    *) return 1 ;;
  esac
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
  const rows = rowsOf(commands);
  const quoted = (text: string) => `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
  const lines = rows.flatMap(({ paths, words, flags }) => {
    const at = `complete -c trellis -n ${quoted(`__trellis_at ${paths.join(" ") || "''"}`)}`;
    return [
      ...words.map(({ name, summary }) =>
        `${at} -f -a ${name}${summary === undefined ? "" : ` -d ${quoted(summary)}`}`
      ),
      ...flags.map((flag) => {
        const short = flag.alias === undefined ? "" : ` -s ${flag.alias}`;
        const choices = choicesOf(flag);
        const value = choices.length > 0
          ? ` -x -a ${quoted(choices.join(" "))}`
          : flag.placeholder === undefined
          ? ""
          : " -r";
        return `${at} -l ${flag.name}${short}${value} -d ${quoted(flag.help)}`;
      }),
    ];
  });
  const paths = rows.flatMap((row) => row.paths).filter((path) => path !== "");
  return `# fish completion of trellis; made by \`trellis completion fish\`
function __trellis_at --description 'Whether the words so far are one of these commands'
  set -l path ''
  for word in (commandline -opc)[2..]
    set -l next (string join / -- $path $word | string trim --left --chars /)
    contains -- $next $__trellis_commands; and set path $next
  end
  contains -- "$path" $argv
end
set -g __trellis_commands ${paths.join(" ")}
${lines.join("\n")}`;
}
