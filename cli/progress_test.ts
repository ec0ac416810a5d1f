import { assertEquals, assertRejects } from "@std/assert";
import { withProgress } from "./progress.ts";

Deno.test("A slow step shows for how long it has been under way, and leaves no line, also when it fails", async () => {
  const shown: string[] = [];
  const seen = Promise.withResolvers<void>();
  const terminal = {
    progress(text: string) {
      shown.push(text);
      seen.resolve();
    },
  };
  const work = async () => {
    await seen.promise;
    throw new Error("disk full");
  };
  await assertRejects(
    () => withProgress(terminal, "Backing up trellis.kv", work, { periodMs: 1 }),
    Error,
    "disk full",
  );
  assertEquals([shown[0], shown.at(-1)], ["Backing up trellis.kv, for 0 s...", ""]);
});

Deno.test("A slow step that says how much is done shows a bar", async () => {
  const shown: string[] = [];
  const seen = Promise.withResolvers<void>();
  const terminal = {
    progress(text: string) {
      shown.push(text);
      seen.resolve();
    },
  };
  const work = async (advance: (done: number, total: number) => void) => {
    advance(13, 26);
    await seen.promise;
  };
  await withProgress(terminal, "Making 26 key pairs", work, { periodMs: 1 });
  assertEquals(shown[0], "Making 26 key pairs [##########..........] 50 %, for 0 s...");
});

Deno.test("A fast step shows nothing", async () => {
  const shown: string[] = [];
  const terminal = { progress: (text: string) => void shown.push(text) };
  assertEquals(await withProgress(terminal, "Looking", () => Promise.resolve(7)), 7);
  assertEquals(shown, []);
});
