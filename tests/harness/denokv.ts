/**
 * A KV Connect server: `denokv`, which is built from crates.io.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "./flower_env.ts";
import { freeAddress, retryOnPortClash } from "./ports.ts";
import type { Program } from "./programs.ts";
import type { Scene } from "./scene.ts";
import { ready } from "./superlink.ts";

/** The release that is built. */
export const DENOKV_VERSION = "0.14.0";

/** The folder that it is installed in, below `$TRELLIS_TEST_FLOWER` where that is set. */
export const DENOKV_FOLDER = join(
  Deno.env.get("TRELLIS_TEST_FLOWER") ?? join(REPOSITORY, ".trellis-test"),
  `denokv-${DENOKV_VERSION}`,
);

/** The program. */
export const DENOKV = join(DENOKV_FOLDER, "bin", "denokv");

/** How a person gets it. */
export const DENOKV_HINT = "deno run -A tests/install_denokv.ts";

/** Whether it is there. */
export function hasDenokv(): boolean {
  return existsSync(DENOKV);
}

/** What `Deno.openKv` has to know of a server. */
export interface KvServer {
  readonly url: string;
  readonly accessToken: string;
}

/** Starts one on a free port, with its file in the scene's folder. */
export function startDenokv(scene: Scene): Promise<KvServer> {
  const accessToken = crypto.randomUUID();
  const program: Program = {
    title: `denokv ${DENOKV_VERSION}`,
    command: DENOKV,
    args: ["--sqlite-path", scene.path("denokv.sqlite"), "serve"],
    env: { DENO_KV_ACCESS_TOKEN: accessToken },
    endsCleanly: false,
  };
  return retryOnPortClash(async () => {
    const address = freeAddress();
    const process = scene.start(program, { name: "KV", args: ["--addr", address] });
    await ready(process, [address]);
    return { url: `http://${address}`, accessToken };
  });
}
