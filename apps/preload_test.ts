import { join } from "node:path";
import { assert, assertEquals, assertLess, assertMatch, assertNotEquals } from "@std/assert";
import { LogLines } from "../superlink/testing/log_lines.ts";
import { type AppCommand, type AppProcess, startProcess } from "./app_process.ts";
import { Preload, type PreloadOptions } from "./preload.ts";
import { FakeFlower, isAlive, until } from "./testing/fake_flower.ts";

const ignore = Deno.build.os === "windows" || !await hasPython();

/** Runs `play` with a preload process whose Flower first runs `setUp` when it is imported. */
async function withPreload(
  play: (stage: { flower: FakeFlower; preload: Preload; logged: LogLines }) => Promise<void>,
  { setUp = "", ...options }: { setUp?: string } & Pick<PreloadOptions, "limits"> = {},
): Promise<void> {
  await using flower = await FakeFlower.create();
  const logged = new LogLines();
  await using preload = new Preload({
    interpreter: ["env", `FAKE_FLOWER=${setUp}`, "python3"],
    script: flower.script,
    log: logged.log,
    ...options,
  });
  await play({ flower, preload, logged });
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore, fn });
}

const events = ({ lines }: LogLines) => lines.map(({ event }) => event);

test("a Python app is forked with its arguments, its environment and an empty stdin", () =>
  withPreload(async ({ flower, preload, logged }) => {
    const command = flower.command("0", "one", "two");
    const app = await preload.start(command);
    assertEquals(await app.exited, { success: true, code: 0, signal: null });
    const note = await flower.note(command);
    assertEquals(note.argv, [flower.script, ...command.args]);
    assertEquals(note.pid, app.pid);
    assertEquals(note.home, "/fake/home");
    assertEquals(note.stdin, "");
    assertEquals(note.forked, true);
    assertEquals(events(logged), []);
  }));

test("the exit code of a forked app is known", () =>
  withPreload(async ({ flower, preload }) => {
    const app = await preload.start(flower.command("3"));
    assertEquals(await app.exited, { success: false, code: 3, signal: null });
  }));

test("each fork imports the app's own modules anew", () =>
  withPreload(async ({ flower, preload }) => {
    for (const version of ["first", "second"]) {
      await flower.writeAppModule(version);
      const command = flower.command();
      await (await preload.start(command)).exited;
      assertEquals((await flower.note(command)).version, version);
    }
  }));

test("forks draw other random numbers than each other", () =>
  withPreload(async ({ flower, preload }) => {
    const commands = [flower.command(), flower.command()];
    const apps = await Promise.all(commands.map((command) => preload.start(command)));
    await Promise.all(apps.map(({ exited }) => exited));
    const [one, two] = await Promise.all(commands.map((command) => flower.note(command)));
    assertNotEquals(one?.random[0], two?.random[0]);
    assertNotEquals(one?.random[1], two?.random[1]);
  }));

test("a forked app that is stopped ends by SIGTERM, and by SIGKILL when it defies that", () =>
  withPreload(async ({ flower, preload }) => {
    for (const [todo, signal] of [[["stay"], "SIGTERM"], [["stay", "defy"], "SIGKILL"]] as const) {
      const command = flower.command(...todo);
      const app = await preload.start(command);
      await flower.note(command);
      await app.stop(signal === "SIGTERM" ? 20_000 : 100);
      assertEquals((await app.exited).signal, signal);
      assertEquals(await isAlive(app.pid), false);
    }
  }));

test("apps end with the preload process, and later ones are forked from a new one", () =>
  withPreload(async ({ flower, preload, logged }) => {
    const command = flower.command("stay");
    const app = await preload.start(command);
    Deno.kill((await flower.note(command)).parent, "SIGKILL");
    assertEquals((await app.exited).signal, "SIGKILL");
    await until("the app has ended", async () => !await isAlive(app.pid));
    await logged.untilLogged("preload.ended");
    const next = flower.command();
    await (await preload.start(next)).exited;
    assertEquals((await flower.note(next)).forked, true);
    assertEquals(events(logged), ["preload.ended"]);
  }));

