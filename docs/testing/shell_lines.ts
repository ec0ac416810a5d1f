/** What the code in a page of Markdown would run, read as a shell does, as far as our pages go. */

/** A simple command: its words, without redirections and without variables before it. */
export type SimpleCommand = readonly string[];

/** The commands in the page's blocks of shell code, indented ones too. */
export function commandsInBlocks(page: string): SimpleCommand[] {
  const blocks = [
    ...Array.from(page.matchAll(/^```sh\n(.*?)^```/gms), ([, block = ""]) => block),
    ...Array.from(page.matchAll(/(?:^ {4}.*\n)+/gm), ([block]) => block),
  ];
  return blocks.flatMap(commandsIn);
}

/** Code within a sentence that starts with this word, or with flags where it is `--`. */
export function inlineCode(page: string, start: "trellis " | "--"): string[] {
  const prose = page.replaceAll(/^```.*?^```/gms, "").replaceAll(/^ {4}.*$/gm, "");
  return Array.from(prose.matchAll(/`([^`]+)`/g), ([, code = ""]) => code.replaceAll(/\s+/g, " "))
    .filter((code) => code.startsWith(start));
}

/** The commands of some lines of shell code. */
export function commandsIn(code: string): SimpleCommand[] {
  const tokens = code.replaceAll(/\\\n/g, " ").matchAll(
    /#.*|[|;&()\n]+|[<>]+|(?:"[^"]*"|'[^']*'|\$\([^)]*\)|[^\s|;&()<>"'])+/g,
  );
  const commands: string[][] = [[]];
  const inner: SimpleCommand[] = [];
  let redirected = false;
  for (const [token] of tokens) {
    if (token.startsWith("#")) continue;
    if (/^[|;&()\n]/.test(token)) {
      commands.push([]);
      redirected = false;
    } else if (/^[<>]/.test(token)) redirected = true;
    else {
      inner.push(...commandsIn(/\$\((.*)\)/.exec(token)?.[1] ?? ""));
      if (!redirected) commands.at(-1)?.push(token.replaceAll(/["']/g, ""));
      redirected = false;
    }
  }
  return [...inner, ...commands.map(withoutVariables)].filter((words) => words.length > 0);
}

function withoutVariables(words: readonly string[]): readonly string[] {
  const first = words.findIndex((word) => !/^\w+=/.test(word));
  return first === -1 ? [] : words.slice(first);
}
