import { assertEquals, assertStringIncludes } from "@std/assert";
import { PLAIN_APP, writeApp } from "../fab/testing/sample_apps.ts";
import { generateCredentials } from "../keys/key_files.ts";
import { flowerError } from "../wire/flower_error.ts";
import type { IncomingCall } from "../wire/service.ts";
import { StatusError } from "../wire/status.ts";
import { type ControlScene, controlScene, controlScene141 } from "./testing/control_server.ts";

const NOW = "2026-11-23T11:12:46+00:00";

const NODE = {
  nodeId: 18446744073709551615n,
  ownerAid: "<id:none>",
  ownerName: "none",
  status: "registered",
  registeredAt: "2026-11-23T11:08:31+00:00",
};

const RUN = {
  runId: 7n,
  federation: "@none/default",
  fabId: "acme/myapp",
  fabVersion: "1.0.0",
  pendingAt: "2026-11-23T11:10:13+00:00",
  runningAt: "2026-11-23T11:10:14+00:00",
  finishedAt: "2026-11-23T11:10:20+00:00",
  status: { status: "finished", subStatus: "completed", details: "" },
};

async function publicKey(scene: ControlScene): Promise<string> {
  const [pair] = await generateCredentials(1, `${scene.app}/keys`);
  return pair?.publicKeyPath ?? "";
}

Deno.test("over HTTP, supernode register sends a name and a location, and says who asks", async () => {
  const calls: IncomingCall[] = [];
  const sent: unknown[] = [];
  await using scene = await controlScene141({
    registerNode({ name, location }) {
      sent.push([name, location]);
      return Promise.resolve({ nodeId: 18446744073709551615n });
    },
  }, (call) => void calls.push(call));
  const words = ["supernode", "register", await publicKey(scene), scene.app, "fed"];
  const view = await scene.run(...words, "--name", "Site A", "--location", "52.5,13.4");
  assertEquals(view.stdout, "✅ SuperNode 18446744073709551615 registered successfully.\n");
  await scene.run(...words);
  assertEquals(sent, [["Site A", "52.5,13.4"], [undefined, undefined]]);
  const headers = ["x-flwr-client", "flwr-package-name", "flwr-component-name"];
  assertEquals(headers.map((name) => calls[0]?.headers.text(name)), ["cli", "flwr", "flwr CLI"]);
});

Deno.test("over gRPC, where SuperNodes have no names, supernode register sends nothing", async () => {
  let calls = 0;
  await using scene = await controlScene({
    registerNode: () => Promise.resolve({ nodeId: BigInt(++calls) }),
  });
  const words = ["supernode", "register", await publicKey(scene), scene.app, "fed"];
  const outcome = await scene.run(...words, "--name", "Site A");
  assertEquals([outcome.code, calls], [1, 0]);
  assertStringIncludes(outcome.stderr, "keeps no names");
});

Deno.test("over HTTP, supernode list has a column for names when there are any", async () => {
  const nodes = [{ ...NODE, name: "Site A", location: "52.5,13.4" }, { ...NODE, nodeId: 5n }];
  await using scene = await controlScene141({
    listNodes: () => Promise.resolve({ nodesInfo: nodes, now: NOW }),
  });
  const view = await scene.run("supernode", "list", scene.app, "fed");
  assertStringIncludes(view.stdout, "┃  Name  ┃\n");
  assertStringIncludes(view.stdout, "│ Site A │\n");
  const json = await scene.run("supernode", "list", scene.app, "fed", "--format", "json");
  const rows = JSON.parse(json.stdout).nodes;
  assertEquals([rows[0].name, rows[0].location], ["Site A", "52.5,13.4"]);
  assertEquals("name" in rows[1], false);
});

Deno.test("over HTTP, federations are read by the numbers of Flower 1.41", async () => {
  const asked: string[] = [];
  const account = { id: "<id:none>", name: "none" };
  const federation = {
    name: "@none/default",
    description: "For tests",
    members: [{ account, role: "owner" }],
    nodes: [NODE],
    runs: [RUN],
  };
  await using scene = await controlScene141({
    listFederations: () => Promise.resolve({ federations: [federation] }),
    showFederation({ federationName }) {
      asked.push(federationName);
      return Promise.resolve({ federation, now: NOW });
    },
  });
  const list = await scene.run("federation", "list", scene.app, "fed", "--format", "json");
  assertEquals(JSON.parse(list.stdout), [{ name: "@none/default" }]);
  const show = await scene.run("federation", "show", scene.app, "fed", "--format", "json");
  const [members, nodes, runs] = JSON.parse(show.stdout);
  assertEquals(members, [{ member_id: "<id:none>", role: "owner" }]);
  assertEquals([nodes[0].status, runs[0].status], ["registered", "finished:completed"]);
  // What a 1.25 connection calls `default`.
  assertEquals(asked, ["@none/default"]);
});

