import { assertEquals } from "@std/assert";
import { Recent } from "./recent.ts";

Deno.test("Recent keeps what is used, and lets go what is not, one to two periods later", () => {
  let nowMs = 0;
  const recent = new Recent<string, number>(10, 100, () => nowMs);
  recent.set("used", 1);
  recent.set("left", 2);
  for (nowMs = 60; nowMs <= 300; nowMs += 60) assertEquals(recent.get("used"), 1);
  assertEquals(recent.get("left"), undefined);
  assertEquals(recent.size, 1);
  nowMs += 1_000;
  assertEquals(recent.size, 0);
});

Deno.test("Recent holds no more than its limit in each generation, and the newest", () => {
  const recent = new Recent<number, number>(10, 100, () => 0);
  for (let key = 0; key < 1_000; key++) recent.set(key, key);
  assertEquals(recent.get(999), 999);
  assertEquals(recent.get(0), undefined);
  assertEquals(recent.size <= 21, true);
});
