import { assertEquals } from "@std/assert";
import { CARRY_BYTES, CarryRoom } from "./carry_room.ts";

const KIB = 1024;

Deno.test("CarryRoom takes small objects until one does not fit", () => {
  const room = new CarryRoom(BigInt(60 * KIB));
  assertEquals([30, 20, 20, 1].map((kib) => room.take(kib * KIB)), [true, true, false, false]);
  assertEquals(room.isFull, true);
});

Deno.test("CarryRoom passes over a large object, and takes small ones that come after it", () => {
  const room = new CarryRoom(CARRY_BYTES);
  assertEquals([32 * KIB + 1, 32 * KIB].map((size) => room.take(size)), [false, true]);
});

Deno.test("CarryRoom has room for CARRY_BYTES at most, and none where the peer takes none", () => {
  const room = new CarryRoom(2n ** 64n - 1n);
  let taken = 0;
  while (room.take(KIB)) taken += KIB;
  assertEquals(taken, CARRY_BYTES);
  assertEquals(new CarryRoom(0n).take(1), false);
});
