import { join } from "node:path";
import { assertEquals, assertRejects } from "@std/assert";
import { ExitError } from "../terminal/errors.ts";
import type { AppLaunch } from "./app_process.ts";
import { pythonCommand } from "./python_command.ts";
import type { PythonEnvironment } from "./python_environment.ts";

const LAUNCH: AppLaunch = {
  kind: "clientapp",
  apiAddress: { host: "0.0.0.0", port: 9094 },
  runtimeAddress: { host: "::", port: 9095 },
  token: "abc",
  flwrDirectory: "/flwr",
};
const START = ["--insecure"];
const END = ["--token", "abc", "--parent-pid", `${Deno.pid}`];
const GRPC = ["--clientappio-api-address", "127.0.0.1:9094"];
const HTTP = ["--runtime-api-address", "[::1]:9095"];

/** An environment with the traces that pip leaves of a flwr. */
async function withFlower(
  distInfo: string,
  play: (environment: PythonEnvironment) => Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    await Deno.mkdir(join(folder, "bin"));
    await Deno.mkdir(join(folder, "lib/python3.11/site-packages", distInfo), { recursive: true });
    const [serverApp = "", clientApp = ""] = ["flwr-serverapp", "flwr-clientapp"]
      .map((name) => join(folder, "bin", name));
    for (const program of [serverApp, clientApp]) await Deno.writeTextFile(program, "");
    await play({ serverApp, clientApp });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const TABLE: [distInfo: string, args: string[]][] = [
  ["flwr-1.25.0.dist-info", [...START, ...GRPC, ...END, "--flwr-dir", "/flwr"]],
  ["flwr-1.26.1.dist-info", [...START, ...GRPC, ...END, "--flwr-dir", "/flwr"]],
  ["flwr-1.27.0.dist-info", [...START, ...GRPC, ...END]],
  ["flwr-1.34.0.dist-info", [...START, ...GRPC, ...END]],
  ["flwr-1.35.0.dist-info", [...START, ...HTTP, ...END]],
  ["flwr_nightly-1.42.0.dev20260901.dist-info", [...START, ...HTTP, ...END]],
  ["flwr-2.0.0.dist-info", [...START, ...HTTP, ...END]],
  ["flwr_datasets-0.5.0.dist-info", [...START, ...GRPC, ...END, "--flwr-dir", "/flwr"]],
];

for (const [distInfo, args] of TABLE) {
  Deno.test(`pythonCommand calls the program of ${distInfo} as that takes it`, () =>
    withFlower(distInfo, async (environment) => {
      const command = await pythonCommand(environment, LAUNCH);
      assertEquals(command.program, environment.clientApp);
      assertEquals(command.args, args);
      assertEquals(command.env, { FLWR_HOME: "/flwr" });
    }));
}

Deno.test("pythonCommand says so where newer apps have no API to call", () =>
  withFlower("flwr-1.41.0.dist-info", async (environment) => {
    const { runtimeAddress: _, ...launch } = LAUNCH;
    await assertRejects(() => pythonCommand(environment, launch), ExitError, "cannot be run here");
  }));

for (const minor of [27, 28, 34, 35]) {
  const refused = minor === 28 || minor === 34;
  Deno.test(`pythonCommand ${refused ? "refuses" : "starts"} ServerApps of Flower 1.${minor}`, () =>
    withFlower(`flwr-1.${minor}.0.dist-info`, async (environment) => {
      const command = pythonCommand(environment, { ...LAUNCH, kind: "serverapp" });
      if (refused) await assertRejects(() => command, ExitError, "Flower 1.28 to 1.34");
      else assertEquals((await command).program, environment.serverApp);
    }));
}
