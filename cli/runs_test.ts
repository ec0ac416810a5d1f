import { assertEquals, assertStringIncludes } from "@std/assert";
import { PLAIN_APP, writeApp } from "../fab/testing/sample_apps.ts";
import { StatusError } from "../wire/status.ts";
import { formatAddress } from "../wire/address.ts";
import { controlScene, runCli } from "./testing/control_server.ts";
import { RUN_FIELDS } from "./run_view.ts";
import { showBytes } from "./show_bytes.ts";

const NOW = "2026-11-23T11:10:21.210903+00:00";

const FAILED = {
  runId: 2069331546089824217n,
  federation: "default",
  fabId: "acme/myapp",
  fabVersion: "1.0.0",
  fabHash: "9abfaa74".padEnd(56, "0") + "cd73b48d",
  pendingAt: "2026-11-23T11:10:13+00:00",
  startingAt: "2026-11-23T11:10:13.5+00:00",
  runningAt: "2026-11-23T11:10:14+00:00",
  finishedAt: "2026-11-23T11:10:20+00:00",
  status: { status: "finished", subStatus: "failed", details: "ValueError: no data" },
  bytesRecv: 1422n,
  bytesSent: 1674n,
  clientappRuntime: 0.25,
};

const RUNNING = {
  ...FAILED,
  runId: 18446744073709551615n,
  pendingAt: "2026-11-23T11:10:02.000001+00:00",
  startingAt: "2026-11-23T11:10:02.5+00:00",
  runningAt: "2026-11-23T11:10:03+00:00",
  finishedAt: "",
  status: { status: "running", subStatus: "", details: "" },
};

function listing(asked: (bigint | undefined)[] = []) {
  return {
    listRuns({ runId }: { runId?: bigint | undefined }) {
      asked.push(runId);
      const runs = runId === undefined ? [FAILED, RUNNING] : [FAILED];
      return Promise.resolve({
        runDict: Object.fromEntries(runs.map((run) => [String(run.runId), run])),
        now: NOW,
      });
    },
  };
}

Deno.test("ls shows the runs, oldest first, and why one failed", async () => {
  await using scene = await controlScene(listing());
  const { code, stdout } = await scene.run("ls", scene.app, "fed");
  assertEquals(code, 0);
  assertEquals(
    stdout,
    `\
┏━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┳━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━┓
┃        Run ID        ┃ Federation ┃        App         ┃     Status      ┃ Elapsed  ┃   Status Changed @   ┃
┡━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━╇━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━┩
│ 18446744073709551615 │ default    │ @acme/myapp==1.0.0 │ running         │ 00:00:18 │ 2026-11-23 11:10:03Z │
├──────────────────────┼────────────┼────────────────────┼─────────────────┼──────────┼──────────────────────┤
│ 2069331546089824217  │ default    │ @acme/myapp==1.0.0 │ finished:failed │ 00:00:06 │ 2026-11-23 11:10:20Z │
└──────────────────────┴────────────┴────────────────────┴─────────────────┴──────────┴──────────────────────┘
Run 2069331546089824217 failed: ValueError: no data
`,
  );
});

Deno.test("ls --run-id shows everything of one run", async () => {
  const asked: (bigint | undefined)[] = [];
  await using scene = await controlScene(listing(asked));
  const { stdout } = await scene.run("list", scene.app, "fed", "--run-id", String(FAILED.runId));
  assertEquals(
    stdout,
    `\
┌────────────────────────────┬──────────────────────┐
│ Run ID                     │ 2069331546089824217  │
│ Federation                 │ default              │
│ App                        │ @acme/myapp==1.0.0   │
│ FAB Hash                   │ 9abfaa74...cd73b48d  │
│ Status                     │ finished:failed      │
│ Details                    │ ValueError: no data  │
│ Elapsed                    │ 00:00:06             │
│ Pending At                 │ 2026-11-23 11:10:13Z │
│ Starting At                │ 2026-11-23 11:10:13Z │
│ Running At                 │ 2026-11-23 11:10:14Z │
│ Finished At                │ 2026-11-23 11:10:20Z │
│ Network traffic (inbound)  │ 1.4 KB               │
│ Network traffic (outbound) │ 1.6 KB               │
│ Network Traffic (total)    │ 3.0 KB               │
│ Compute Time (ServerApp)   │ 00:00:06             │
│ Compute Time (ClientApp)   │ 00:00:00             │
│ Compute Time (total)       │ 00:00:06             │
└────────────────────────────┴──────────────────────┘
`,
  );
  assertEquals(asked, [FAILED.runId]);
});

