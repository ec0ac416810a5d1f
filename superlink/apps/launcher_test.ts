/** How the SuperLink starts ServerApps itself, and what it makes of how they end. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { ExitError } from "../../terminal/errors.ts";
import { FAB_SPACE } from "../runs/fabs.ts";
import { AppClient } from "../testing/app_client.ts";
import { FakeApps } from "../testing/fake_apps.ts";
import { refusal } from "../testing/fleet_client.ts";
import { assertNothingLeft } from "../testing/leftovers.ts";
import { PYPROJECT, testFab } from "../testing/test_fab.ts";
import { startTestSuperLink, type TestSuperLink } from "../testing/test_superlink.ts";

interface Stage {
  readonly link: TestSuperLink;
  readonly app: AppClient;
  readonly apps: FakeApps;
  /** The status of a run once it is finished. */
  ended(runId: bigint): Promise<string>;
}

/** A SuperLink in isolation `subprocess` whose apps are a test's. */
async function stageOf(
  options: Parameters<typeof startTestSuperLink>[0] = {},
): Promise<Stage & AsyncDisposable> {
  const apps = new FakeApps();
  const link = await startTestSuperLink({
    isolation: "subprocess",
    startApp: apps.start,
    flwrDirectory: "/flwr",
    ...options,
  });
  const app = new AppClient(link);
  return {
    link,
    app,
    apps,
    async ended(runId) {
      for (;;) {
        const status = await app.statusOf(runId);
        if (status.startsWith("finished")) return status;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    async [Symbol.asyncDispose]() {
      app[Symbol.dispose]();
      await link[Symbol.asyncDispose]();
    },
  };
}

Deno.test("A run's app is started with its own token, which gets the run's inputs", async () => {
  await using stage = await stageOf();
  const { app, apps, link } = stage;
  const runId = await app.startRun();
  const process = await apps.untilStarted(1);
  assertEquals([process.kind, process.runtime, process.flwrDirectory], [
    "serverapp",
    "python",
    "/flwr",
  ]);
  assertEquals(process.apiAddress, link.serverAppAddress);
  assertEquals(await app.statusOf(runId), "starting");
  assertEquals(await app.requestToken(runId), "");
  assertEquals((await app.call(app.method.listAppsToLaunch, {})).runIds, []);
  const { run } = await app.call(app.method.pullAppInputs, { token: process.token });
  assertEquals(run?.runId, runId);
  for (const line of link.logged.lines) assert(!JSON.stringify(line).includes(process.token));

  const pyproject = `${PYPROJECT}\n[tool.trellis]\nruntime = "typescript"\n`;
  await app.startRun(testFab({ pyproject, files: { "bundle/serverapp.js": "" } }));
  assertEquals((await apps.untilStarted(2)).runtime, "typescript");
});

const endings: readonly [
  string,
  (stage: Stage, runId: bigint, token: string) => Promise<unknown>,
  [number, Deno.Signal?],
  RegExp,
][] = [
  [
    "before it asks for its inputs",
    () => Promise.resolve(),
    [1],
    /^finished:failed:The ServerApp process ended with exit code 1 before it reported a result\.$/,
  ],
  [
    "with an exception that it logs",
    async ({ app }, runId, token) => {
      await app.call(app.method.pullAppInputs, { token });
      await app.log(runId, "Traceback:\n", "ValueError: boom\n\n");
    },
    [1],
    /^finished:failed:.*exit code 1.* Last log line: ValueError: boom$/,
  ],
  ["by a signal", ({ app }, _, token) => app.call(app.method.pullAppInputs, { token }), [
    137,
    "SIGKILL",
  ], /^finished:failed:.*by SIGKILL/],
  [
    "with code 0 and no word",
    ({ app }, _, token) => app.call(app.method.pullAppInputs, { token }),
    [0],
    /^finished:failed:.*exit code 0/,
  ],
  [
    "after its outputs, before its status",
    async ({ app }, runId, token) => {
      await app.call(app.method.pullAppInputs, { token });
      await app.call(app.method.pushAppOutputs, { token, runId, context: { runId } });
    },
    [0],
    /^finished:completed$/,
  ],
  [
    "after its outputs, by a signal",
    async ({ app }, runId, token) => {
      await app.call(app.method.pullAppInputs, { token });
      await app.call(app.method.pushAppOutputs, { token, runId, context: { runId } });
    },
    [139, "SIGSEGV"],
    /^finished:failed:.*by SIGSEGV/,
  ],
  [
    "after it reported a failure",
    async ({ app }, runId, token) => {
      await app.call(app.method.pullAppInputs, { token });
      await app.finish(runId, "failed", "boom");
    },
    [1],
    /^finished:failed:boom$/,
  ],
  ["after its run was stopped", ({ app }, runId) => app.stop(runId), [0], /^finished:stopped$/],
];

for (const [name, act, ending, expected] of endings) {
  Deno.test(`A run says how it ended when its app ends ${name}`, async () => {
    await using stage = await stageOf();
    const { app, apps, ended, link } = stage;
    const runId = await app.startRun();
    const process = await apps.untilStarted(1);
    await act(stage, runId, process.token);
    process.end(...ending);
    assertMatch(await ended(runId), expected);
    await app.startRun();
    await apps.untilStarted(2);
    assertEquals(apps.started.length, 2, "nothing is started twice");
    apps.started[1]!.end(1);
    await link.stop();
  });
}

Deno.test("A run whose app cannot be started says why, and how to help it", async () => {
  for (
    const [error, expected] of [
      [
        new ExitError("There is no flwr.", { remedy: "Install it." }),
        "There is no flwr. Install it.",
      ],
      [
        new Deno.errors.PermissionDenied("no"),
        "The ServerApp process could not be started: PermissionDenied: no",
      ],
    ] as const
  ) {
    await using stage = await stageOf({ startApp: () => Promise.reject(error) });
    const runId = await stage.app.startRun();
    assertEquals(await stage.ended(runId), `finished:failed:${expected}`);
    const { message } = await stage.link.logged.untilLogged("run.launch-failed");
    assertMatch(message, /cannot start/);
    await assertNothingLeft(stage.link.database);
  }
});

Deno.test("A SuperLink that stops ends its apps, and their runs with the reason", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const database = join(folder, "state.kv");
    let [running, starting] = [0n, 0n];
    {
      await using stage = await stageOf({ database });
      const { app, apps, link } = stage;
      running = await app.startRun();
      const { token } = await apps.untilStarted(1);
      await app.call(app.method.pullAppInputs, { token });
      starting = await app.startRun();
      await apps.untilStarted(2);
      await link.stop();
      assertEquals(apps.started.map(({ signals }) => signals), [["SIGTERM"], ["SIGTERM"]]);
    }
    await using stage = await stageOf({ database });
    for (const runId of [running, starting]) {
      assertEquals(
        await stage.app.statusOf(runId),
        "finished:failed:The SuperLink was stopped while the ServerApp ran.",
      );
    }
    assertEquals(stage.apps.started, []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("After a crash of the SuperLink its apps are started again, or their runs have failed", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const database = join(folder, "state.kv");
    const copy = join(folder, "crashed.kv");
    let [running, starting, oldToken] = [0n, 0n, ""];
    {
      await using stage = await stageOf({ database });
      const { app, apps } = stage;
      running = await app.startRun();
      const { token } = await apps.untilStarted(1);
      await app.call(app.method.pullAppInputs, { token });
      starting = await app.startRun();
      oldToken = (await apps.untilStarted(2)).token;
      // What is on disk now is what a crash leaves.
      for (const suffix of ["", "-wal", "-shm"]) {
        await Deno.copyFile(`${database}${suffix}`, `${copy}${suffix}`).catch(() => {});
      }
      const fabs = join(`${database}.objects`, FAB_SPACE);
      await Deno.mkdir(join(`${copy}.objects`, FAB_SPACE), { recursive: true });
      for await (const { name } of Deno.readDir(fabs)) {
        await Deno.copyFile(join(fabs, name), join(`${copy}.objects`, FAB_SPACE, name));
      }
    }
    await using stage = await stageOf({ database: copy });
    const { app, apps } = stage;
    assertMatch(await app.statusOf(running), /^finished:failed:The SuperLink was started anew/);
    const process = await apps.untilStarted(1);
    assert(process.token !== oldToken);
    const refused = await refusal(app.call(app.method.pullAppInputs, { token: oldToken }));
    assertEquals(refused, ["PERMISSION_DENIED", "Invalid token."]);
    await app.call(app.method.pullAppInputs, { token: process.token });
    assertEquals(await app.statusOf(starting), "running");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
