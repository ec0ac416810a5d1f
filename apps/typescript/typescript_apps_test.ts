import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { createInstruction } from "../../records/message.ts";
import { RecordDict } from "../../sdk/mod.ts";
import type { AppLaunch } from "../app_process.ts";
import { isAlive, until } from "../testing/fake_flower.ts";
import { NO_PERMISSIONS } from "./app_permissions.ts";
import { fabOf } from "./testing/app_source.ts";
import { FakeClientAppIo, NODE_ID } from "./testing/fake_client_app_io.ts";
import { TOKEN } from "./testing/fake_server_app_io.ts";
import { TypeScriptApps, type TypeScriptAppsOptions } from "./typescript_apps.ts";

/** Its replies tell its process, how often its module was used, and whether it could read. */
const APP = `let count = 0;
const read = (path) => { try { return Deno.readTextFileSync(path); } catch (e) { return e.name; } };
return new ClientApp().train(() => {
  const told = { pid: Deno.pid, count: ++count, other: read("/etc/hostname") };
  return new RecordDict({ told: new ConfigRecord(told) });
});`;
/** It works until it is ended. */
const BUSY = "return new ClientApp().train(() => { for (;;) {} });";
/** As the first, but a second message in the same worker is not answered. */
const STUCK = APP.replace(
  "train(() => {",
  `train(async () => {
  if (Array.prototype.wasHere) await new Promise((resolve) => setTimeout(resolve, 60_000));
  Array.prototype.wasHere = true;`,
);

interface Stage {
  readonly apps: TypeScriptApps;
  /** A message for a ClientApp of this run. */
  message(runId?: bigint): AppLaunch;
  /** Has a message handled, and gives the process that did. */
  handle(runId?: bigint): Promise<number>;
  /** What the last reply tells. */
  told(key: string): unknown;
  /** Waits until a ClientApp has been given its message. */
  untilAtWork(): Promise<void>;
}

async function withApps(
  app: string,
  options: Partial<TypeScriptAppsOptions>,
  play: (stage: Stage) => Promise<void>,
): Promise<void> {
  const instruction = createInstruction({
    runId: 7n,
    dstNodeId: NODE_ID,
    messageType: "train",
    content: new RecordDict(),
    nowSeconds: Date.now() / 1000,
  });
  const fab = await fabOf({ clientapp: app });
  await using supernode = await FakeClientAppIo.start({ fab, instruction });
  const flwrDirectory = await Deno.makeTempDir();
  let apps: TypeScriptApps | undefined;
  try {
    apps = new TypeScriptApps({ permissions: NO_PERMISSIONS, maxIdle: 2, ...options });
    const started = apps;
    const message = (runId = 7n): AppLaunch => ({
      kind: "clientapp",
      apiAddress: supernode.address,
      token: TOKEN,
      flwrDirectory,
      runId,
    });
    const told = (key: string) => supernode.reply?.content?.configRecords().get("told")?.get(key);
    await play({
      apps,
      message,
      told,
      async handle(runId) {
        const { pid, exited } = await started.start(message(runId));
        assertEquals((await exited).code, 0);
        assertEquals(told("pid"), pid);
        return pid;
      },
      untilAtWork: () => {
        const { promise, resolve } = Promise.withResolvers<void>();
        supernode.noted = (call) => call === "confirm true" && resolve();
        return promise;
      },
    });
  } finally {
    await apps?.[Symbol.asyncDispose]();
    await Deno.remove(flwrDirectory, { recursive: true });
  }
}

const untilGone = (pid: number) =>
  until(`process ${pid} has ended`, async () => !await isAlive(pid));

/** Waits until a process waits for a run, and gives its id. */
async function untilSpare(apps: TypeScriptApps): Promise<number> {
  let pid: number | undefined;
  await until("a process is made ready", () => (pid = apps.sparePid) !== undefined);
  return pid ?? 0;
}

Deno.test("the messages of a run are handled by one process, each as if it were the first", () =>
  withApps(APP, {}, async ({ handle, told }) => {
    const pid = await handle();
    assertEquals([await handle(), await handle()], [pid, pid]);
    assertEquals([told("count"), told("other")], [1, "NotCapable"]);
  }));