test("a preload process that takes signals for its group leaves them to its parent", () =>
  withPreload(async ({ flower, preload, logged }) => {
    const command = flower.command("stay");
    const app = await preload.start(command);
    const { parent } = await flower.note(command);
    for (const signal of ["SIGINT", "SIGTERM", "SIGQUIT"] as const) Deno.kill(parent, signal);
    const next = flower.command();
    await (await preload.start(next)).exited;
    assertEquals((await flower.note(next)).parent, parent);
    await app.stop(20_000);
    assertEquals((await app.exited).signal, "SIGTERM");
    assertEquals(events(logged), []);
  }));

test("apps end when the program that started them is killed", async () => {
  await using flower = await FakeFlower.create();
  const command = flower.command("stay");
  const text = `
    import { Preload } from ${JSON.stringify(import.meta.resolve("./preload.ts"))};
    import { createLog } from ${JSON.stringify(import.meta.resolve("../terminal/log.ts"))};
    const log = createLog({ format: "text" });
    const script = ${JSON.stringify(flower.script)};
    const preload = new Preload({ interpreter: ["python3"], script, log });
    await preload.start(${JSON.stringify(command)});
  `;
  const parent = startProcess({ program: Deno.execPath(), args: ["eval", text], env: {} });
  const { pid, parent: preload } = await flower.note(command);
  await parent.stop(0);
  for (const process of [pid, preload]) {
    await until(`process ${process} has ended`, async () => !await isAlive(process));
  }
});

test("what was still running ends when the starter of apps is disposed", async () => {
  let app: AppProcess | undefined;
  await withPreload(async ({ flower, preload }) => {
    const command = flower.command("stay", "defy");
    app = await preload.start(command);
    await flower.note(command);
  });
  assert(app);
  assertEquals((await app.exited).signal, "SIGKILL");
  assertEquals(await isAlive(app.pid), false);
});

/** Starts two apps and expects both to come up without a fork, and one line that says why. */
async function expectPlain(
  { flower, preload, logged }: { flower: FakeFlower; preload: Preload; logged: LogLines },
  event: string,
  reason: RegExp,
): Promise<void> {
  await logged.untilLogged(event);
  for (const command of [flower.command(), flower.command()]) {
    assertEquals((await (await preload.start(command)).exited).code, 0);
    assertEquals((await flower.note(command)).forked, false);
  }
  assertEquals(events(logged), [event]);
  assertMatch(logged.lines[0]?.message ?? "", reason);
}

/** `fork()` fails once there is a file `full` beside the notes. */
const FORK_FAILS_WHEN_FULL = `
real = os.fork
def fork():
    if os.path.exists(os.path.join(os.path.dirname(__file__), "notes", "full")):
        raise BlockingIOError(11, "Try again")
    return real()
os.fork = fork
`;

const UNUSABLE: readonly (readonly [string, string, RegExp])[] = [
  ["cannot be imported", "raise ImportError('no such thing')", /ImportError: no such thing/],
  ["ends Python", "os._exit(7)", /it ended with exit code 7/],
  [
    "starts a thread",
    "import threading; threading.Thread(target=lambda: time.sleep(60), daemon=True).start()",
    /has started a thread/,
  ],
  ["writes on the wrong line", "os.write(3, b'nonsense\\n'); time.sleep(60)", /what it should not/],
];
for (const [what, setUp, reason] of UNUSABLE) {
  test(`where a Flower that is preloaded ${what}, each app is a program of its own`, () =>
    withPreload((stage) => expectPlain(stage, "preload.off", reason), { setUp }));
}

