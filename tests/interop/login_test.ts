/** A closed Control API and the stock CLIs: they log in, an admin approves, and roles hold. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Cli, makeCli, shown } from "../harness/cli.ts";
import { makeCertificates, makeKeyPair } from "../harness/credentials.ts";
import { flower, type Program, TRELLIS, trellisOver } from "../harness/programs.ts";
import { type Scene, scene } from "../harness/scene.ts";
import { startSuperLink, type SuperLink } from "../harness/superlink.ts";

const SOON_MS = 60_000;
const OPERATOR_TOKEN = "an-operator-token-of-a-test-0123456789";

interface Play {
  readonly scene: Scene;
  readonly link: SuperLink;
  /** The CLI that logs in, and ours with the operator's token. */
  readonly cli: Cli;
  readonly operator: Cli;
}

async function closedSuperLink(
  scene: Scene,
  program: Program,
): Promise<Play> {
  const superlink = { ...TRELLIS.superlink, env: { TRELLIS_CONTROL_TOKEN: OPERATOR_TOKEN } };
  const certificates = await makeCertificates(scene);
  const link = await startSuperLink(scene, superlink, { certificates });
  // What opens a page in a browser opens nothing here.
  const quiet = { ...program, env: { ...program.env, BROWSER: "true" } };
  const cli = await makeCli(scene, quiet, link);
  const pyproject = scene.path("app", "pyproject.toml");
  await Deno.writeTextFile(pyproject, "enable-account-auth = true\n", { append: true });
  const ours = trellisOver("grpc").cli;
  const env = { ...ours.env, TRELLIS_TOKEN: OPERATOR_TOKEN };
  const operator = new Cli(scene, { ...ours, env }, ["local-deployment"]);
  return { scene, link, cli, operator };
}

/** Logs in, and lets an admin approve it as `role`. */
async function logIn({ cli, operator }: Play, role: string): Promise<void> {
  const login = cli.start(["login"]);
  const [, code = ""] = await login.waitForLine(/trellis login approve ([A-Z-]{9})/, SOON_MS);
  const approved = await operator.run(["login", "approve", code], "--role", role, "--name", role);
  assertStringIncludes(approved.stdout, `was approved as ${role}`, shown(approved));
  assertEquals(await login.waitForExit(SOON_MS), 0, login.transcript());
  assertStringIncludes(login.stdout + login.stderr, "Login successful.");
}

async function playLogin(play: Play): Promise<void> {
  const { scene, cli } = play;
  const { publicKey } = await makeKeyPair(scene, "client_credentials_1");
  const stranger = await cli.run(["supernode", "list"]);
  assert(!stranger.stdout.includes("Node ID"), shown(stranger));
  await logIn(play, "viewer");
  assertEquals(await cli.list(), []);
  const refused = await cli.run(["supernode", "register", publicKey]);
  assertStringIncludes(
    refused.stdout + refused.stderr,
    "RegisterNode needs a token with the role admin",
    shown(refused),
  );
  await logIn(play, "admin");
  const nodeId = await cli.register(publicKey);
  assertEquals(await cli.statuses(), { [nodeId]: "registered" });
}

scene(
  "Flower 1.25.0 logs in over gRPC, and renews its tokens",
  [flower("1.25.0").cli],
  async (scene) => {
    const play = await closedSuperLink(scene, flower("1.25.0").cli);
    await playLogin(play);
    const file = scene.path("app", ".flwr", ".credentials", "local-deployment.json");
    const kept = await Deno.readTextFile(file);
    const spoilt = kept.replace(/trellis_a_[\w-]+/, "trellis_a_expired");
    await Deno.writeTextFile(file, spoilt);
    assertEquals((await play.cli.list()).length, 1);
    const renewed = await Deno.readTextFile(file);
    assert(renewed !== kept && renewed !== spoilt);
    assertEquals((await play.cli.list()).length, 1);
  },
);

scene(
  "Flower 1.41.0 logs in over HTTP, and renews its tokens",
  [flower("1.41.0").cli],
  async (scene) => {
    const play = await closedSuperLink(scene, flower("1.41.0").cli);
    await playLogin(play);
    const file = `${scene.flwrHome}/credentials.yaml`;
    const kept = await Deno.readTextFile(file);
    const spoilt = kept.replace(
      /(oidc-access-token:? *\n? *)(\S+)/,
      `$1${btoa("trellis_a_expired")}`,
    );
    assert(spoilt !== kept, kept.replaceAll(/[\w+/=-]{30,}/g, "…"));
    await Deno.writeTextFile(file, spoilt);
    assertEquals((await play.cli.list()).length, 1);
    assert(await Deno.readTextFile(file) !== spoilt);
    assertEquals((await play.cli.list()).length, 1);
  },
);

for (const transport of ["grpc", "http"] as const) {
  scene(`Our CLI logs in over ${transport}, and renews its tokens`, [], async (scene) => {
    const play = await closedSuperLink(scene, trellisOver(transport).cli);
    await playLogin(play);
    const file = `${scene.flwrHome}/trellis-logins.json`;
    const kept = await Deno.readTextFile(file);
    const spoilt = kept.replace(/trellis_a_[\w-]+/, "trellis_a_expired");
    await Deno.writeTextFile(file, spoilt);
    assertEquals((await play.cli.list()).length, 1);
    assert(await Deno.readTextFile(file) !== spoilt);
  });
}
