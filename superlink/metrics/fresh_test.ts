import { assertEquals, assertRejects } from "@std/assert";
import { Fresh } from "./fresh.ts";

Deno.test("Fresh looks once for all who ask at a time, and again when it was told to forget", async () => {
  let looks = 0;
  const fresh = new Fresh(() => Promise.resolve(++looks), 60_000);
  assertEquals(await Promise.all([fresh.get(), fresh.get()]), [1, 1]);
  assertEquals(await fresh.get(), 1);
  fresh.forget();
  assertEquals(await fresh.get(), 2);
});

Deno.test("Fresh keeps no failure", async () => {
  let looks = 0;
  const fresh = new Fresh(
    () => ++looks === 1 ? Promise.reject(new Error("Disk.")) : Promise.resolve(looks),
    60_000,
  );
  await assertRejects(() => fresh.get(), Error, "Disk.");
  assertEquals(await fresh.get(), 2);
});
