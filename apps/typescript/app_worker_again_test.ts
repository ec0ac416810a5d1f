import { dirname, join } from "node:path";
import { assertEquals } from "@std/assert";
import { create, toBinary } from "@bufbuild/protobuf";
import { ContextSchema } from "../../proto/gen/flwr/proto/message_pb.ts";
import { NO_PERMISSIONS } from "./app_permissions.ts";
import { AppWorker } from "./app_worker.ts";
import { bundlePath } from "./bundle_paths.ts";
import { bundlesOf } from "./testing/app_source.ts";

/** Runs a ServerApp with this main function several times in one place, and gives what it printed. */
async function runMany(code: string, times: number) {
  const folder = await Deno.makeTempDir();
  const bundles = bundlesOf({ serverapp: code });
  const never = new AbortController().signal;
  let printed = "";
  try {
    for (const [path, bytes] of bundles) {
      await Deno.mkdir(dirname(join(folder, path)), { recursive: true });
      await Deno.writeFile(join(folder, path), bytes);
    }
    using worker = new AppWorker("serverapp", {
      folder,
      path: bundlePath("serverapp"),
      permissions: NO_PERMISSIONS,
    });
    for (let turn = 1; turn <= times; turn++) {
      const context = toBinary(ContextSchema, create(ContextSchema, { runId: BigInt(turn) }));
      const { ok } = await worker.run({ message: { context } }, {
        answer: () => Promise.reject(new Error("There is no SuperLink.")),
        print: (_stream, text) => printed += text,
      }, never);
      if (!ok) printed += "failed\n";
      worker.prepare();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return printed.trim().split("\n");
}

/** What tells workers apart, where an app may leave it. */
const WORKER_ID = `(Array.prototype.workerId ??= Math.random())`;

Deno.test("an app finds its modules as new for each message, in the same worker", async () => {
  const lines = await runMany(
    `let count = 0;
     return new ServerApp((grid, context) => {
       console.log(++count, context.runId, ${WORKER_ID});
     });`,
    3,
  );
  assertEquals(lines.map((line) => line.split(" ").slice(0, 2).join(" ")), [
    "1 1n",
    "1 2n",
    "1 3n",
  ]);
  assertEquals(new Set(lines.map((line) => line.split(" ")[2])).size, 1);
});

const LEFTOVERS: readonly (readonly [string, string])[] = [
  ["a new global", "globalThis.left = 1;"],
  ["much memory", "(Array.prototype.held ??= []).push(new Uint8Array(40 * 1024 ** 2));"],
  ["an error", 'throw new Error("no flowers");'],
  ["a promise that rejects", "Promise.reject(new Error());"],
];
for (const [what, code] of LEFTOVERS) {
  Deno.test(`an app that leaves ${what} behind gets a new worker for the next message`, async () => {
    const lines = await runMany(
      `return new ServerApp(() => {
         console.log("id", typeof left, ${WORKER_ID});
         ${code}
       });`,
      2,
    );
    const ids = lines.filter((line) => line.startsWith("id undefined "));
    assertEquals([ids.length, new Set(ids).size], [2, 2]);
  });
}

Deno.test("timers that an app leaves behind are gone with its message", async () => {
  const lines = await runMany(
    `return new ServerApp(async (grid, context) => {
       setInterval(() => console.log("late", context.runId), 1);
       setTimeout(() => console.log("late", context.runId), 20);
       console.log("begin", ${WORKER_ID});
       if (context.runId === 2n) await new Promise((resolve) => setTimeout(resolve, 60));
     });`,
    2,
  );
  const second = lines.findLastIndex((line) => line.startsWith("begin"));
  assertEquals(lines.slice(second).includes("late 1n"), false);
  assertEquals(new Set(lines.filter((line) => line.startsWith("begin"))).size, 1);
});

Deno.test("an app that keeps its worker busy after its message does not hold up the next", async () => {
  const lines = await runMany(
    `return new ServerApp((grid, context) => {
       console.log(context.runId);
       if (context.runId === 1n) setTimeout(() => { for (;;) {} }, 0);
     });`,
    2,
  );
  assertEquals(lines, ["1n", "2n"]);
});