Deno.test("over HTTP, ls asks for all runs, or for as many as --limit says", async () => {
  const asked: unknown[] = [];
  await using scene = await controlScene141({
    listRuns({ runId, limit }) {
      asked.push([runId, limit]);
      return Promise.resolve({ runDict: { "7": RUN }, now: NOW });
    },
  });
  const { stdout } = await scene.run("ls", scene.app, "fed");
  assertStringIncludes(stdout, "@none/default");
  await scene.run("ls", scene.app, "fed", "--limit", "3");
  await scene.run("ls", scene.app, "fed", "--run-id", "7");
  assertEquals(asked, [[undefined, 1_000_000n], [undefined, 3n], [7n, undefined]]);
});

Deno.test("over gRPC, ls --limit shows the runs that were started last", async () => {
  const older = { ...RUN, runId: 6n, pendingAt: "2026-11-23T11:10:12+00:00" };
  await using scene = await controlScene({
    listRuns: () => Promise.resolve({ runDict: { "6": older, "7": RUN }, now: NOW }),
  });
  const words = ["ls", scene.app, "fed", "--format", "json"];
  const ids = async (...more: string[]) => {
    const { runs } = JSON.parse((await scene.run(...words, ...more)).stdout);
    return runs.map((run: { "run-id": string }) => run["run-id"]);
  };
  assertEquals(await ids(), ["6", "7"]);
  assertEquals(await ids("--limit", "1"), ["7"]);
});

Deno.test("over HTTP, run starts an app in the account's default federation and follows it", async () => {
  const started: unknown[] = [];
  await using scene = await controlScene141({
    startRun({ fab, federation, overrideFederationConfig }) {
      started.push([(fab?.content.length ?? 0) > 0, federation, overrideFederationConfig]);
      return Promise.resolve({ runId: 7n, federation: "@none/default" });
    },
    async *streamLogs() {
      yield { logOutput: "first line\n", latestTimestamp: 1 };
      yield { logOutput: "last line\n", latestTimestamp: 2 };
    },
    listRuns: () => Promise.resolve({ runDict: { "7": RUN }, now: NOW }),
  });
  const connection = await Deno.readTextFile(`${scene.app}/pyproject.toml`);
  await writeApp(scene.app, PLAIN_APP);
  const own = await Deno.readTextFile(`${scene.app}/pyproject.toml`);
  await Deno.writeTextFile(`${scene.app}/pyproject.toml`, `${own}\n${connection}`);
  const outcome = await scene.run("run", scene.app, "fed", "--stream");
  assertEquals(outcome.code, 0, outcome.stderr);
  assertStringIncludes(outcome.stdout, "Successfully started run 7");
  assertStringIncludes(outcome.stdout, "first line\nlast line\n");
  assertEquals(started, [[true, "", undefined]]);
});

Deno.test("over HTTP, refusals are told in the same sentences as over gRPC", async (t) => {
  const table: [refusal: StatusError, args: string[], words: string][] = [
    [flowerError("runNotFound"), ["stop", "5"], "no run with this ID"],
    [flowerError("nodeNotFound"), ["supernode", "unregister", "5"], "no SuperNode with this ID"],
    [flowerError("noArtifactProvider"), ["pull", "5"], "nothing to pull"],
    [flowerError("runFinished"), ["stop", "5"], "`trellis ls` says how it ended."],
    [
      new StatusError("UNAUTHENTICATED", "Log in.", { http: { status: 401, detail: "Log in." } }),
      ["stop", "5"],
      "asks for an account: Log in.",
    ],
    [new StatusError("UNIMPLEMENTED", "No."), ["stop", "5"], "8000 from Flower 1.37 on"],
    [new StatusError("UNAVAILABLE", "Later."), ["stop", "5"], "is not available: Later."],
  ];
  for (const [refusal, [first = "", ...args], words] of table) {
    await t.step(`${refusal.message} for ${first}`, async () => {
      const refuse = () => Promise.reject(refusal);
      await using scene = await controlScene141({
        stopRun: refuse,
        unregisterNode: refuse,
        pullArtifacts: refuse,
      });
      const { code, stderr } = await scene.run(first, ...args, scene.app, "fed");
      assertEquals(code, 1);
      assertStringIncludes(stderr, words);
    });
  }
});
