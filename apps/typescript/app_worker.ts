/**
 * Runs the code of a TypeScript app in a worker that may read the app's folder and do nothing else,
 * unless more is allowed.
 *
 * @module
 */

import { pathToFileURL } from "node:url";
import {
  type AppKind,
  type Call,
  type Failed,
  PROTOCOL_VERSION,
  type Start,
  type WorkerMessage,
} from "../../sdk/runtime/protocol.ts";
import type { AppPermissions } from "./app_permissions.ts";
import { parseWorkerMessage } from "./worker_message.ts";

/** What to run, and where. */
export interface AppModule {
  /** The folder that the app was installed to. */
  readonly folder: string;
  /** The bundle's path in it. */
  readonly path: string;
  readonly permissions: AppPermissions;
}

/** What the app is started with. */
export interface AppStart {
  readonly message: Omit<Start, "kind" | "app">;
  /** Buffers in it that are handed over and not copied. */
  readonly transfer?: ArrayBuffer[];
}

/** What the host does for the app. */
export interface AppHost {
  /**
   * Answers a call; what it throws is told to the app. `transfer` takes buffers that are handed over
   * and not copied.
   */
  answer(call: Call, transfer: ArrayBuffer[]): Promise<unknown>;
  /** Shows what the app prints. */
  print(stream: "stdout" | "stderr", text: string): void;
}

/** How an app ended. `context` is protobuf, absent when the app did not get as far. */
export type AppEnding =
  | { readonly ok: true; readonly context: Uint8Array }
  | ({ readonly ok: false } & Omit<Failed, "kind">);

/** Deno remembers on disk what it compiled under each address, so there are to be few. */
const MAX_MESSAGES = 32;
/** What an app may leave in memory, garbage included, before its worker is ended. */
const MAX_GROWTH_BYTES = 32 * 1024 ** 2;
/** How long a worker that was used may take to be ready again. An app may keep it busy for ever. */
const RELOAD_MS = 1_000;

/**
 * The worker's own module. Deno loads it, and all that it imports statically, with the permissions
 * of the host, so it is ours; the bundle is imported dynamically and with those of the worker.
 *
 * Each message gets the app's modules anew, because each import has another address; the SDK and what
 * Deno itself brings are loaded once. That costs 1 ms where a worker costs 80, and leaves behind what
 * an app keeps outside of its modules: timers are cleared, and a worker that has new globals, whose
 * memory grew or that has served many messages is not used again.
 *
 * Deno gives storage on disk without asking for a permission: an app has none.
 */
const BOOTSTRAP = `data:application/javascript,${
  encodeURIComponent(`
    delete Deno.openKv;
    delete globalThis.caches;
    let imports = 0, globals, limitBytes, firstTimer;
    const usedBytes = ({ heapUsed, external } = Deno.memoryUsage()) => heapUsed + external;
    const nextTimer = () => {
      const timer = setTimeout(() => {});
      clearTimeout(timer);
      return Number(timer);
    };
    const isSpent = () =>
      imports >= ${MAX_MESSAGES} || usedBytes() > limitBytes ||
      Reflect.ownKeys(globalThis).some((key) => !globals.has(key));
    addEventListener("message", async ({ data: module }) => {
      if (typeof module !== "string") return;
      try {
        if (imports > 0) {
          if (isSpent()) return postMessage({ kind: "spent" });
          for (const end = nextTimer(); firstTimer < end; firstTimer++) clearTimeout(firstTimer);
          module += "?message=" + (imports + 1);
        }
        await import(module);
        if (imports++ === 0) {
          globals = new Set(Reflect.ownKeys(globalThis));
          limitBytes = usedBytes() + ${MAX_GROWTH_BYTES};
          firstTimer = nextTimer();
        }
        postMessage({ kind: "loaded" });
      } catch (error) {
        postMessage({
          kind: "failed",
          stage: "load",
          name: String(error?.name),
          message: String(error?.message ?? error),
          stack: String(error?.stack ?? error),
        });
      }
    });`)
}`;

interface Running {
  readonly host: AppHost;
  readonly ended: PromiseWithResolvers<AppEnding>;
  /** Starts the app in a worker that is ready. */
  readonly begin: (worker: Worker) => void;
}

/**
 * Where an app runs for one message after the other, each with modules of its own. A worker is ended
 * with the message when that fails or is aborted.
 */
