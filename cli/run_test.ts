import { assertEquals, assertStringIncludes } from "@std/assert";
import { readFab } from "../fab/read_fab.ts";
import { PLAIN_APP, writeApp } from "../fab/testing/sample_apps.ts";
import type { StartRunRequest } from "../proto/gen/flwr/proto/control_pb.ts";
import { StatusError } from "../wire/status.ts";
import { formatAddress } from "../wire/address.ts";
import { type ControlScene, controlScene } from "./testing/control_server.ts";

const RUN_ID = 13087145651278224766n;

/** A scene whose app can be run; `requests` gets what the SuperLink is sent. */
async function runScene(
  requests: StartRunRequest[],
  answer: () => Promise<{ runId?: bigint }> = () => Promise.resolve({ runId: RUN_ID }),
  status = "finished:completed",
): Promise<ControlScene> {
  const scene = await controlScene({
    startRun(request) {
      requests.push(request);
      return answer();
    },
    async *streamLogs() {
      yield await Promise.resolve({ logOutput: "\x1b[92mround 1\x1b[0m\n", latestTimestamp: 1 });
    },
    listRuns() {
      const [main = "", subStatus = ""] = status.split(":");
      const run = { runId: RUN_ID, status: { status: main, subStatus, details: "It broke." } };
      return Promise.resolve({ runDict: { [String(RUN_ID)]: run }, now: "" });
    },
  });
  const connection = await Deno.readTextFile(`${scene.app}/pyproject.toml`);
  await writeApp(scene.app, PLAIN_APP);
  const app = PLAIN_APP.files["pyproject.toml"]?.split("\n[tool.flwr.federations]")[0];
  await Deno.writeTextFile(
    `${scene.app}/pyproject.toml`,
    `${app}\n${connection}federation = "fleet"\noptions.num-supernodes = 2\noptions.x.y = 0.5\n`,
  );
  return scene;
}

Deno.test("run sends the FAB, the overrides, the options and the federation's name", async () => {
  const requests: StartRunRequest[] = [];
  await using scene = await runScene(requests);
  const outcome = await scene.run(
    ...["run", scene.app, "fed", "--run-config", "rounds=5", "-c", "lr=1.0"],
  );
  assertEquals(outcome.stdout, `🎊 Successfully started run ${RUN_ID}\n`);
  assertEquals(outcome.code, 0);
  const [request] = requests;
  const fab = readFab(request?.fab?.content ?? new Uint8Array());
  assertEquals([fab.hash, fab.app.name], [request?.fab?.hashStr, "plain"]);
  assertEquals(
    Object.entries(request?.overrideConfig ?? {}).map(([key, { scalar }]) => [key, scalar]),
    [["rounds", { case: "sint64", value: 5n }], ["lr", { case: "double", value: 1 }]],
  );
  assertEquals(
    request?.federationOptions?.items.map(({ key, value }) => [key, value?.value]),
    [
      ["num-supernodes", { case: "sint64", value: 2n }],
      ["x.y", { case: "double", value: 0.5 }],
    ],
  );
  assertEquals([request?.federation, request?.appSpec], ["fleet", ""]);
});

Deno.test("run --format json has Flower 1.25.0's shape", async () => {
  await using scene = await runScene([]);
  const outcome = await scene.run("run", scene.app, "fed", "--format", "json");
  assertEquals(
    outcome.stdout,
    `\
{
  "success": true,
  "run-id": "13087145651278224766",
  "fab-id": "acme/plain",
  "fab-name": "plain",
  "fab-version": "1.0.0",
  "fab-hash": "${PLAIN_APP.fabHash.slice(0, 8)}",
  "fab-filename": "acme.plain.1-0-0.${PLAIN_APP.fabHash.slice(0, 8)}.fab"
}
`,
  );
});

Deno.test("run --stream shows the log, and its exit code is how the run ended", async () => {
  const cases: readonly (readonly [string, number, string])[] = [
    ["finished:completed", 0, ""],
    ["finished:failed", 1, "finished:failed: It broke."],
    ["finished:stopped", 1, "finished:stopped"],
  ];
  for (const [status, code, words] of cases) {
    await using scene = await runScene([], undefined, status);
    const outcome = await scene.run("run", scene.app, "fed", "--stream");
    assertEquals([outcome.code, outcome.stdout.split("\n")[1]], [code, "round 1"], status);
    assertStringIncludes(outcome.stderr, words);
  }
});

