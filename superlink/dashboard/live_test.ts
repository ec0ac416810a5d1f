import { assertEquals, assertRejects, assertThrows, fail } from "@std/assert";
import { LISTENER_LIMIT, Live } from "./live.ts";
import { PageError } from "./routes.ts";

/** A `Live` whose revisions the test sets, and what it was asked. */
function stage() {
  const revisions = { nodes: 1 };
  let looks = 0;
  let logs = 7;
  const live = new Live({
    revisions() {
      looks++;
      return Promise.resolve({ ...revisions });
    },
    logRevision: () => Promise.resolve(logs),
    failed: (error) => fail(String(error)),
  });
  return { live, revisions, looks: () => looks, log: (revision: number) => logs = revision };
}

const always = () => Promise.resolve(true);

function linesOf({ body }: Response): ReadableStreamDefaultReader<string> {
  return (body ?? fail("It has a body.")).pipeThrough(new TextDecoderStream()).getReader();
}

/** The next event's data; what keeps a connection alive is passed over. */
async function next(reader: ReadableStreamDefaultReader<string>): Promise<unknown> {
  for (;;) {
    const { value = "", done } = await reader.read();
    if (done) fail("The stream has ended.");
    const [, data] = /^data: (.*)\n\n$/.exec(value) ?? [];
    if (data !== undefined) return JSON.parse(data);
  }
}

Deno.test("Live tells each page of what changed, and looks once for all of them", async () => {
  const { live, revisions, looks, log } = stage();
  const readers = Array.from({ length: 50 }, () => linesOf(live.listen(undefined, always)));
  const ofRun = linesOf(live.listen(5n, always));
  for (const reader of readers) assertEquals(await next(reader), { nodes: 1 });
  assertEquals(await next(ofRun), { nodes: 1, log: 7 });
  assertEquals(looks(), 1);
  log(8);
  assertEquals(await next(ofRun), { nodes: 1, log: 8 });
  revisions.nodes = 2;
  for (const reader of readers) assertEquals(await next(reader), { nodes: 2 });
  live.stop();
});

Deno.test("Live takes a bounded number of pages, and a new one for each that leaves", async () => {
  const { live } = stage();
  const pages = Array.from({ length: LISTENER_LIMIT }, () => live.listen(undefined, always));
  let refused = 0;
  for (let more = 0; more < 10_000; more++) {
    const error = assertThrows(() => live.listen(undefined, always), PageError);
    if (error.status === 503) refused++;
  }
  assertEquals(refused, 10_000);
  await pages[0]?.body?.cancel();
  assertEquals(live.size, LISTENER_LIMIT - 1);
  live.listen(undefined, always);
  live.stop();
  assertEquals(live.size, 0);
  assertThrows(() => live.listen(undefined, always), PageError, "stopping");
});

Deno.test("Live lets go at once of who may look no more, and of nobody else", async () => {
  const { live, revisions } = stage();
  let may = true;
  const revoked = linesOf(live.listen(undefined, () => Promise.resolve(may)));
  const other = linesOf(live.listen(undefined, always));
  assertEquals(await next(revoked), { nodes: 1 });
  may = false;
  revisions.nodes = 2;
  let said = "";
  for (let read = await revoked.read(); !read.done; read = await revoked.read()) said += read.value;
  assertEquals(said, "event: signed-out\ndata:\n\n");
  await next(other);
  assertEquals(await next(other), { nodes: 2 });
  assertEquals(live.size, 1);
  live.stop();
});

Deno.test("Live lets go of a page that does not read what it is told", async () => {
  const { live, revisions } = stage();
  const deaf = live.listen(undefined, always);
  const reader = linesOf(live.listen(undefined, always));
  while (live.size === 2) {
    await next(reader);
    revisions.nodes++;
  }
  assertEquals(live.size, 1);
  await assertRejects(
    async () => {
      const deafReader = linesOf(deaf);
      while (true) await next(deafReader);
    },
    Error,
    "does not read",
  );
  live.stop();
});
