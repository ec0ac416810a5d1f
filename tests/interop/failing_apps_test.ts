import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { AppCli, type AppFiles, makeApp } from "../harness/app_cli.ts";
import { shown } from "../harness/cli.ts";
import { startFleet } from "../harness/fleet.ts";
import { waitForNoApp } from "../harness/process_groups.ts";
import { flower, type Program, TRELLIS } from "../harness/programs.ts";
import { type Scene, scene } from "../harness/scene.ts";
import type { SuperLink } from "../harness/superlink.ts";

const REAL = flower("1.25.0");
/** A ServerApp hears of a ClientApp's end this soon. */
const HEARD_S = 5;
/** How soon things happen in a run, on a busy machine. */
const SOON_MS = 60_000;

/** A way in which the app `failing` fails, and what is told of it. */
interface Failure {
  readonly config: string;
  /** Files of the app that are replaced. */
  readonly files?: AppFiles;
  /** What `ls` says. */
  readonly reason: RegExp;
  /** What the log says, where that is something else. */
  readonly logged?: RegExp;
}

/** A ClientApp's module that says when it is imported. */
const clientThat = (statement: string): AppFiles => ({
  "failing/client_app.py":
    `import time\nprint(f"CLIENT import at={time.time():.3f}", flush=True)\n${statement}\n`,
});
const serverThat = (statement: string): AppFiles => ({
  "failing/server_app.py": `${statement}\n`,
});

const CLIENT_APPS = {
  "raises in train": {
    config: 'client="raises"',
    reason: /code 2: <class 'ValueError'>:<'the data is not there'>/,
  },
  "imports what is not there": {
    config: 'client="works"',
    files: clientThat("import a_module_of_another_machine"),
    reason: /code 1: An exception was raised when attempting to load `ClientApp`/,
  },
  "raises while it is imported": {
    config: 'client="works"',
    files: clientThat('raise ValueError("no data set")'),
    reason: /code 2: <class 'ValueError'>:<'no data set'>/,
  },
  "is killed": {
    config: 'client="is killed"',
    reason: /code 8: The ClientApp process ended without a reply \(SIGKILL\)/,
  },
} as const satisfies Record<string, Failure>;

const SERVER_APPS = {
  "raises": { config: 'server="raises"', reason: /the model is broken/ },
  "raises RuntimeError": {
    config: 'server="raises RuntimeError"',
    reason: /the strategy is broken/,
  },
  "is killed": {
    config: 'server="is killed"',
    reason: /The ServerApp process ended by SIGKILL/,
    logged: /Start `flwr-serverapp` process/,
  },
  "imports what is not there": {
    config: 'server="works"',
    files: serverThat("import a_module_of_another_machine"),
    reason: /Unable to load module failing\.server_app/,
    logged: /No module named 'a_module_of_another_machine'/,
  },
  "has a syntax error": {
    config: 'server="works"',
    files: serverThat("def main(:"),
    reason: /SyntaxError|invalid syntax/,
  },
} as const satisfies Record<string, Failure>;

/** Runs the app to its end, and checks what is told of it. */
async function fail(
  scene: Scene,
  link: SuperLink,
  { config, files, reason, logged = reason }: Failure,
) {
  const app = new AppCli(scene, TRELLIS.cli, await makeApp(scene, link, "failing", files));
  const outcome = await app.runToEnd("--run-config", config);
  assertEquals(outcome.code, 1, shown(outcome));
  assertMatch(outcome.stderr, reason, shown(outcome));
  const runId = outcome.stdout.match(/started run (\d+)/)?.[1] ?? "";
  const row = (await app.runs()).find((row) => row["run-id"] === runId);
  assertEquals(row?.status, "finished:failed", shown(outcome));
  for (const command of [["ls"], ["ls", "--run-id", runId]]) {
    const listed = await app.run(command);
    assertMatch(unwrapped(listed.stdout), reason, shown(listed));
  }
  assertMatch(await app.log(runId), logged);
  return outcome;
}

/** A program that finds no other ones. */
function withoutPath(program: Program): Program {
  return { ...program, env: { PATH: "/nothing/here" } };
}

