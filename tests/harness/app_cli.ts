/**
 * An app in a scene's folder, and a CLI, ours or Flower's, that runs it.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { assert } from "@std/assert";
import { delay } from "@std/async";
import { copyFolder, dropFederations, setFederation } from "./app_folder.ts";
import {
  Cli,
  connectionFor,
  namesFederations,
  shown,
  type Target,
  writeConnections,
} from "./cli.ts";
import type { CommandOutcome } from "./process.ts";
import type { Program } from "./programs.ts";
import type { Scene } from "./scene.ts";
import type { SuperLink } from "./superlink.ts";

/** How long a run may take on a busy machine, where each step waits for Flower's polls. */
export const RUN_MS = 150_000;

/** A row of `ls --format json`, with 1.25's names. */
export interface RunRow {
  readonly "run-id": string;
  readonly "federation": string;
  readonly "fab-id": string;
  readonly "fab-version": string;
  readonly "fab-hash": string;
  readonly "status": string;
  readonly "elapsed": number;
  readonly "finished-at": string;
  readonly "network-traffic": {
    readonly "inbound-bytes": number;
    readonly "outbound-bytes": number;
  };
  readonly "compute-time": { readonly "clientapp-seconds": number };
}

/** Files of an app by path, that are added or replaced. */
export type AppFiles = Readonly<Record<string, string>>;

const APPS = fileURLToPath(new URL("../interop/apps/", import.meta.url));
export const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));

/**
 * Copies an app into the scene and gives its folder. `source` is a folder below
 * `tests/interop/apps/`, or any absolute path.
 */
export async function copyApp(scene: Scene, source: string, files: AppFiles = {}): Promise<string> {
  const folder = await Deno.makeTempDir({ dir: scene.folder, prefix: "app-" });
  await copyFolder(resolve(APPS, source), folder);
  for (const [path, text] of Object.entries(files)) {
    await Deno.writeTextFile(join(folder, path), text);
  }
  return folder;
}

/** Copies an app as {@linkcode copyApp} does, with `link` as its federation `local-deployment`. */
export async function makeApp(
  scene: Scene,
  { controlAddress, certificates }: SuperLink,
  source: string,
  files: AppFiles = {},
): Promise<string> {
  const folder = await copyApp(scene, source, files);
  await setFederation(folder, { address: controlAddress, rootCertificates: certificates?.ca });
  return folder;
}

/** Copies an app, and gives a CLI in its folder that is set up for the SuperLink. */
export async function makeAppCli(
  scene: Scene,
  program: Program,
  link: SuperLink,
  source: string,
  files: AppFiles = {},
): Promise<AppCli> {
  if (namesFederations(program)) {
    return new AppCli(scene, program, await makeApp(scene, link, source, files));
  }
  await writeConnections(scene, link);
  const folder = await copyApp(scene, source, files);
  // Flower would move them into config.toml.
  await dropFederations(folder);
  const name = connectionFor(program);
  return new AppCli(scene, program, folder, ([verb]) => verb === "run" ? [".", name] : [name]);
}

/** A CLI in the folder of an app, which it names as a person does: `. local-deployment`. */
export class AppCli extends Cli {
  constructor(
    scene: Scene,
    program: Program,
    folder: string,
    target: Target = [".", "local-deployment"],
  ) {
    super(scene, program, target, folder);
  }

  /** `run --stream`, to the end of the run; gives what it said. */
  async runToEnd(...options: string[]): Promise<CommandOutcome> {
    const process = this.start(["run"], "--stream", ...options);
    const code = await process.waitForExit(RUN_MS);
    return { code, stdout: process.stdout, stderr: process.stderr };
  }

  /** Starts a run, which must succeed, and gives its id. */
  async startRun(...options: string[]): Promise<string> {
    const outcome = await this.run(["run"], "--format", "json", ...options);
    const { success, "run-id": runId } = parseJson(outcome);
    assert(success === true && /^\d+$/.test(runId), shown(outcome));
    return runId;
  }

  /** All runs: oldest first with 1.25's CLI and ours. */
  async runs(): Promise<RunRow[]> {
    const outcome = await this.run(["ls"], "--format", "json");
    const { success, runs } = parseJson(outcome);
    assert(success === true, shown(outcome));
    return runs;
  }

  /** Lists until the run has the status; gives its row. */
  async waitForRun(runId: string, status: string, timeoutMs = RUN_MS): Promise<RunRow> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const row = (await this.runs()).find((row) => row["run-id"] === runId);
      if (row?.status === status) return row;
      const isHopeless = row?.status.startsWith("finished") ?? false;
      assert(
        !isHopeless && Date.now() < deadline,
        `waited ${timeoutMs} ms in vain for run ${runId} to be ${status}: ${JSON.stringify(row)}`,
      );
      await delay(100);
    }
  }

  /** What the run has printed so far, by `log --show`. */
  async log(runId: string): Promise<string> {
    const outcome = await this.run(["log", runId], "--show");
    assert(outcome.code === 0, shown(outcome));
    return outcome.stdout;
  }
}

/** Flower's CLI writes progress lines before its JSON. */
function parseJson(outcome: CommandOutcome) {
  const start = outcome.stdout.indexOf("{");
  assert(outcome.code === 0 && start >= 0, shown(outcome));
  return JSON.parse(outcome.stdout.slice(start));
}
