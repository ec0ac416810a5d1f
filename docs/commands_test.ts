/** What README and the pages of docs say to type is understood by the program. */

import { assertEquals } from "@std/assert";
import { everyCommand, type KnownCommand } from "../cli/every_command.ts";
import { QUIET_FLAG } from "../cli/command_tree.ts";
import project from "../deno.json" with { type: "json" };
import { parseCommand } from "../terminal/command.ts";
import { UsageError } from "../terminal/errors.ts";
import { handWrittenPages } from "./testing/pages.ts";
import { commandsIn, commandsInBlocks, inlineCode } from "./testing/shell_lines.ts";

const known = await everyCommand();
/** Flags that are somebody else's. */
const OF_OTHERS = ["--all", "--host", "--port"];

for (const { name, text } of await handWrittenPages()) {
  Deno.test(`${name} says commands and flags that there are`, () => {
    const wrong = [
      ...commandsInBlocks(text).flatMap((words) => wrongIn(words)),
      ...inlineCode(text, "trellis ").flatMap(commandsIn).flatMap((words) => wrongIn(words, true)),
      ...inlineCode(text, "--").filter((code) => !isFlag(code)),
    ];
    assertEquals(wrong, []);
  });
}

Deno.test("Commands are found behind variables, pipes and in substitutions, without redirections", () => {
  const code = [
    "A=b trellis one \\",
    "  --flag 'two words' > file # trellis three",
    "source <(trellis four bash) | fish",
    "export T=$(openssl rand -hex 32)",
  ].join("\n");
  assertEquals(
    commandsIn(code),
    [
      ["openssl", "rand", "-hex", "32"],
      ["trellis", "one", "--flag", "two words"],
      ["source"],
      ["trellis", "four", "bash"],
      ["fish"],
      ["export", "T=$(openssl rand -hex 32)"],
    ],
  );
});

Deno.test("An unknown command, flag or value in a page is found", () => {
  for (
    const line of [
      "trellis supernodes list",
      "trellis backup --outptu x",
      "trellis ls --format xml",
    ]
  ) {
    assertEquals(commandsIn(line).flatMap((words) => wrongIn(words)).length, 1, line);
  }
});

/** What is wrong with a command; in a sentence its arguments may be left out. */
function wrongIn(words: readonly string[], inSentence = false): string[] {
  const said = words.join(" ");
  if (words[0] === "deno" && words[1] === "task") {
    return words[2] !== undefined && words[2] in project.tasks ? [] : [said];
  }
  if (words[0] !== "trellis") return [];
  const args = words.slice(1).filter((word) => word !== "…");
  const command = commandOf(args);
  if (command === undefined) return [said];
  const rest = args.slice(command.words.length);
  const { spec, children } = command;
  if (spec === undefined) return rest.every((word) => word === "--help") ? [] : [said];
  const [first] = rest;
  if (children.length > 0 && first !== undefined && /^[a-z]+$/.test(first)) return [said];
  try {
    parseCommand({ ...spec, flags: [...spec.flags, QUIET_FLAG] }, rest);
    return [];
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return inSentence && error.message.startsWith("The argument ")
      ? []
      : [`${said}: ${error.message}`];
  }
}

/** The command with the most words of these. */
function commandOf(args: readonly string[]): KnownCommand | undefined {
  const spelt = ({ words, aliases }: KnownCommand) =>
    [words.at(-1) ?? "", ...aliases].some((last) =>
      [...words.slice(0, -1), last].every((word, index) => args[index] === word)
    );
  return known.filter(spelt).toSorted((a, b) => b.words.length - a.words.length)[0];
}

function isFlag(code: string): boolean {
  const name = code.split(/[ =]/)[0] ?? "";
  return OF_OTHERS.includes(name) ||
    known.some(({ spec, flags }) =>
      [...flags, ...spec?.flags ?? []].some((flag) => `--${flag.name}` === name)
    );
}
