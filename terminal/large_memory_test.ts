import { assertEquals } from "@std/assert";

const MODULE = new URL("large_memory.ts", import.meta.url).href;
const PROGRAM = `import { giveBackLargeMemory } from "${MODULE}";
giveBackLargeMemory();
console.log(new Uint8Array(8_000_000).length);`;

for (const [how, permissions] of [["may", ["--allow-ffi"]], ["may not", []]] as const) {
  const name = `a program that ${how} call the C library goes on after giveBackLargeMemory`;
  Deno.test(name, async () => {
    const program = `data:application/typescript,${encodeURIComponent(PROGRAM)}`;
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--quiet", "--no-lock", ...permissions, program],
    }).output();
    const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals(said, ["8000000\n", ""]);
  });
}
