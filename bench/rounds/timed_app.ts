/**
 * The example app, in Python or TypeScript, with a ServerApp around its own that times the rounds:
 * from the start of the strategy to its result, as the strategy's own line "finished in" has it.
 *
 * @module
 */

import { type AppFiles, EXAMPLES } from "../../tests/harness/app_cli.ts";
import type { Cast } from "./casts.ts";

/** An app to be copied: its folder, and files that are added or replaced. */
export interface TimedApp {
  readonly folder: string;
  readonly files: AppFiles;
}

const PYTHON = `
import time

from flwr.serverapp.strategy import FedAvg

import server_app

start = FedAvg.start


def timed(*args, **kwargs):
    since = time.perf_counter()
    result = start(*args, **kwargs)
    print(f"SECONDS {time.perf_counter() - since:.6f}", flush=True)
    return result


FedAvg.start = timed
app = server_app.app
`;

const TYPESCRIPT = `
import { FedAvg } from "@trellis/sdk";
import { app as untimed } from "./server_app.ts";

const start = FedAvg.prototype.start;
FedAvg.prototype.start = async function (...args) {
  const since = performance.now();
  const result = await start.apply(this, args);
  console.log(\`SECONDS \${((performance.now() - since) / 1000).toFixed(6)}\`);
  return result;
};

export const app = untimed;
`;

/** The app of a cast. */
export async function timedApp({ app }: Cast): Promise<TimedApp> {
  const folder = `${EXAMPLES}iris-${app}`;
  const project = await Deno.readTextFile(`${folder}/pyproject.toml`);
  const timed = project.replace(`"server_app:app"`, `"timed_server_app:app"`);
  return {
    folder,
    files: {
      "pyproject.toml": timed,
      ...(app === "python"
        ? { "timed_server_app.py": PYTHON }
        : { "timed_server_app.ts": TYPESCRIPT }),
    },
  };
}
