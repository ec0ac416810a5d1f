import { assertEquals } from "@std/assert";
import { KeptObjects } from "./kept_objects.ts";

const content = (sizeBytes: number) => new Uint8Array(sizeBytes);

Deno.test("KeptObjects gives each content away once", () => {
  const kept = new KeptObjects(100);
  kept.keep(1n, [["a", content(10)], ["b", content(20)]]);
  assertEquals(kept.take("a"), content(10));
  assertEquals([kept.take("a"), kept.sizeBytes], [undefined, 20]);
});

Deno.test("KeptObjects keeps the last contents of each run only", () => {
  const kept = new KeptObjects(100);
  kept.keep(1n, [["1a", content(10)]]);
  kept.keep(2n, [["2a", content(20)]]);
  kept.keep(1n, [["1b", content(30)]]);
  assertEquals([kept.take("1a"), kept.sizeBytes], [undefined, 50]);
  kept.keep(1n, []);
  assertEquals(kept.sizeBytes, 20);
});

Deno.test("KeptObjects forgets the oldest when there is too much", () => {
  const kept = new KeptObjects(50);
  kept.keep(1n, [["1", content(30)]]);
  kept.keep(2n, [["2", content(30)]]);
  assertEquals([kept.take("1"), kept.sizeBytes], [undefined, 30]);
  kept.keep(3n, [["3", content(51)]]);
  assertEquals(kept.sizeBytes, 0);
  kept.keep(4n, [["4", content(50)]]);
  kept.shrinkTo(49);
  assertEquals(kept.sizeBytes, 0);
});
