/**
 * Where the demo plays: a temporary folder with an app in it, free ports, and the programs that run
 * there, each shown by its command and what it says.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { paintFor } from "../../terminal/colour.ts";
import { copyFolder, setFederation } from "../../tests/harness/app_folder.ts";
import { freeAddress } from "../../tests/harness/ports.ts";
import { type ProcessOptions, RunningProcess } from "../../tests/harness/process.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const APP = fileURLToPath(new URL("../iris-typescript/", import.meta.url));
/** How long a step may take on a busy machine; the first one may have to download packages. */
const WAIT_MS = 60_000;
const paint = paintFor(Deno.stdout);

/** A step that did not go as the story says. */
export class DemoError extends Error {
  override readonly name = "DemoError";
}

/** Fails the demo unless `condition` holds. */
export function expect(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new DemoError(`This step should have gone otherwise: ${sentence}`);
}

/** The folder, the addresses and the running programs of one demo. */
export class Stage {
  /** The working folder of every command; it is removed at the end. */
  readonly folder: string;
  readonly fleetAddress = freeAddress();
  readonly controlAddress = freeAddress();
  readonly appAddress = freeAddress();
  readonly #started: RunningProcess[] = [];
  #closed = false;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Makes the folder, with the app in TypeScript in its folder `iris`, whose federation
   * `local-deployment` is the demo's SuperLink.
   */
  static async open(): Promise<Stage> {
    const stage = new Stage(await Deno.makeTempDir({ prefix: "trellis-demo-" }));
    const app = join(stage.folder, "iris");
    await copyFolder(APP, app);
    await setFederation(app, {
      address: stage.controlAddress,
      rootCertificates: "../certificates/ca.crt",
    });
    return stage;
  }

  /** Runs `trellis <words>` to its end, shows what it says and expects this exit code. */
  async run(words: string, expectedCode = 0): Promise<RunningProcess> {
    showCommand(words);
    const process = this.#spawn(words, { onLine: console.log });
    const code = await process.waitForExit(WAIT_MS);
    expect(code === expectedCode, `the exit code is ${code} instead of ${expectedCode}.`);
    return process;
  }

  /** Starts `trellis <words>` in the background and shows its lines up to the one that matches. */
  async start(name: string, words: string, until: RegExp): Promise<RunningProcess> {
    showCommand(`${words} &`);
    const process = this.#spawn(words, { name });
    await process.waitForLine(until, WAIT_MS);
    showLog(process);
    return process;
  }

  /** Stops everything, the last first, and removes the folder. Nothing starts afterwards. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const process of this.#started.toReversed()) await process.stop();
    await Deno.remove(this.folder, { recursive: true });
  }

  #spawn(words: string, options: Partial<ProcessOptions>): RunningProcess {
    expect(!this.#closed, "the demo goes on to its end.");
    const process = new RunningProcess({
      name: `trellis ${words}`,
      command: Deno.execPath(),
      args: ["run", "-A", MAIN, ...splitWords(words)],
      cwd: this.folder,
      env: { FLWR_HOME: join(this.folder, "flwr-home") },
      ...options,
    });
    this.#started.push(process);
    return process;
  }
}

/** Says what comes next. */
export function tell(sentence: string): void {
  console.log(`\n${paint(`# ${sentence}`, "bold")}`);
}

/** Shows what a program in the background has said, from the given line on, as far as it matches. */
export function showLog(process: RunningProcess, from = 0, matching = /^/): void {
  const label = paint(`${process.name} |`, "brightBlack");
  for (const line of process.lines.slice(from)) {
    if (matching.test(line)) console.log(`${label} ${line}`);
  }
}

/** The words of a command line, of which those in double quotes are one. */
function splitWords(line: string): string[] {
  return Array.from(line.matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, bare]) => quoted ?? bare ?? "");
}

/** A long command goes over several lines, as one would type it. */
function showCommand(words: string): void {
  const lines = `trellis ${words}`.replaceAll(" --", words.length > 90 ? " \\\n    --" : " --");
  console.log(`\n${paint("$", "brightBlack")} ${paint(lines, "cyan")}`);
}
