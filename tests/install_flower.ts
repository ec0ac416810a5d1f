/**
 * Makes the Python environments that the interop tests need: `deno run -A tests/install_flower.ts
 * [VERSION…]`, all of them by default. Those that are there already are left as they are.
 *
 * @module
 */

import { join } from "node:path";
import { pooledMap } from "@std/async";
import { FLOWER_VERSIONS, flowerBin, flowerFolder } from "./harness/flower_env.ts";

/** Reads what the SuperLink's /metrics says, as Prometheus does. */
const PROMETHEUS_CLIENT = "prometheus-client==0.26.0";
const PYTHON = Deno.env.get("PYTHON") ?? "python3";

/** Runs a command with its output shown, and says whether it went well. */
async function run(command: string, ...args: string[]): Promise<boolean> {
  try {
    const child = new Deno.Command(command, { args, stdin: "null" }).spawn();
    return (await child.status).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Whether the environment is whole: an installation that was broken off is made again. */
function isWhole(version: string): Promise<boolean> {
  const check = "import sys, importlib.metadata as m; import flwr.supernode.cli; " +
    "sys.exit(m.version('flwr') != sys.argv[1])";
  return run(join(flowerBin(version), "python"), "-c", check, version);
}

async function install(version: string): Promise<boolean> {
  if (await isWhole(version)) {
    console.log(`Flower ${version} is there.`);
    return true;
  }
  console.log(`Installing Flower ${version} …`);
  const folder = flowerFolder(version);
  return await run(PYTHON, "-m", "venv", "--clear", folder) &&
    await run(join(folder, "bin", "pip"), "install", "--quiet", `flwr==${version}`) &&
    await isWhole(version);
}

/** Adds what tests parse with to the release that is always there; quick where it is. */
async function addParsers(): Promise<boolean> {
  const pip = join(flowerBin(FLOWER_VERSIONS[0]), "pip");
  return await run(pip, "install", "--quiet", PROMETHEUS_CLIENT);
}

/** Makes one environment, or says how it could not be made. */
async function provide(version: string): Promise<boolean> {
  const parses = version === FLOWER_VERSIONS[0];
  if (await install(version) && (!parses || await addParsers())) return true;
  console.error(`Flower ${version} could not be installed in "${flowerFolder(version)}".`);
  console.error(`It needs Python 3.10 or newer with venv and pip ("${PYTHON}", or set PYTHON).`);
  return false;
}

const versions = Deno.args.length > 0 ? Deno.args : FLOWER_VERSIONS;
// Unpacking and compiling keep a core busy each.
const provided = pooledMap(navigator.hardwareConcurrency, versions, provide);
const all = await Array.fromAsync(provided);
Deno.exit(all.every(Boolean) ? 0 : 1);
