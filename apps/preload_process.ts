/**
 * A Python process that has Flower loaded, seen from the outside: it forks app processes on request.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { basename, dirname } from "node:path";
import { Readable } from "node:stream";
import { type AppCommand, type AppProcess, appProcess } from "./app_process.ts";
import { PRELOAD_BOOTSTRAP, PRELOAD_PROGRAM } from "./preload_program.ts";
import { parseReport, type PreloadReport } from "./preload_report.ts";

/** No app was started, because the preload process could not; the message says why. */
export class PreloadError extends Error {
  override readonly name = "PreloadError";
}

/** How long things may take. */
export interface PreloadLimits {
  /** Until Flower is imported, also from a cold disk. */
  readonly startMs: number;
  /** Until an app is forked. A request that is read later is not carried out. */
  readonly launchMs: number;
}

/** The answer to a request that was carried out in the last moment may take this much longer. */
const ANSWER_MS = 1_000;
/** How long the process may take to end. */
const CLOSE_MS = 2_000;
/** As in every Unix. */
const SIGNAL_NUMBERS = { SIGTERM: 15, SIGKILL: 9 } as const;

interface Launch {
  readonly started: PromiseWithResolvers<number>;
  readonly exited: PromiseWithResolvers<Deno.CommandStatus>;
}

/** One preload process. It ends with this program, because its stdin does, and its apps with it. */
export class PreloadProcess {
  /** Comes when Flower is loaded; fails with a {@linkcode PreloadError} when that does not work. */
  readonly ready: Promise<void>;
  /** Comes when the process is gone, with the reason. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #limits: PreloadLimits;
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<string>();
  readonly #launches = new Map<number, Launch>();
  readonly #startTimer: ReturnType<typeof setTimeout>;
  #launchCount = 0;
  #hasLaunched = false;
  #retired = false;
  #endReason: string | undefined;

  /** Starts it on a Python, for the console scripts in the folder of `script`. */
  constructor(interpreter: readonly string[], script: string, limits: PreloadLimits) {
    this.ready = this.#ready.promise;
    this.ended = this.#ended.promise;
    this.#limits = limits;
    // It may fail before anybody asks for an app.
    this.ready.catch(() => {});
    const [python = "python3", ...flags] = interpreter;
    const args = [...flags, "-c", PRELOAD_BOOTSTRAP, dirname(script), "trellis-preload"];
    this.#child = spawn(python, args, { stdio: ["pipe", "inherit", "inherit", "pipe"] });
    this.#child.on("error", ({ message }) => this.#end(message));
    // Not "exit": what it said last comes first.
    this.#child.on("close", (code, signal) => {
      this.#end(signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`);
    });
    this.#child.stdin?.on("error", () => {
      // It is gone; "close" follows.
    });
    this.#startTimer = setTimeout(
      () => this.#kill(`it was not ready after ${limits.startMs / 1000} s`),
      limits.startMs,
    );
    this.#listen();
    this.#send(PRELOAD_PROGRAM);
  }

  /** Whether it has ever started an app. */
  get hasLaunched(): boolean {
    return this.#hasLaunched;
  }

  /** Forks an app. It has to be ready. Fails with a {@linkcode PreloadError}. */
  async launch({ program, args, env }: AppCommand): Promise<AppProcess> {
    if (this.#endReason !== undefined) throw new PreloadError(this.#endReason);
    const { launchMs } = this.#limits;
    const launch = ++this.#launchCount;
    const started = Promise.withResolvers<number>();
    const exited = Promise.withResolvers<Deno.CommandStatus>();
    this.#launches.set(launch, { started, exited });
    this.#send({
      launch,
      program: basename(program),
      argv: [program, ...args],
      env,
      expires: (Date.now() + launchMs) / 1000,
    });
    const timer = setTimeout(
      () => this.#refuse(launch, "it did not answer in time"),
      launchMs + ANSWER_MS,
    );
    try {
      const pid = await started.promise;
      this.#hasLaunched = true;
      return appProcess({
        pid,
        exited: exited.promise,
        signal: (name) => this.#signal(launch, name),
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Lets it end when the last of its apps has ended. */
  retire(): void {
    this.#retired = true;
    if (this.#launches.size === 0) this.#child.stdin?.end();
  }

  /** Ends it, and at once the apps that still run. */
  async close(): Promise<void> {
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), CLOSE_MS);
    await this.ended;
    clearTimeout(timer);
  }

  #send(request: unknown): void {
    this.#child.stdin?.write(JSON.stringify(request) + "\n");
  }

  #signal(launch: number, name: keyof typeof SIGNAL_NUMBERS): void {
    // Through the process that waits for it, so the id cannot be another process's by now.
    this.#send({ signal: launch, number: SIGNAL_NUMBERS[name] });
  }

  #listen(): void {
    const reports = this.#child.stdio[3];
    if (!(reports instanceof Readable)) return;
    let rest = "";
    reports.setEncoding("utf8");
    reports.on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      try {
        for (const line of lines) this.#take(parseReport(line));
      } catch (error) {
        this.#kill(`it said what it should not: ${error}`);
      }
    });
  }

  #take(report: PreloadReport): void {
    if (report.kind === "ready") {
      clearTimeout(this.#startTimer);
      this.#ready.resolve();
    } else if (report.kind === "unusable") {
      this.#endReason = report.reason;
    } else if (report.kind === "refused") {
      this.#refuse(report.launch, report.reason);
    } else if (report.kind === "started") {
      const launch = this.#launches.get(report.launch);
      if (launch) launch.started.resolve(report.pid);
      // Too late: another process was started with its token.
      else this.#signal(report.launch, "SIGKILL");
    } else {
      this.#forget(report.launch)?.exited.resolve(report.status);
    }
  }

  #refuse(launch: number, reason: string): void {
    this.#forget(launch)?.started.reject(new PreloadError(reason));
  }

  #forget(launch: number): Launch | undefined {
    const forgotten = this.#launches.get(launch);
    this.#launches.delete(launch);
    if (this.#retired && this.#launches.size === 0) this.#child.stdin?.end();
    return forgotten;
  }

  #kill(reason: string): void {
    this.#endReason ??= reason;
    this.#child.kill("SIGKILL");
  }

  #end(reason: string): void {
    this.#endReason ??= reason;
    clearTimeout(this.#startTimer);
    const error = new PreloadError(this.#endReason);
    this.#ready.reject(error);
    for (const { started, exited } of this.#launches.values()) {
      started.reject(error);
      // Its apps end with it.
      exited.resolve({ success: false, code: 137, signal: "SIGKILL" });
    }
    this.#launches.clear();
    this.#ended.resolve(this.#endReason);
  }
}
