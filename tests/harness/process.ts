/**
 * Processes under test: each in a process group of its own, its output captured line by line, and
 * always stopped.
 *
 * @module
 */

import { environment } from "./environment.ts";
import { forget, killGroup, remember, untilGroupGone } from "./process_groups.ts";

/** What to start. */
export interface ProcessOptions {
  /** How failures name it, for example `SuperNode 1`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Added to the environment that {@linkcode environment} makes. */
  readonly env?: Readonly<Record<string, string>>;
  /** Told of each line of its output as it comes. */
  readonly onLine?: (line: string) => void;
}

/** How a process ended. It is graceful when no SIGKILL was needed. */
export interface Ending {
  readonly code: number;
  readonly graceful: boolean;
}

/** How long a program may take to end after SIGTERM. */
const STOP_MS = 15_000;
/** How much of the output an error shows. */
const SHOWN_LINES = 60;

/** A started process. The end of its `await using` block stops it. */
export class RunningProcess implements AsyncDisposable {
  readonly name: string;
  /** Settles when the process is gone and its output is read to the end. */
  readonly exited: Promise<number>;
  readonly #options: ProcessOptions;
  readonly #child: Deno.ChildProcess;
  readonly #lines: string[] = [];
  readonly #changes = new EventTarget();
  #stdout = "";
  #stderr = "";
  #code: number | undefined;
  #orphanGraceMs = 0;
  #orphans: readonly string[] = [];

  constructor(options: ProcessOptions) {
    this.name = options.name;
    this.#options = options;
    this.#child = new Deno.Command(options.command, {
      args: [...options.args],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: environment(options.env),
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      detached: true,
    }).spawn();
    remember(this.pid);
    this.exited = this.#follow();
  }

  /** Its process id, which is its process group's too. */
  get pid(): number {
    return this.#child.pid;
  }

  /** The lines of stdout and stderr so far, in the order in which they came. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** All of stdout so far. */
  get stdout(): string {
    return this.#stdout;
  }

  /** All of stderr so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Whether it runs. */
  get isRunning(): boolean {
    return this.#code === undefined;
  }

  /** What it said last and how it ended, for error messages. */
  transcript(): string {
    const hidden = Math.max(0, this.#lines.length - SHOWN_LINES);
    const state = this.isRunning ? "running" : `ended with code ${this.#code}`;
    return [
      `--- ${this.name} (pid ${this.pid}, ${state})`,
      `  $ ${[this.#options.command, ...this.#options.args].join(" ")}`,
      ...(hidden > 0 ? [`  | (${hidden} lines before this)`] : []),
      ...this.#lines.slice(hidden).map((line) => `  | ${line}`),
    ].join("\n");
  }

  /**
   * Waits for a line that matches, among those from index `from` on. Fails with the transcript when
   * the process ends first, or when `timeoutMs` pass.
   */
  waitForLine(pattern: RegExp, timeoutMs: number, from = 0): Promise<RegExpMatchArray> {
    let next = from;
    return this.#waitFor(`a line that matches ${pattern}`, timeoutMs, () => {
      for (; next < this.#lines.length; next++) {
        const match = this.#lines[next]?.match(pattern);
        if (match) return match;
      }
      if (this.isRunning) return undefined;
      throw new Error(`${this.name} ended before a line matched ${pattern}\n${this.transcript()}`);
    });
  }

  /** Waits for it to end by itself; gives the exit code. */
  waitForExit(timeoutMs: number): Promise<number> {
    return this.#waitFor("its end", timeoutMs, () => this.#code);
  }

  /** Ends it, and all that it started, without a chance to clean up. */
  async kill(): Promise<void> {
    killGroup(this.pid);
    await this.exited;
  }

  /**
   * Ends it alone, without a chance to clean up. Gives the names of what it started and is
   * still there `graceMs` later, which is ended then. Linux only.
   */
  async crash(graceMs: number): Promise<readonly string[]> {
    this.#orphanGraceMs = graceMs;
    Deno.kill(this.pid, "SIGKILL");
    await this.exited;
    return this.#orphans;
  }

  /** Sends SIGTERM, and SIGKILL to whatever is still there after a while. */
  async stop(): Promise<Ending> {
    let graceful = true;
    if (this.isRunning) {
      this.#terminate();
      const timer = setTimeout(() => {
        graceful = false;
        killGroup(this.pid);
      }, STOP_MS);
      await this.exited;
      clearTimeout(timer);
    }
    return { code: await this.exited, graceful };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #follow(): Promise<number> {
    const outputs = [
      this.#collect(this.#child.stdout, (text) => this.#stdout += text),
      this.#collect(this.#child.stderr, (text) => this.#stderr += text),
    ];
    const { code } = await this.#child.status;
    if (this.#orphanGraceMs > 0) {
      this.#orphans = await untilGroupGone(this.pid, this.#orphanGraceMs);
    }
    // What it left behind in its group would hold the pipes open.
    killGroup(this.pid);
    await Promise.all(outputs);
    forget(this.pid);
    this.#code = code;
    this.#changes.dispatchEvent(new Event("change"));
    return code;
  }

  async #collect(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
    take: (text: string) => void,
  ): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      take(text);
      const lines = (rest + text).split(/\r?\n/);
      rest = lines.pop() ?? "";
      this.#add(lines);
    }
    if (rest !== "") this.#add([rest]);
  }

  #add(lines: readonly string[]): void {
    this.#lines.push(...lines);
    for (const line of lines) this.#options.onLine?.(line);
    this.#changes.dispatchEvent(new Event("change"));
  }

  #waitFor<T>(what: string, timeoutMs: number, look: () => T | undefined): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const check = () => {
      try {
        const found = look();
        if (found !== undefined) resolve(found);
      } catch (error) {
        reject(error);
      }
    };
    const timer = setTimeout(() => {
      const text = `${this.name}: waited ${timeoutMs} ms in vain for ${what}`;
      reject(new Error(`${text}\n${this.transcript()}`));
    }, timeoutMs);
    this.#changes.addEventListener("change", check);
    check();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#changes.removeEventListener("change", check);
    });
  }

  #terminate(): void {
    try {
      Deno.kill(this.pid, "SIGTERM");
    } catch (error) {
      // It ended in this moment; its exit is on the way.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/** What a command that ran to its end said. */
export interface CommandOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How long a command may take on a busy machine. */
const COMMAND_MS = 60_000;

/** Runs a command to its end. */
export async function runCommand(options: ProcessOptions): Promise<CommandOutcome> {
  await using process = new RunningProcess(options);
  const code = await process.waitForExit(COMMAND_MS);
  return { code, stdout: process.stdout, stderr: process.stderr };
}
