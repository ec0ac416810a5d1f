/**
 * Writes `docs/reference.md`: every command and flag as the program itself declares them, the limits,
 * and the variables. `deno task docs`.
 *
 * @module
 */

import { everyCommand, type KnownCommand } from "../cli/every_command.ts";
import { VARIABLES } from "../superlink/deploy/settings.ts";
import { LIMITS_TABLE } from "../superlink/limits.ts";
import type { Flag } from "../terminal/flags.ts";
import { catalogueRows } from "../wire/flower_error.ts";
import { TOKEN_VARIABLES } from "../terminal/token_variables.ts";

const FILE = new URL("reference.md", import.meta.url);

/** The reference, as Markdown. */
export async function reference(): Promise<string> {
  const commands = (await everyCommand()).filter(({ spec }) => spec !== undefined);
  const sections = [
    "# Reference",
    "Made by `deno task docs` from what the program declares: do not edit it.",
    "## Commands",
    commands.map((command) => `- [\`${titleOf(command)}\`](#${anchorOf(command)})`).join("\n"),
    ...commands.flatMap(commandSection),
    "## Errors over the wire",
    "What a peer is told, with Flower's number over HTTP where it has one. " +
    "[The pages of errors](errors.md) say what to do about those that a person sees.",
    table(
      ["Number", "HTTP", "gRPC", "Sentence"],
      catalogueRows().toSorted((a, b) => (a.code ?? 0) - (b.code ?? 0)).map((row) => [
        `${row.code ?? "none"}`,
        `${row.http}`,
        `\`${row.grpc}\``,
        row.detail,
      ]),
    ),
    "## Limits",
    "What is taken from one peer, on every API. A bucket holds one minute's worth and refills evenly. " +
    "A host is an address of IPv4, or the /64 of one of IPv6. " +
    `On Deno Deploy \`${VARIABLES.limits.name}\` takes what \`--limit\` does, with commas between.`,
    table(
      ["What", "Counted for each", "Limit", "Changed by", "Answer past it"],
      LIMITS_TABLE,
    ),
    "## Variables",
    "The CLI sends the first of these that is set, as the token of a SuperLink that asks for one: " +
    `${TOKEN_VARIABLES.map((name) => `\`${name}\``).join(", ")}. \`FLWR_HOME\` is where Flower's ` +
    "programs and Trellis keep what they keep, `~/.flwr` without. `TRELLIS_DEBUG=1` shows the stack " +
    "of an error, and `NO_COLOR` turns colours off. On Deno Deploy there are also:",
    table(
      ["Variable", "Takes", "Without it", "Meaning"],
      Object.values(VARIABLES).map(({ name, values, without, meaning }) => [
        `\`${name}\``,
        values,
        without,
        meaning,
      ]),
    ),
  ];
  return `${sections.join("\n\n")}\n`;
}

function commandSection(command: KnownCommand): string[] {
  const { spec, summary, aliases, flags } = command;
  const positionals = spec?.positionals ?? [];
  const usage = positionals.map(({ name, required }) => required ? name : `[${name}]`);
  return [
    `### ${titleOf(command)}`,
    summary,
    ["    " + [titleOf(command), "[OPTIONS]", ...usage].join(" ")].join("\n"),
    ...(aliases.length > 0 ? [`Also: ${aliases.map((alias) => `\`${alias}\``).join(", ")}.`] : []),
    [
      ...positionals.map(({ name, help }) => `- \`${name}\`: ${help}`),
      ...flags.map((flag) => `- \`${flagText(flag)}\`: ${flag.help}${defaultOf(flag)}`),
    ].join("\n"),
  ];
}

function flagText({ name, alias, placeholder }: Flag<unknown>): string {
  const long = placeholder === undefined ? `--${name}` : `--${name} ${placeholder}`;
  return alias === undefined ? long : `-${alias}, ${long}`;
}

function defaultOf({ defaultText }: Flag<unknown>): string {
  return defaultText === undefined ? "" : ` Default: ${defaultText}.`;
}

function titleOf({ words }: KnownCommand): string {
  return ["trellis", ...words].join(" ");
}

function anchorOf({ words }: KnownCommand): string {
  return ["trellis", ...words].join("-");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");
  return [head, head.map(() => "---"), ...rows]
    .map((row) => `| ${row.map(cell).join(" | ")} |`)
    .join("\n");
}

if (import.meta.main) {
  await Deno.writeTextFile(FILE, await reference());
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", FILE.pathname],
    stdin: "null",
  }).spawn().status;
  Deno.exit(code);
}
