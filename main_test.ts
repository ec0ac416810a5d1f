import { assertEquals, assertThrows } from "@std/assert";
import { chooseMode, type Mode, requireDeno } from "./main.ts";
import { ExitError } from "./terminal/errors.ts";

Deno.test("the first argument picks the part of the program", () => {
  const cases: readonly (readonly [string[], Mode["part"], string[]])[] = [
    [["superlink", "--insecure"], "superlink", ["--insecure"]],
    [["superlink"], "superlink", []],
    [["app-process", "serverapp"], "app-process", ["serverapp"]],
    [["supernode"], "supernode", []],
    [["supernode", "--insecure"], "supernode", ["--insecure"]],
    [["supernode", "--help"], "supernode", ["--help"]],
    [["supernode", "register", "a.pub"], "cli", ["supernode", "register", "a.pub"]],
    [["supernode", "ls"], "cli", ["supernode", "ls"]],
    [["supernode", "lst"], "cli", ["supernode", "lst"]],
    [["run", "."], "cli", ["run", "."]],
    [["--help"], "cli", ["--help"]],
    [[], "cli", []],
    [["--version"], "version", []],
    [["-V"], "version", []],
  ];
  for (const [args, part, left] of cases) {
    assertEquals(chooseMode("deno", args), { part, args: left }, args.join(" "));
  }
});

Deno.test("an executable with the name of a Flower program behaves as that program", () => {
  const cases: readonly (readonly [string, string[], string])[] = [
    ["/usr/local/bin/flower-superlink", ["--insecure"], "superlink"],
    ["./flower-superlink", ["supernode"], "superlink"],
    ["flower-supernode", ["--insecure"], "supernode"],
    ["flower-supernode.exe", [], "supernode"],
    ["flower-supernode", ["app-process", "clientapp"], "app-process"],
    ["trellis-superlink", ["--insecure"], "superlink"],
    ["/opt/trellis-supernode", ["--insecure"], "supernode"],
    ["trellis-supernode.exe", ["--version"], "version"],
    ["flwr", ["supernode", "--help"], "cli"],
    ["flwr", ["superlink"], "cli"],
    ["flower-superlink", ["--version"], "version"],
    ["trellis", ["superlink"], "superlink"],
  ];
  for (const [executable, args, part] of cases) {
    assertEquals(chooseMode(executable, args).part, part, executable);
  }
  assertEquals(chooseMode("flower-supernode", ["--insecure"]).args, ["--insecure"]);
});

Deno.test("a Deno that is too old is refused with the version that is needed", () => {
  for (const version of ["2.6.10", "1.46.3"]) {
    assertThrows(() => requireDeno(version), ExitError, "needs Deno 2.7 or newer");
  }
  for (const version of ["2.7.0", "2.10.1", "3.0.0"]) requireDeno(version);
});
