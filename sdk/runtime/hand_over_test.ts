import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { handOver } from "./hand_over.ts";

Deno.test("handOver() gives away a buffer that holds nothing else", () => {
  const all = new Uint8Array([1, 2, 3]);
  const transfer: ArrayBuffer[] = [];
  assertStrictEquals(handOver(all, transfer), all);
  assertEquals(transfer, [all.buffer]);

  // As a large field of a protobuf message lies in it.
  const framed = new Uint8Array(100_100).subarray(90, 100_090);
  assertStrictEquals(handOver(framed, transfer), framed);
  assertStrictEquals(transfer[1], framed.buffer);
});

Deno.test("handOver() copies bytes out of a buffer that holds more", () => {
  for (
    const part of [
      new Uint8Array(200_000).fill(7).subarray(0, 100_000),
      new Uint8Array(101).fill(7).subarray(0, 100),
      new Uint8Array(8192).fill(7).subarray(8000),
    ]
  ) {
    const transfer: ArrayBuffer[] = [];
    const handed = handOver(part, transfer);
    assert(handed.buffer !== part.buffer);
    assertEquals(handed, new Uint8Array(part.length).fill(7));
    assertEquals(transfer, [handed.buffer]);
  }
});
