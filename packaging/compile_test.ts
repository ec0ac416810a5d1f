import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { compileArguments, TARGETS, targetsOf } from "./compile.ts";

Deno.test("Without a name the executable is for this machine", () => {
  assertEquals(targetsOf([]), [undefined]);
  assertEquals(compileArguments(undefined), [
    "compile",
    "--allow-all",
    "--output",
    "dist/trellis",
    "main.ts",
  ]);
});

Deno.test("--all is Linux on two processors, macOS and Windows, each in its folder", () => {
  const targets = targetsOf(["--all"]);
  assertEquals(targets.length, Object.keys(TARGETS).length);
  const outputs = targets.map((target) => {
    const args = compileArguments(target);
    return [args[args.indexOf("--target") + 1], args[args.indexOf("--output") + 1]];
  });
  assertEquals(outputs, [
    ["x86_64-unknown-linux-gnu", "dist/linux-x64/trellis"],
    ["aarch64-unknown-linux-gnu", "dist/linux-arm64/trellis"],
    ["x86_64-apple-darwin", "dist/macos-x64/trellis"],
    ["aarch64-apple-darwin", "dist/macos-arm64/trellis"],
    ["x86_64-pc-windows-msvc", "dist/windows-x64/trellis.exe"],
  ]);
});

Deno.test("A target that there is not is refused with those that there are", () => {
  assertThrows(() => targetsOf(["linux-x64", "plan9"]), Error, 'no target "plan9"');
});

Deno.test("deno knows the flags and targets that it is given", async () => {
  // It lists the targets when it is given another, and would complain of a flag first.
  const args = compileArguments("linux-x64");
  const { stderr } = await new Deno.Command(Deno.execPath(), {
    args: args.map((arg) => arg === TARGETS["linux-x64"] ? "plan9" : arg),
    env: { NO_COLOR: "1" },
  }).output();
  const said = new TextDecoder().decode(stderr);
  assertStringIncludes(said, "invalid value 'plan9' for '--target");
  for (const target of Object.values(TARGETS)) assertStringIncludes(said, target);
});