test("where loading takes too long altogether, each app is a program of its own", () =>
  withPreload(
    (stage) => expectPlain(stage, "preload.off", /not ready after 0.2 s/),
    { setUp: "time.sleep(60)", limits: { startMs: 200 } },
  ));

test("where there is no such Python, each app is a program of its own", async () => {
  await using flower = await FakeFlower.create();
  const logged = new LogLines();
  const interpreter = [join(flower.folder, "no-python")];
  await using preload = new Preload({ interpreter, script: flower.script, log: logged.log });
  await expectPlain({ flower, preload, logged }, "preload.off", /no-python/);
});

test("an app does not wait for a preload process that is slow to load", async () => {
  await using flower = await FakeFlower.create();
  const gate = join(flower.folder, "notes", "gate");
  const logged = new LogLines();
  await using preload = new Preload({
    interpreter: [
      "env",
      `FAKE_FLOWER=while not os.path.exists("${gate}"): time.sleep(0.01)`,
      "python3",
    ],
    script: flower.script,
    log: logged.log,
    limits: { waitMs: 10 },
  });
  const early = flower.command();
  await (await preload.start(early)).exited;
  assertEquals((await flower.note(early)).forked, false);
  await Deno.writeTextFile(gate, "");
  await until("an app is forked", async () => {
    const command = flower.command();
    await (await preload.start(command)).exited;
    return (await flower.note(command)).forked;
  });
  assertEquals(new Set(events(logged)), new Set(["preload.slow"]));
});

test("a preload process that hangs delays one app, which is started once", () =>
  withPreload(async ({ flower, preload, logged }) => {
    const first = flower.command("stay");
    const staying = await preload.start(first);
    const { parent } = await flower.note(first);
    Deno.kill(parent, "SIGSTOP");
    const command = flower.command();
    const start = Date.now();
    await (await preload.start(command)).exited;
    assertLess(Date.now() - start, 15_000);
    const note = await flower.note(command);
    assertEquals(note.forked, false);
    Deno.kill(parent, "SIGCONT");
    // It serves the apps that it has, and ends with the last.
    await staying.stop(20_000);
    assertEquals((await staying.exited).signal, "SIGTERM");
    await until("the old process has ended", async () => !await isAlive(parent));
    assertEquals((await flower.note(command)).pid, note.pid);
    assertEquals(events(logged), ["preload.ended"]);
  }, { limits: { launchMs: 200 } }));

test("an app that cannot be forked is started as a program", () =>
  withPreload(async ({ flower, preload, logged }) => {
    const first = flower.command();
    await (await preload.start(first)).exited;
    assertEquals((await flower.note(first)).forked, true);
    await Deno.writeTextFile(join(flower.folder, "notes", "full"), "");
    const second = flower.command();
    await (await preload.start(second)).exited;
    assertEquals((await flower.note(second)).forked, false);
    assertEquals(events(logged), ["preload.ended"]);
    assertMatch(logged.lines[0]?.message ?? "", /Try again/);
  }, { setUp: FORK_FAILS_WHEN_FULL }));

test("Flower is loaded again when packages were installed", () =>
  withPreload(async ({ flower, preload, logged }) => {
    const before = flower.command();
    await (await preload.start(before)).exited;
    await Deno.mkdir(join(flower.folder, "numpy-9.9.dist-info"));
    const during = flower.command();
    await (await preload.start(during)).exited;
    assertEquals((await flower.note(during)).forked, false);
    const after = flower.command();
    await (await preload.start(after)).exited;
    const { forked, parent } = await flower.note(after);
    assertEquals(forked, true);
    assertNotEquals(parent, (await flower.note(before)).parent);
    assertEquals(events(logged), ["preload.stale"]);
  }));

async function hasPython(): Promise<boolean> {
  const command: AppCommand = {
    program: "python3",
    args: ["-c", "import sys; sys.exit(sys.version_info < (3, 10))"],
    env: {},
  };
  try {
    return (await startProcess(command).exited).success;
  } catch {
    return false;
  }
}