/** A table's text without its frame and line breaks. */
function unwrapped(table: string): string {
  return table.replaceAll(/\s*│\s*\n\s*│\s*│?\s*/g, " ");
}

function secondsBetween(before: string, after: string): number {
  const at = (text: string) => Number(text.match(/at=([\d.]+)/)?.[1] ?? NaN);
  return at(after) - at(before);
}

for (
  const { supernode, failures } of [
    { supernode: TRELLIS.supernode, failures: Object.values(CLIENT_APPS) },
    // It means to report a ClientApp that was killed, and fails.
    {
      supernode: REAL.supernode,
      failures: [CLIENT_APPS["raises in train"], CLIENT_APPS["imports what is not there"]],
    },
  ]
) {
  scene(
    `a ServerApp hears within ${HEARD_S} s of a ClientApp that fails at the ${supernode.title}, ` +
      "and the run tells why",
    [REAL.superexec, supernode],
    async (scene) => {
      const { link, nodes: [node] } = await startFleet(scene, {
        superlink: TRELLIS.superlink,
        supernodes: [supernode],
      });
      assert(node);
      for (const failure of failures) {
        const from = node.process.lines.length;
        const outcome = await fail(scene, link, failure);
        const [failed] = await node.process.waitForLine(/CLIENT .*/, 0, from);
        const [heard = ""] = outcome.stdout.match(/SERVER heard .*/) ?? [];
        const seconds = secondsBetween(failed, heard);
        assert(seconds < HEARD_S, `${failed}, ${heard}`);
      }
    },
  );
}

scene(
  "a ServerApp that fails, in whatever way, leaves the reason in `ls` and in the log, for good",
  [REAL.superexec],
  async (scene) => {
    const { link } = await startFleet(scene, { superlink: TRELLIS.superlink, supernodes: [] });
    for (const failure of Object.values(SERVER_APPS)) await fail(scene, link, failure);
    const app = new AppCli(scene, TRELLIS.cli, await makeApp(scene, link, "failing"));
    const before = await app.run(["ls"]);
    await link.process.stop();
    await link.restart();
    assertEquals((await app.run(["ls"])).stdout, before.stdout);
  },
);

scene(
  "a Python app on a SuperLink without Flower fails at once, and `ls` says what to install",
  [],
  async (scene) => {
    const { link } = await startFleet(scene, {
      superlink: withoutPath(TRELLIS.superlink),
      supernodes: [],
      serverApps: { isolation: "subprocess" },
    });
    await fail(scene, link, {
      config: 'server="works"',
      reason: /There is no flwr on PATH.*--python/,
    });
  },
);

scene(
  "a Python app at a SuperNode without Flower fails at once, and says what to install",
  [REAL.superexec],
  async (scene) => {
    const { link } = await startFleet(scene, {
      superlink: TRELLIS.superlink,
      supernodes: [withoutPath(TRELLIS.supernode)],
      clientApps: { isolation: "subprocess" },
    });
    await fail(scene, link, { config: 'client="works"', reason: /code 8: .*no flwr on PATH/ });
  },
);

scene(
  "a ClientApp that never returns ends with its run, and the SuperNode works on",
  [REAL.superexec],
  async (scene) => {
    const { link, nodes: [node] } = await startFleet(scene, {
      superlink: TRELLIS.superlink,
      supernodes: [TRELLIS.supernode],
    });
    assert(node);
    const app = new AppCli(scene, TRELLIS.cli, await makeApp(scene, link, "failing"));
    const runId = await app.startRun("--run-config", 'client="never returns"');
    await node.process.waitForLine(/CLIENT never returns/, SOON_MS);
    const stopped = await app.run(["stop", runId]);
    assertStringIncludes(stopped.stdout, `Run ${runId} successfully stopped.`, shown(stopped));
    await app.waitForRun(runId, "finished:stopped", SOON_MS);
    const again = await app.runToEnd();
    assertEquals(again.code, 0, shown(again));
    assertStringIncludes(again.stdout, "SERVER is content");
    await waitForNoApp(link.process, SOON_MS);
    await waitForNoApp(node.process, SOON_MS);
  },
);
