/**
 * A scene is one test with processes: a temporary folder and the programs that play in it. When the
 * test fails, what each of them said is shown; at the end all are stopped in the reverse order of
 * their start, so SuperNodes go before their SuperLink.
 *
 * @module
 */

import { join } from "node:path";
import { assert } from "@std/assert";
import { installHint, isCi, missingFlower } from "./flower_env.ts";
import type { Program } from "./programs.ts";
import { type CommandOutcome, runCommand, RunningProcess } from "./process.ts";

/** How long a scene may play; every wait in it has a shorter limit of its own. */
const SCENE_MS = 240_000;

/** How a program is started. */
export interface StartOptions {
  /** How failures name it, for example `SuperNode 1`. */
  readonly name: string;
  readonly args: readonly string[];
  readonly cwd?: string;
}

/** The folder and the processes of one test. */
export class Scene {
  readonly folder: string;
  readonly #cast: { process: RunningProcess; program: Program }[] = [];

  constructor(folder: string) {
    this.folder = folder;
  }

  /** A path in the scene's folder. */
  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** `FLWR_HOME` of every program. */
  get flwrHome(): string {
    return this.path("flwr-home");
  }

  /** Starts a program, which is stopped with the scene. */
  start(program: Program, options: StartOptions): RunningProcess {
    const process = new RunningProcess(this.#processOptions(program, options));
    this.#cast.push({ process, program });
    return process;
  }

  /** Runs a program to its end. */
  run(program: Program, options: StartOptions): Promise<CommandOutcome> {
    return runCommand(this.#processOptions(program, options));
  }

  /** What each process said. */
  transcript(): string {
    return this.#cast.map(({ process }) => process.transcript()).join("\n");
  }

  /** Stops all that still run, and lists those of our own programs that did not end as they should. */
  async close(): Promise<string[]> {
    const complaints: string[] = [];
    for (const { process, program } of this.#cast.toReversed()) {
      if (!process.isRunning) continue;
      const { code, graceful } = await process.stop();
      if (!program.endsCleanly || (graceful && code === 0)) continue;
      complaints.push(
        `${process.name} ${graceful ? `ended with code ${code}` : "did not end"} after SIGTERM`,
      );
    }
    return complaints;
  }

  #processOptions(program: Program, { name, args, cwd = this.folder }: StartOptions) {
    return {
      name: `${name} (${program.title})`,
      command: program.command,
      args: [...program.args, ...args],
      cwd,
      env: { ...program.env, FLWR_HOME: this.flwrHome },
    };
  }
}

/** Registers a test that plays a scene. What it needs of Flower is told by its programs. */
export function scene(
  name: string,
  programs: readonly Program[],
  play: (scene: Scene) => Promise<void>,
): void {
  const missing = missingFlower(programs.flatMap(({ flower }) => flower ?? []));
  Deno.test({
    name,
    ignore: missing.length > 0 && !isCi(),
    timeout: SCENE_MS,
    async fn() {
      assert(missing.length === 0, `Flower is not installed: ${installHint(missing)}`);
      const folder = await Deno.makeTempDir({ prefix: "trellis-scene-" });
      const scene = new Scene(folder);
      let complaints: string[] = [];
      try {
        await play(scene);
      } catch (error) {
        console.error(scene.transcript());
        throw error;
      } finally {
        complaints = await scene.close();
        await Deno.remove(folder, { recursive: true });
      }
      assert(complaints.length === 0, `${complaints.join("\n")}\n${scene.transcript()}`);
    },
  });
}
