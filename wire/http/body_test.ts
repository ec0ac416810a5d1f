import { assert, assertEquals, assertRejects } from "@std/assert";
import { BodyError, readBody } from "./body.ts";
import { CollectedBytes } from "./collected_bytes.ts";

const KIB = 1024;
const SIZES: readonly [name: string, sizes: readonly number[]][] = [
  ["nothing", []],
  ["one small chunk", [10]],
  ["one large chunk", [70 * KIB]],
  ["small chunks", [1, 2, 3]],
  ["more small chunks than fit together", Array<number>(30).fill(10 * KIB)],
  ["small and large ones by turns", [1, 20 * KIB, 1, 20 * KIB, 1, 1, 100 * KIB, 2]],
  ["empty ones", [0, 5, 0, 0, 16 * KIB, 0]],
];

for (const [name, sizes] of SIZES) {
  Deno.test(`CollectedBytes gives ${name} back in order`, () => {
    const collected = new CollectedBytes();
    const expected: number[] = [];
    for (const size of sizes) {
      const chunk = Uint8Array.from({ length: size }, (_, index) => expected.length + index);
      for (const byte of chunk) expected.push(byte);
      collected.add(chunk);
    }
    const whole = collected.whole();
    assertEquals(collected.sizeBytes, expected.length);
    assert(whole.length === expected.length && whole.every((byte, at) => byte === expected[at]));
    assertEquals(whole.buffer.byteLength, expected.length);
  });
}

/** A body of single bytes. */
function drops(count: number): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      if (sent++ < count) controller.enqueue(new Uint8Array(1));
      else controller.close();
    },
  }, { highWaterMark: 0 });
}

Deno.test("CollectedBytes keeps nothing of the buffers that small chunks came in", () => {
  const collected = new CollectedBytes();
  collected.add(new Uint8Array([0]));
  // As Deno's, which are 64 KiB each.
  const buffer = new Uint8Array(64 * KIB);
  for (let count = 1; count < 200; count++) {
    buffer[0] = count;
    collected.add(buffer.subarray(0, 1));
  }
  assertEquals(collected.whole(), Uint8Array.from({ length: 200 }, (_, count) => count));
});

Deno.test("readBody() takes more chunks than a call takes arguments", async () => {
  const limits = { maxBytes: 200_000, idleMs: 60_000 };
  const bytes = await readBody({ body: drops(150_000), headers: new Headers() }, limits);
  assertEquals(bytes.length, 150_000);
});

Deno.test("readBody() ends with the byte that is too many", async () => {
  const body = { body: drops(1_000_000), headers: new Headers() };
  const error = await assertRejects(
    () => readBody(body, { maxBytes: 3, idleMs: 60_000 }),
    BodyError,
  );
  assertEquals(error.reason, "too large");
});
