import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { compileArguments, TARGETS, targetsOf } from "./compile.ts";

Deno.test("Without a name the executable is for this machine", () => {
  assertEquals(targetsOf([]), [undefined]);
  assertEquals(compileArguments(undefined).slice(-3), ["--output", "dist/trellis", "main.ts"]);
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

Deno.test({
  name: "deno puts all that the program needs into an executable, and no tools of its developers",
  // Elsewhere a program of the system is not what Deno can add to.
  ignore: Deno.build.os !== "linux",
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const args = compileArguments(undefined);
      args[args.indexOf("--output") + 1] = join(folder, "trellis");
      const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: args.toSpliced(1, 0, "--no-check"),
        cwd: new URL("..", import.meta.url),
        // In place of Deno's runtime, which is downloaded otherwise.
        env: { NO_COLOR: "1", DENORT_BIN: "/bin/true" },
      }).output();
      const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      assert(success, said);
      for (const part of ["esbuild-wasm/", "prom-client/", "grpc-js/", "page/", " sdk "]) {
        assertStringIncludes(said, part);
      }
      for (const tool of ["playwright-core", "axe-core", "protoc-gen-es"]) {
        assert(!said.includes(tool), tool);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