Deno.test("ls --format json has Flower 1.25.0's shape, for one run as for all", async () => {
  await using scene = await controlScene(listing());
  const json = ["--format", "json"];
  const one = await scene.run("ls", scene.app, "fed", "--run-id", "5", ...json);
  assertEquals(
    one.stdout,
    `\
{
  "success": true,
  "runs": [
    {
      "run-id": "2069331546089824217",
      "federation": "default",
      "fab-id": "acme/myapp",
      "fab-name": "myapp",
      "fab-version": "1.0.0",
      "fab-hash": "9abfaa74",
      "status": "finished:failed",
      "elapsed": 6.0,
      "pending-at": "2026-11-23 11:10:13Z",
      "starting-at": "2026-11-23 11:10:13Z",
      "running-at": "2026-11-23 11:10:14Z",
      "finished-at": "2026-11-23 11:10:20Z",
      "network-traffic": {
        "inbound-bytes": 1422,
        "outbound-bytes": 1674,
        "total-bytes": 3096
      },
      "compute-time": {
        "serverapp-seconds": 6.0,
        "clientapp-seconds": 0.25,
        "total-seconds": 6.25
      }
    }
  ]
}
`,
  );
  const all = JSON.parse((await scene.run("ls", scene.app, "fed", ...json)).stdout);
  assertEquals(all.runs.map((run: { elapsed: number }) => run.elapsed), [18.210903, 6]);
  assertEquals(all.runs[0]["finished-at"], "N/A");
  const csv = (await scene.run("ls", scene.app, "fed", "--format", "csv")).stdout.split("\n");
  assertEquals(csv[0]?.split(","), RUN_FIELDS);
  assertStringIncludes(csv[2] ?? "", '"{""inbound-bytes"": 1422,');
});

Deno.test("stop ends a run, and log and stop know a run that is not there", async () => {
  const stopped: bigint[] = [];
  await using scene = await controlScene({
    stopRun({ runId }) {
      stopped.push(runId);
      if (runId === 9n) return Promise.resolve({ success: false });
      if (runId === 7n) return Promise.resolve({ success: true });
      return Promise.reject(new StatusError("NOT_FOUND", "Run ID not found"));
    },
    // deno-lint-ignore require-yield
    async *streamLogs() {
      await Promise.reject(new StatusError("NOT_FOUND", "Run ID not found"));
    },
  });
  const run = (...args: string[]) =>
    scene.run(...args.slice(0, 2), scene.app, "fed", ...args.slice(2));
  const view = await run("stop", "7");
  assertEquals([view.code, view.stdout], [0, "✅ Run 7 successfully stopped.\n"]);
  const json = await run("stop", "7", "--format", "json");
  assertEquals(JSON.parse(json.stdout), { "success": true, "run-id": "7" });
  assertStringIncludes((await run("stop", "9")).stderr, "could not be stopped");
  for (const args of [["stop", "8"], ["log", "8"], ["log", "8", "--show"]]) {
    const outcome = await run(...args);
    assertEquals([outcome.code, outcome.stdout], [1, ""]);
    assertStringIncludes(outcome.stderr, "no run with this ID");
  }
  assertEquals(stopped, [7n, 7n, 9n, 8n]);
});

Deno.test("pull takes the run's id as an argument or as a flag", async () => {
  await using scene = await controlScene({
    pullArtifacts: ({ runId }) => Promise.resolve(runId === 7n ? { url: "https://x/7" } : {}),
  });
  const line = "✅ Artifacts for run 7 can be downloaded from: https://x/7\n";
  assertEquals((await scene.run("pull", "7", scene.app, "fed")).stdout, line);
  assertEquals((await scene.run("pull", "--run-id", "7", scene.app, "fed")).stdout, line);
  const none = await scene.run("pull", "8", scene.app, "fed");
  assertEquals(none.code, 1);
  assertStringIncludes(none.stderr, "no address for the artifacts");
});

