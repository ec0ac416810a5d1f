/**
 * Starts `deploy.ts` as Deno Deploy does it, with several isolates on one database.
 *
 * @module
 */

import type { KvServer } from "./denokv.ts";
import { REPOSITORY } from "./flower_env.ts";
import { freeAddress, retryOnPortClash } from "./ports.ts";
import type { Program } from "./programs.ts";
import type { Scene } from "./scene.ts";
import { ready, type SuperLink } from "./superlink.ts";

/** What is configured by the environment, besides the database. */
export type DeployEnvironment = Readonly<Record<`TRELLIS_${string}`, string>>;

/**
 * Starts it on a free port, in plain text behind a proxy, with its state on a KV server or in a file
 * of the scene's folder.
 */
export function startDeploy(
  scene: Scene,
  environment: DeployEnvironment,
  kv?: KvServer,
): Promise<SuperLink> {
  const program: Program = {
    title: "deploy.ts",
    command: Deno.execPath(),
    args: ["serve", "-A", "--parallel"],
    env: {
      TRELLIS_KV: kv?.url ?? scene.path("deploy.kv"),
      ...(kv ? { DENO_KV_ACCESS_TOKEN: kv.accessToken } : {}),
      DENO_JOBS: "3",
      ...environment,
    },
    // It has nothing to finish: the system ends it.
    endsCleanly: false,
  };
  const startOn = async (address: string): Promise<SuperLink> => {
    const [host = "", port = ""] = address.split(":");
    const process = scene.start(program, {
      name: "SuperLink",
      args: ["--host", host, "--port", port, "deploy.ts"],
      cwd: REPOSITORY,
    });
    await ready(process, [address]);
    return { process, ...allAt(address), certificates: undefined, restart: () => startOn(address) };
  };
  return retryOnPortClash(() => startOn(freeAddress()));
}

/** The addresses of a SuperLink that serves HTTP alone. */
export function allAt(address: string) {
  return {
    fleetAddress: address,
    controlAddress: address,
    serverAppAddress: address,
    httpAddress: address,
  };
}
