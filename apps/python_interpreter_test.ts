import { join } from "node:path";
import { assertEquals } from "@std/assert";
import { interpreterOf, parseShebang } from "./python_interpreter.ts";

const SCRIPTS: readonly (readonly [string, string, readonly string[] | undefined])[] = [
  ["a virtual environment", "#!/opt/venv/bin/python3\nimport re\n", ["/opt/venv/bin/python3"]],
  ["a versioned Python", "#!/usr/bin/python3.12\n", ["/usr/bin/python3.12"]],
  ["arguments", "#!/usr/bin/python3 -sP\n", ["/usr/bin/python3", "-sP"]],
  ["spaces around them", "#! /usr/bin/python3  -sP \n", ["/usr/bin/python3", "-sP"]],
  ["env", "#!/usr/bin/env python3\n", ["python3"]],
  ["Windows line ends", "#!/opt/venv/bin/python\r\n", ["/opt/venv/bin/python"]],
  [
    "a path with spaces, as pip writes it",
    `#!/bin/sh\n'''exec' "/home/a b/bin/python" "$0" "$@"\n' '''\nimport re\n`,
    ["/home/a b/bin/python"],
  ],
  [
    "a path that is too long, as pip writes it",
    `#!/bin/sh\n'''exec' /very/long/bin/python3 "$0" "$@"\n' '''\n`,
    ["/very/long/bin/python3"],
  ],
  ["a wrapper of a package manager", `#!/bin/sh\nexport A=1\nexec "/x/python3" "$@"\n`, undefined],
  ["another language", "#!/usr/bin/node\n", undefined],
  ["env with arguments of its own", "#!/usr/bin/env -S python3 -I\n", undefined],
  ["env with nothing", "#!/usr/bin/env\n", undefined],
  ["an executable", "MZ\u0000\u0001", undefined],
  ["nothing", "", undefined],
  ["a line without an end", "#!/usr/bin/python3", undefined],
];
for (const [what, text, expected] of SCRIPTS) {
  Deno.test(`the interpreter of a console script with ${what} is ${expected ?? "not known"}`, () => {
    assertEquals(parseShebang(text), expected);
  });
}

Deno.test("the interpreter is read from the script's file", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const script = join(folder, "flwr-clientapp");
    await Deno.writeTextFile(script, "#!/opt/venv/bin/python3\n" + "# x\n".repeat(5_000));
    assertEquals(await interpreterOf(script), ["/opt/venv/bin/python3"]);
    await Deno.writeTextFile(script, "");
    assertEquals(await interpreterOf(script), undefined);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
