import { assertEquals, assertRejects } from "@std/assert";
import { concatBytes } from "../../keys/bytes.ts";
import { frame, FramingError, unframed } from "./framing.ts";

const bytes = (...values: number[]) => new Uint8Array(values);
/** Three messages, one of them empty, one longer than a byte can count. */
const MESSAGES = [bytes(1, 2, 3), bytes(), new Uint8Array(300).fill(7)];
const STREAM = concatBytes(...MESSAGES.map(frame));

async function read(chunks: Iterable<Uint8Array>, maxBytes = 300): Promise<Uint8Array[]> {
  const stream = async function* () {
    yield* chunks;
  };
  return await Array.fromAsync(unframed(stream(), maxBytes));
}

function cut(sizeBytes: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let start = 0; start < STREAM.length; start += sizeBytes) {
    chunks.push(STREAM.subarray(start, start + sizeBytes));
  }
  return chunks;
}

Deno.test("frame() puts the length before the message, big-endian", () => {
  assertEquals(frame(bytes(9)), bytes(0, 0, 0, 1, 9));
  assertEquals(frame(new Uint8Array(258)).subarray(0, 4), bytes(0, 0, 1, 2));
});

for (const sizeBytes of [1, 2, 3, 5, 7, 100, STREAM.length]) {
  Deno.test(`unframed() puts messages together from chunks of ${sizeBytes} bytes`, async () => {
    assertEquals(await read(cut(sizeBytes)), MESSAGES);
  });
}

Deno.test("unframed() gives nothing for a stream without frames", async () => {
  assertEquals(await read([]), []);
  assertEquals(await read([bytes(), bytes()]), []);
});

const BROKEN: [name: string, chunks: Uint8Array[]][] = [
  ["ends inside of a length", [bytes(0, 0, 0)]],
  ["ends after a length", [bytes(0, 0, 0, 1)]],
  ["ends inside of a message", [bytes(0, 0, 0, 2, 1)]],
  ["announces a message that is too large", [bytes(0, 0, 1, 45)]],
  ["announces four gigabytes", [bytes(255, 255, 255, 255, 0)]],
];

for (const [name, chunks] of BROKEN) {
  Deno.test(`unframed() refuses a stream that ${name}`, async () => {
    await assertRejects(() => read(chunks), FramingError);
  });
}
