/**
 * Builds the KV Connect server that a test of `deploy.ts` uses where it is there: `deno run -A
 * tests/install_denokv.ts`. It needs cargo and a C compiler, and takes some minutes.
 *
 * @module
 */

import { DENOKV_FOLDER, DENOKV_VERSION, hasDenokv } from "./harness/denokv.ts";

/** It is not measured, so it is built quickly, and what it is made of is thrown away. */
const BUILD = {
  CARGO_PROFILE_RELEASE_OPT_LEVEL: "0",
  CARGO_PROFILE_RELEASE_LTO: "false",
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "256",
  CARGO_PROFILE_RELEASE_DEBUG: "0",
};

/** Runs cargo with its output shown, and says what is wrong when it does not go well. */
async function build(): Promise<string | undefined> {
  const version = ["--version", DENOKV_VERSION, "--locked"];
  try {
    const child = new Deno.Command("cargo", {
      args: ["install", "--quiet", "denokv", ...version, "--root", DENOKV_FOLDER],
      env: BUILD,
      stdin: "null",
    }).spawn();
    const { success, code } = await child.status;
    return success ? undefined : `cargo ended with code ${code}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "there is no cargo; rustup.rs has it";
    throw error;
  }
}

if (hasDenokv()) console.log(`denokv ${DENOKV_VERSION} is there.`);
else {
  console.log(`Building denokv ${DENOKV_VERSION} …`);
  const fault = await build();
  if (fault !== undefined) {
    console.error(`denokv could not be built: ${fault}.`);
    Deno.exit(1);
  }
}
