import { assert, assertEquals } from "@std/assert";

const MODULE = new URL("free_memory.ts", import.meta.url).href;
/** Fills memory as sockets do, between pieces that stay, lets it go, and says how much is left of it. */
const program = (patienceMs: number) => `
import { giveBackFreeMemory } from "${MODULE}";
giveBackFreeMemory(10);
const pieces = [];
const kept = [];
const before = Deno.memoryUsage().rss;
for (let count = 0; count < 2_000; count++) {
  pieces.push(new Uint8Array(60_000).fill(1));
  if (count % 10 === 0) kept.push(new Uint8Array(2_000).fill(1));
}
const full = Deno.memoryUsage().rss - before;
pieces.length = 0;
gc();
const end = Date.now() + ${patienceMs};
let left = full;
while (left > full / 2 && Date.now() < end) {
  await new Promise((resolve) => setTimeout(resolve, 10));
  left = Deno.memoryUsage().rss - before;
}
console.log(kept.length, full > 100_000_000, left <= full / 2);
`;

async function said(permissions: readonly string[], patienceMs: number): Promise<string> {
  const source = encodeURIComponent(program(patienceMs));
  const flags = ["--no-prompt", "--quiet", "--no-lock", "--v8-flags=--expose-gc"];
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", ...flags, ...permissions, `data:application/typescript,${source}`],
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout);
}

Deno.test({
  name: "giveBackFreeMemory() gives back what is free between pieces that stay",
  ignore: Deno.build.os !== "linux",
  fn: async () => assertEquals(await said(["--allow-ffi"], 10_000), "200 true true\n"),
});

Deno.test("a program that may not call the C library goes on after giveBackFreeMemory()", async () => {
  assert((await said([], 500)).startsWith("200 true "));
});
