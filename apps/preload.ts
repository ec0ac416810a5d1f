/**
 * Starts Python apps from a preload process, and each in a process of its own where that does not
 * work.
 *
 * @module
 */

import type { Log } from "../terminal/log.ts";
import { type AppCommand, type AppProcess, startProcess } from "./app_process.ts";
import { PreloadError, type PreloadLimits, PreloadProcess } from "./preload_process.ts";

/** What a {@linkcode Preload} works with. */
export interface PreloadOptions {
  /** The Python of the environment, with its own arguments. */
  readonly interpreter: readonly string[];
  /** One of the environment's console scripts. */
  readonly script: string;
  readonly log: Log;
  readonly limits?: Partial<Limits>;
}

interface Limits extends PreloadLimits {
  /** How long a launch waits for Flower to be loaded before it goes the usual way. */
  readonly waitMs: number;
}

/** The token of an app is good for 30 s, so the wait has to leave time for a start the usual way. */
const LIMITS: Limits = { startMs: 60_000, launchMs: 3_000, waitMs: 10_000 };
/** What the program says when packages were installed or removed since it loaded Flower. */
const STALE = "stale";

/** One environment's preload process: ready before it is needed, and replaced when it ends. */
export class Preload implements AsyncDisposable {
  readonly #options: PreloadOptions;
  readonly #limits: Limits;
  readonly #alive = new Set<PreloadProcess>();
  #current: PreloadProcess | undefined;

  /** Starts to load Flower. */
  constructor(options: PreloadOptions) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#current = this.#open();
  }

  /** Starts an app: forked where that works, and else in a process that loads Flower itself. */
  async start(command: AppCommand): Promise<AppProcess> {
    const preload = this.#current;
    if (preload && await this.#isReady(preload)) {
      try {
        return await preload.launch(command);
      } catch (error) {
        if (!(error instanceof PreloadError)) throw error;
        this.#replace(preload, error.message);
      }
    }
    return startProcess(command);
  }

  /** Ends the process, and at once the apps that were forked from it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#current = undefined;
    await Promise.all([...this.#alive].map((preload) => preload.close()));
  }

  #open(): PreloadProcess {
    const { interpreter, script } = this.#options;
    const preload = new PreloadProcess(interpreter, script, this.#limits);
    this.#alive.add(preload);
    preload.ended.then((reason) => {
      this.#alive.delete(preload);
      this.#replace(preload, reason);
    });
    return preload;
  }

  async #isReady(preload: PreloadProcess): Promise<boolean> {
    const late = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => {
      this.#options.log.info(
        "preload.slow",
        "Flower is still being loaded; an app is started without waiting for it.",
      );
      late.resolve(false);
    }, this.#limits.waitMs);
    try {
      return await Promise.race([preload.ready.then(() => true, () => false), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #replace(preload: PreloadProcess, reason: string): void {
    if (this.#current !== preload) return;
    const { log } = this.#options;
    preload.retire();
    if (reason === STALE) {
      log.info("preload.stale", "The Python environment was changed: Flower is loaded again.");
      this.#current = this.#open();
    } else if (preload.hasLaunched) {
      log.warning("preload.ended", `The preload process is replaced: ${reason}.`, { reason });
      this.#current = this.#open();
    } else {
      log.warning(
        "preload.off",
        `Each Python app loads Flower itself: there is no preload process, ${reason}.`,
        { reason },
      );
      this.#current = undefined;
    }
  }
}
