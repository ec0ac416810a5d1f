import { assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../terminal/errors.ts";
import { TokenLines } from "./token_lines.ts";

const never = new AbortController().signal;
const A = "ab".repeat(8);
const B = "0".repeat(1024);

/** Lines from pieces of text, and whether their end was told. */
function linesOf(...pieces: readonly string[]) {
  let ended = 0;
  const lines = new TokenLines(
    ReadableStream.from(pieces).pipeThrough(new TextEncoderStream()),
    () => ended++,
  );
  return { next: () => lines.next(never), timesEnded: () => ended };
}

Deno.test("tokens come one a line, in whatever pieces, and the last line needs no end", async () => {
  const { next, timesEnded } = linesOf(
    A.slice(0, 5),
    `${A.slice(5)}\r\n\n`,
    B.slice(0, 9),
    B.slice(9),
  );
  assertEquals([await next(), await next(), await next(), await next()], [
    A,
    B,
    undefined,
    undefined,
  ]);
  assertEquals(timesEnded(), 1);
});

for (const line of [A.slice(1), `0${B}`, A.toUpperCase(), `${A} ${A}`, "5e5e"]) {
  Deno.test(`a line such as ${line.slice(0, 32)} is no token, and its text is not told`, async () => {
    const error = await assertRejects(() => linesOf(`${line}\n`).next(), UsageError);
    assertEquals(error.message.includes(line), false);
  });
}

Deno.test("whoever waits for a token is let go when it is not wanted any more", async () => {
  const stdin = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>();
  const lines = new TokenLines(stdin.readable, () => {});
  const stop = new AbortController();
  const waiting = lines.next(stop.signal);
  stop.abort();
  assertEquals(await waiting, undefined);
  await stdin.writable.close();
});
