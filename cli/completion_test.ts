import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { everyCommand } from "./every_command.ts";
import { runCli } from "./testing/control_server.ts";

async function shell(program: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  const said = new TextDecoder().decode(stderr);
  assert(success, said);
  assertEquals(said, "");
  return new TextDecoder().decode(stdout).trim();
}

function hasShell(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}

/** What bash offers after these words; the last is the one that is being typed. */
async function completed(...words: string[]): Promise<string[]> {
  const { stdout: script } = await runCli(["completion", "bash"]);
  const line = words.map((word) => `'${word}'`).join(" ");
  const out = await shell("bash", [
    "--norc",
    "-c",
    `${script}\nCOMP_WORDS=(trellis ${line})\nCOMP_CWORD=${words.length}\n_trellis\n` +
    `printf '%s\\n' "\${COMPREPLY[@]}"`,
  ]);
  return out === "" ? [] : out.split("\n");
}

const COMPLETED: readonly [string[], string[]][] = [
  [["supern"], ["supernode"]],
  [["supernode", "unreg"], ["unregister"]],
  [["supernode", "register", "--root"], ["--root-certificates"]],
  [["supernode", "--auth-supernode-pr"], ["--auth-supernode-private-key"]],
  [["superlink", "--enable"], ["--enable-supernode-auth"]],
  [["superlink", "--control-access", "open"], ["open-to-anybody"]],
  [["token", "create", "--role", ""], ["operator", "viewer", "admin"]],
  [["token", "create", "--name", ""], []],
  [["login", "app"], ["approve"]],
  [["ls", "--run"], ["--run-id"]],
  [["--vers"], ["--version"]],
  [["run", "--quiet", "--str"], ["--stream"]],
  [["run", ""], []],
  [["run", "--format", ""], ["default", "json"]],
  [["supernode", "ls", "--format", "=", "y"], ["yaml"]],
  [["completion", ""], ["bash", "zsh", "fish"]],
];

for (const [words, expected] of COMPLETED) {
  Deno.test({
    name: `bash completes trellis ${words.join(" ")}`,
    ignore: !hasShell("bash"),
    fn: async () => assertEquals(await completed(...words), expected),
  });
}

/** How a shell takes in the script, and what it then knows of trellis. */
const SHELLS: readonly [string, (file: string) => string[], string][] = [
  [
    "zsh",
    (file) => [
      "-f",
      "-c",
      `autoload -Uz compinit; compinit -u -D; source ${file}; print -r -- $_comps[trellis]`,
    ],
    "_trellis",
  ],
  ["zsh", (file) => ["-f", "-c", `source ${file}; print -r -- $_comps[trellis]`], "_trellis"],
  [
    "fish",
    (file) => ["--no-config", "-c", `source ${file}; complete -C 'trellis supernode unreg'`],
    "unregister",
  ],
  [
    "fish",
    (file) => ["--no-config", "-c", `source ${file}; complete -C 'trellis supernode ls --st'`],
    "--status",
  ],
];

for (const [index, [name, how, offered]] of SHELLS.entries()) {
  Deno.test({
    name: `${name} reads its completions (${index + 1})`,
    ignore: !hasShell(name),
    async fn() {
      const { stdout } = await runCli(["completion", name]);
      const file = await Deno.makeTempFile();
      try {
        await Deno.writeTextFile(file, stdout);
        assertStringIncludes(await shell(name, how(file)), offered);
      } finally {
        await Deno.remove(file);
      }
    },
  });
}

Deno.test("A shell that is not known is refused with those that are", async () => {
  const { code, stderr } = await runCli(["completion", "tcsh"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "bash, zsh, fish");
});

Deno.test("Every command is known, with its flags", async () => {
  const commands = await everyCommand();
  const names = commands.map(({ words }) => words.join(" "));
  assertEquals(new Set(names).size, names.length);
  for (const name of ["superlink", "supernode", "supernode register", "token create", "health"]) {
    assert(names.includes(name), name);
  }
  for (const { flags } of commands) assert(flags.some(({ name }) => name === "help"));
});
