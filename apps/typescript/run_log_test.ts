import { assertEquals } from "@std/assert";
import { RunLog } from "./run_log.ts";

Deno.test("output is shown at once, and sent in batches, in order", async () => {
  const batches: (readonly string[])[] = [];
  const shown: string[] = [];
  const log = new RunLog(
    (pieces) => {
      batches.push(pieces);
      return Promise.resolve();
    },
    (stream, text) => shown.push(`${stream} ${text}`),
  );
  log.print("stdout", "one\n");
  log.print("stderr", "two\n");
  assertEquals(shown, ["stdout one\n", "stderr two\n"]);
  assertEquals(batches, []);
  await log.close();
  assertEquals(batches, [["one\n", "two\n"]]);
});

Deno.test("one batch is sent at a time, and what waits longest is left out past a mebibyte, which is said", async () => {
  const batches: (readonly string[])[] = [];
  const sent = Promise.withResolvers<void>();
  const log = new RunLog((pieces) => {
    batches.push(pieces);
    return batches.length === 1 ? sent.promise : Promise.resolve();
  }, () => {});
  log.print("stdout", "first");
  const closed = log.close();
  await Promise.resolve();
  log.print("stdout", "a".repeat(1024 ** 2));
  log.print("stdout", "b");
  const closedAgain = log.close();
  sent.resolve();
  await Promise.all([closed, closedAgain]);
  const note =
    "\n[1,048,576 characters are left out here: they came faster than the SuperLink took them.]\n";
  assertEquals(batches, [["first"], [note, "b"]]);
});

Deno.test("a log that cannot be sent is told of, and stops nothing", async () => {
  const shown: string[] = [];
  const log = new RunLog(
    () => Promise.reject(new Error("disk full")),
    (stream, text) => shown.push(`${stream} ${text}`),
  );
  log.print("stdout", "one\n");
  await log.close();
  assertEquals(shown, [
    "stdout one\n",
    "stderr The run's log lacks some output: Error: disk full\n",
  ]);
});