Deno.test("run refuses a name that is no app of Flower's platform", async () => {
  const requests: StartRunRequest[] = [];
  await using scene = await runScene(requests);
  for (const name of ["@acme", "@acme/app==1", "@acme/app/x", "@/app", "@acme/app==1.0.0.0"]) {
    const outcome = await scene.run("run", name, "fed");
    assertEquals([outcome.code, requests.length], [1, 0]);
    assertStringIncludes(outcome.stderr, `"${name}" does not name an app`);
  }
});

Deno.test("run refuses a config that the app does not know before it uploads anything", async () => {
  const requests: StartRunRequest[] = [];
  await using scene = await runScene(requests);
  const cases: readonly (readonly [string, number, string])[] = [
    ["round=1", 1, 'Did you mean "rounds"?'],
    ["rounds=x", 1, 'at "rounds = x"'],
    ["rounds = 1", 2, 'has "rounds = 1"'],
    ["none.toml", 1, '"none.toml" cannot be read'],
  ];
  for (const [config, code, words] of cases) {
    const outcome = await scene.run("run", scene.app, "fed", "--run-config", config);
    assertEquals([outcome.code, outcome.stdout], [code, ""], config);
    assertStringIncludes(outcome.stderr, words);
  }
  assertEquals(requests.length, 0);
});

Deno.test("run --federation-config overrides what the federation's table has", async () => {
  const requests: StartRunRequest[] = [];
  await using scene = await runScene(requests);
  const run = (config: string) => scene.run("run", scene.app, "fed", "--federation-config", config);
  assertEquals((await run("federation='other' options.num-supernodes=9")).code, 0);
  assertEquals(requests[0]?.federation, "other");
  assertEquals(requests[0]?.federationOptions?.items.map(({ value }) => value?.value), [
    { case: "sint64", value: 9n },
    { case: "double", value: 0.5 },
  ]);
  const unknown = await run("nokey=1");
  assertEquals(unknown.code, 1);
  assertStringIncludes(unknown.stderr, 'no "nokey" to override in [tool.flwr.federations.fed]');
});

Deno.test("run --federation is stronger than the connection, as with Flower 1.41", async () => {
  const requests: StartRunRequest[] = [];
  await using scene = await runScene(requests);
  const outcome = await scene.run("run", scene.app, "fed", "--federation", "@me/wards");
  assertEquals([outcome.code, requests[0]?.federation], [0, "@me/wards"]);
});

Deno.test("run says what is wrong with the app, or what the SuperLink says", async () => {
  const refused = () =>
    Promise.reject(new StatusError("FAILED_PRECONDITION", "Federation 'x' does not exist."));
  await using refusing = await runScene([], refused);
  const outcome = await refusing.run("run", refusing.app, "fed", "--stream");
  assertEquals([outcome.code, outcome.stdout], [1, ""]);
  assertStringIncludes(outcome.stderr, "Federation 'x' does not exist.");

  await using silent = await runScene([], () => Promise.resolve({}));
  assertStringIncludes(
    (await silent.run("run", silent.app, "fed")).stderr,
    "did not start the run",
  );
  await Deno.remove(`${silent.app}/plain/server_app.py`);
  assertStringIncludes(
    (await silent.run("run", silent.app, "fed")).stderr,
    'needs the file "plain/server_app.py", which is not in the app',
  );
});

Deno.test("run names the default federation as Flower 1.26 and newer do where 1.25's name is unknown", async () => {
  const requests: StartRunRequest[] = [];
  const known = new Set(["@none/default"]);
  const answer = () =>
    known.has(requests.at(-1)?.federation ?? "")
      ? Promise.resolve({ runId: RUN_ID })
      : Promise.reject(new StatusError("NOT_FOUND", "Federation not found."));
  await using scene = await runScene(requests, answer);
  const where = ["--superlink", formatAddress(scene.address), "--insecure"];
  assertEquals((await scene.run("run", scene.app, ...where)).code, 0);
  assertEquals(requests.map(({ federation }) => federation), ["default", "@none/default"]);
  // A federation that was asked for by its name is that or none.
  const other = await scene.run("run", scene.app, "fed");
  assertEquals([other.code, requests.at(-1)?.federation], [1, "fleet"]);
  assertEquals(requests.length, 3);
});