export class AppWorker implements Disposable {
  readonly #kind: AppKind;
  readonly #module: AppModule;
  #worker: Worker | undefined;
  #isReady = false;
  #isReload = false;
  #wasUsed = false;
  #running: Running | undefined;

  constructor(kind: AppKind, module: AppModule) {
    this.#kind = kind;
    this.#module = module;
  }

  /** Loads all but the app's own modules, so that the next message need not wait for that. */
  prepare(): void {
    if (this.#worker === undefined) this.#open();
    else if (this.#wasUsed) this.#load(this.#worker);
  }

  /** Runs the app for one message. Ends it when `signal` aborts, and rejects with the signal's reason. */
  async run(
    { message: start, transfer = [] }: AppStart,
    host: AppHost,
    signal: AbortSignal,
  ): Promise<AppEnding> {
    signal.throwIfAborted();
    const ended = Promise.withResolvers<AppEnding>();
    const stop = () => ended.reject(signal.reason);
    signal.addEventListener("abort", stop);
    const begin = (worker: Worker) => {
      this.#wasUsed = true;
      worker.postMessage({ ...start, app: this.#kind, kind: "start" }, transfer);
    };
    let isReusable = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      this.prepare();
      this.#running = { host, ended, begin };
      if (this.#isReady && this.#worker) begin(this.#worker);
      else if (this.#isReload) timer = setTimeout(() => !this.#isReady && this.#open(), RELOAD_MS);
      const ending = await ended.promise;
      isReusable = ending.ok;
      return ending;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      this.#running = undefined;
      if (!isReusable) this[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#isReady = this.#isReload = this.#wasUsed = false;
  }

  #open(): void {
    this[Symbol.dispose]();
    const { folder, permissions } = this.#module;
    const worker = new Worker(BOOTSTRAP, {
      type: "module",
      name: this.#kind,
      deno: {
        permissions: {
          read: [folder, ...permissions.read],
          net: permissions.net.length > 0 ? [...permissions.net] : false,
          env: permissions.env.length > 0 ? [...permissions.env] : false,
          import: false,
          write: false,
          run: false,
          ffi: false,
          sys: false,
        },
      },
    });
    worker.onerror = (event) => {
      // Otherwise the error would end this process.
      event.preventDefault();
      if (worker === this.#worker) this.#fail(event.message);
    };
    worker.onmessage = ({ data }) => {
      if (worker === this.#worker) this.#take(worker, parseWorkerMessage(data));
    };
    this.#worker = worker;
    this.#load(worker);
  }

  #load(worker: Worker): void {
    const { folder, path } = this.#module;
    this.#isReload = this.#wasUsed;
    this.#isReady = false;
    this.#wasUsed = false;
    worker.postMessage(pathToFileURL(`${folder}/${path}`).href);
  }

  #take(worker: Worker, message: WorkerMessage | undefined): void {
    switch (message?.kind) {
      case "ready":
        if (message.protocol !== PROTOCOL_VERSION) {
          this.#fail("The app was bundled by a Trellis that is newer than this one.", "load");
          break;
        }
        this.#isReady = true;
        this.#running?.begin(worker);
        break;
      case "loaded":
        if (this.#isReady) break;
        this.#fail(`The module "${this.#module.path}" was not bundled by Trellis.`, "load");
        break;
      case "spent":
        this.#open();
        break;
      case "log":
        this.#running?.host.print(message.stream, message.text);
        break;
      case "call":
        if (this.#running) void answer(worker, message, this.#running.host);
        break;
      case "finished":
        this.#end({ ok: true, context: message.context });
        break;
      case "failed":
        this.#end({ ...message, ok: false });
        break;
      default:
        this.#fail("The app's worker said something that is not in its protocol.");
    }
  }

  #fail(message: string, stage: "load" | "run" = "run"): void {
    this.#end({ ok: false, stage, name: "AppError", message, stack: message });
  }

  /** What comes of an earlier message is no answer to one that was not begun. */
  #end(ending: AppEnding): void {
    if (!this.#running) this[Symbol.dispose]();
    else if (this.#isReload && !this.#wasUsed) this.#open();
    else this.#running.ended.resolve(ending);
  }
}

async function answer(worker: Worker, call: Call, host: AppHost): Promise<void> {
  const transfer: ArrayBuffer[] = [];
  try {
    const answer = await host.answer(call, transfer);
    worker.postMessage({ kind: "answer", id: call.id, answer }, transfer);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    worker.postMessage({ kind: "refusal", id: call.id, reason });
  }
}
