import { assertEquals, assertStringIncludes } from "@std/assert";
import { COMMANDS } from "./main.ts";
import { runCli } from "./testing/control_server.ts";

async function inTempDir(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a group without a command, or with --help, lists its commands", async () => {
  for (const args of [[], ["--help"], ["-h"]]) {
    const { code, stdout } = await runCli(args);
    assertEquals(code, 0);
    for (const word of ["supernode", "federation", "keys", "certs", "superlink"]) {
      assertStringIncludes(stdout, `\n  ${word} `);
    }
  }
  const { stdout } = await runCli(["supernode"]);
  assertStringIncludes(stdout, "Usage: trellis supernode COMMAND");
  for (const word of ["register", "unregister", "list"]) {
    assertStringIncludes(stdout, `\n  ${word} `);
  }
});

for (const { name, summary, aliases, load } of COMMANDS) {
  Deno.test(`the list of commands says of ${name} what it says of itself`, async () => {
    const command = await load();
    const own = "spec" in command ? { ...command.spec, aliases: command.aliases } : command;
    assertEquals([own.name, own.summary], [name, summary]);
    assertEquals("aliases" in own ? own.aliases : undefined, aliases);
  });
}

Deno.test("--help of a command shows its arguments and flags", async () => {
  const { code, stdout } = await runCli(["supernode", "register", "--help"]);
  assertEquals(code, 0);
  assertStringIncludes(
    stdout,
    "trellis supernode register [OPTIONS] PUBLIC_KEY [APP] [FEDERATION]",
  );
  assertStringIncludes(stdout, "--format default|json");
});

Deno.test("a command line that is not understood exits 2 and names what is near", async () => {
  const cases: readonly (readonly [string[], string])[] = [
    [["supernodes"], "Did you mean `trellis supernode`?"],
    [["superlnk", "--insecure"], "Did you mean `trellis superlink`?"],
    [["supernode", "regster"], "Did you mean `trellis supernode register`?"],
    [["--verbose"], "has no flag --verbose"],
    [["supernode", "list", "--formt", "json"], "Did you mean --format?"],
    [["supernode", "list", "--format", "xml"], "Choose one of: default, table, json, yaml, csv."],
    [["supernode", "register"], "The argument PUBLIC_KEY is missing."],
    [["supernode", "list", ".", "fed", "more"], 'Unexpected argument "more".'],
    [["keys", "generate", "two"], 'N must be a whole number, not "two".'],
    [["certs", "generate", "--days", "0"], "from 1 to 3650"],
  ];
  for (const [args, words] of cases) {
    const { code, stderr, stdout } = await runCli(args);
    assertEquals([code, stdout], [2, ""], args.join(" "));
    assertStringIncludes(stderr, words);
  }
});

Deno.test("keys generate makes the guide's files, and keys show reads each of them", async () => {
  await inTempDir(async (directory) => {
    const keys = `${directory}/keys`;
    const args = ["keys", "generate", "2", "--directory", keys, "--curve", "P-256"];
    const { code, stdout } = await runCli(args);
    assertEquals(code, 0);
    assertEquals(Array.from(Deno.readDirSync(keys), ({ name }) => name).sort(), [
      "client_credentials_1",
      "client_credentials_1.pub",
      "client_credentials_2",
      "client_credentials_2.pub",
    ]);
    const fingerprint = /SHA256:\S+/.exec(stdout)?.[0] ?? "";
    for (const [file, kind] of [["1", "private"], ["1.pub", "public"]]) {
      const path = `${keys}/client_credentials_${file}`;
      const shown = await runCli(["keys", "show", path, "--format", "json"]);
      assertEquals(JSON.parse(shown.stdout), {
        success: true,
        file: path,
        kind,
        format: "OpenSSH",
        curve: "P-256",
        fingerprint,
      });
    }
    const again = await runCli(args);
    assertEquals(again.code, 1);
    assertStringIncludes(again.stderr, "never overwritten");
  });
});

Deno.test("keys show says what it cannot read", async () => {
  const { code, stderr } = await runCli(["keys", "show", "no-such-file"]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, '"no-such-file" does not exist');
});

Deno.test("certs generate names each file by the flag that takes it", async () => {
  await inTempDir(async (directory) => {
    const target = `${directory}/certificates`;
    const args = ["certs", "generate", "--directory", target, "--host", "fleet.example"];
    const { code, stdout } = await runCli([...args, "--format", "json"]);
    assertEquals(code, 0);
    assertEquals(JSON.parse(stdout)["server-certificate"], `${target}/server.pem`);
    const again = await runCli(args);
    assertEquals(again.code, 1);
  });
});

Deno.test("config list shows what an app declares", async () => {
  await inTempDir(async (directory) => {
    await Deno.writeTextFile(
      `${directory}/pyproject.toml`,
      '[tool.flwr.federations]\ndefault = "a"\na.address = "h:1"\nb.options.num-supernodes = 2\n',
    );
    const { code, stdout } = await runCli(["config", "list", directory]);
    assertEquals(code, 0);
    assertStringIncludes(stdout, "│ a (default) │ h:1               │");
    assertStringIncludes(stdout, "│ b           │ none (simulation) │");
  });
});