Deno.test("each run has a process of its own, and a process that waits holds up none", () =>
  withApps(APP, {}, async ({ handle }) => {
    const first = await handle(1n);
    const second = await handle(2n);
    assertNotEquals(first, second);
    assertEquals([await handle(1n), await handle(2n)], [first, second]);
  }));

Deno.test("of processes that wait, the one that has done so for the longest time ends first", () =>
  withApps(APP, { maxIdle: 1 }, async ({ handle }) => {
    const first = await handle(1n);
    const second = await handle(2n);
    await untilGone(first);
    assertEquals(await handle(2n), second);
    assertNotEquals(await handle(1n), first);
  }));

Deno.test("a process ends when its run does", () =>
  withApps(APP, {}, async ({ apps, handle }) => {
    const [first, second] = [await handle(1n), await handle(2n)];
    apps.endRun(1n);
    await untilGone(first);
    assertEquals(await handle(2n), second);
  }));

Deno.test("a process that waits for too long ends", () =>
  withApps(APP, { limits: { idleMs: 1 } }, async ({ handle }) => untilGone(await handle())));

Deno.test("without processes that are kept, each message has one that ends with it", () =>
  withApps(APP, { maxIdle: 0 }, async ({ handle }) => {
    const first = await handle();
    await untilGone(first);
    assertNotEquals(await handle(), first);
  }));

Deno.test("the death of a process that waits costs no message", () =>
  withApps(APP, {}, async ({ handle }) => {
    const first = await handle();
    Deno.kill(first, "SIGKILL");
    assertNotEquals(await handle(), first);
  }));

Deno.test("a process that waits and does not answer is ended, and costs no message", () =>
  withApps(APP, {}, async ({ handle }) => {
    const first = await handle();
    Deno.kill(first, "SIGSTOP");
    assertNotEquals(await handle(), first);
    await untilGone(first);
  }));

Deno.test("a process that dies at work says so, and the next message gets a new one", () =>
  withApps(BUSY, {}, async ({ apps, message, untilAtWork }) => {
    const atWork = untilAtWork();
    const first = await apps.start(message());
    await atWork;
    Deno.kill(first.pid, "SIGKILL");
    const { signal, success } = await first.exited;
    assertEquals([signal, success], ["SIGKILL", false]);
    const second = await apps.start(message());
    assertNotEquals(second.pid, first.pid);
    await second.stop(1_000);
  }));

Deno.test("to stop an app ends its process, also in the midst of a message that is not its first", () =>
  withApps(STUCK, {}, async ({ apps, message, handle, untilAtWork }) => {
    const first = await handle();
    const atWork = untilAtWork();
    const app = await apps.start(message());
    assertEquals(app.pid, first);
    await atWork;
    await app.stop(5_000);
    assertEquals((await app.exited).success, false);
    await untilGone(first);
    assertNotEquals(await handle(), first);
  }));

Deno.test("a process is made ready in a calm moment, and the next run takes it", () =>
  withApps(APP, { limits: { spareAfterMs: 1 } }, async ({ apps, handle }) => {
    const first = await handle(1n);
    const spare = await untilSpare(apps);
    assertNotEquals(spare, first);
    assertEquals(await handle(2n), spare);
  }));

Deno.test("a process that waits for a run in vain ends", () =>
  withApps(APP, { limits: { spareAfterMs: 1, spareMs: 100 } }, async ({ apps, handle }) => {
    const spare = untilSpare(apps);
    await handle();
    await untilGone(await spare);
  }));

Deno.test("all processes end with the program's apps, whatever they do", () =>
  withApps(BUSY, { limits: { spareAfterMs: 1 } }, async ({ apps, message, untilAtWork }) => {
    const atWork = untilAtWork();
    const [first, second] = [await apps.start(message(1n)), await apps.start(message(2n))];
    await atWork;
    await apps[Symbol.asyncDispose]();
    for (const { pid } of [first, second]) assert(!await isAlive(pid));
    assertEquals((await first.exited).success, false);
    const late = await apps.start(message(3n));
    await untilGone(late.pid);
  }));