Deno.test("what is no id of a run is a usage error", async () => {
  for (
    const args of [["stop", "x"], ["log", "1.5"], ["pull", "."], ["pull"], ["ls", "--run-id", "x"]]
  ) {
    assertEquals((await runCli(args)).code, 2, args.join(" "));
  }
  for (const args of [["ls", "--runs", "--run-id", "1"], ["log", "1", "--show", "--stream"]]) {
    assertEquals((await runCli(args)).code, 2, args.join(" "));
  }
  assertEquals((await runCli(["log", "18446744073709551616"])).code, 1);
});

Deno.test("build writes the FAB, and install unpacks it after checking its name", async () => {
  const root = await Deno.makeTempDir();
  try {
    await writeApp(`${root}/app`, PLAIN_APP);
    const name = `acme.plain.1-0-0.${PLAIN_APP.fabHash.slice(0, 8)}.fab`;
    const built = await runCli(["build", "--app", `${root}/app`, "--output", root]);
    assertEquals(built.stdout, `🎊 Successfully built ${name}\n`);
    const install = async (file: string, ...options: string[]) => {
      const args = ["install", `${root}/${file}`, "--flwr-dir", `${root}/home`, ...options];
      const { stdout, stderr } = await runCli(args);
      return stdout + stderr;
    };
    assertStringIncludes(
      await install(name),
      `Successfully installed plain to ${root}/home/apps/acme.plain.1.0.0.`,
    );
    assertStringIncludes(await install(name), "already installed");
    assertStringIncludes(await install(name, "--force"), "Successfully installed");
    await Deno.rename(`${root}/${name}`, `${root}/other.fab`);
    assertStringIncludes(await install("other.fab"), "was changed or renamed");
    assertStringIncludes(await install("no.fab"), "does not exist");
    await Deno.writeTextFile(`${root}/text.fab`, "no zip");
    assertStringIncludes(await install("text.fab"), "not a zip file");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("build warns of a component that is in no file of the app", async () => {
  const root = await Deno.makeTempDir();
  try {
    await writeApp(root, PLAIN_APP);
    const file = `${root}/pyproject.toml`;
    const text = await Deno.readTextFile(file);
    await Deno.writeTextFile(file, text.replace("plain.server_app:app", "plan.server_app:app"));
    const { code, stderr } = await runCli(["build", "--app", root, "--output", root]);
    assertEquals(code, 0);
    assertStringIncludes(stderr, 'needs the file "plan/server_app.py", which is not in the app;');
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("showBytes shows sizes as Flower does", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0 B"],
    [512, "512 B"],
    [1422, "1.4 KB"],
    [10_240, "10 KB"],
    [15_800, "15 KB"],
    [5 * 1024 ** 2, "5.0 MB"],
    [3 * 1024 ** 4, "3.0 TB"],
  ];
  for (const [size, text] of cases) assertEquals(showBytes(size), text);
});

Deno.test("--superlink needs no file, and nothing beside it that names a SuperLink", async () => {
  await using scene = await controlScene(listing());
  const where = ["--superlink", formatAddress(scene.address), "--insecure"];
  const listed = await scene.run("ls", ...where, "--format", "json");
  assertEquals(JSON.parse(listed.stdout).runs.length, 2);
  const twice = await scene.run("ls", scene.app, "fed", ...where);
  assertEquals(twice.code, 2);
  assertStringIncludes(twice.stderr, "Give one.");
  const alone = await scene.run("ls", scene.app, "fed", "--insecure");
  assertEquals(alone.code, 2);
  assertStringIncludes(alone.stderr, "are for an address in --superlink");
  await Deno.remove(`${scene.app}/pyproject.toml`);
  const gone = await scene.run("stop", "5", "--superlink", "127.0.0.1:9", "--insecure");
  assertStringIncludes(gone.stderr, "Start the SuperLink, or correct --superlink.");
});
