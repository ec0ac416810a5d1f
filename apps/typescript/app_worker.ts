/**
 * Runs the code of a TypeScript app in a worker that may read the app's folder and do nothing else,
 * unless more is allowed.
 *
 * @module
 */

import { pathToFileURL } from "node:url";
import {
  type Call,
  type Failed,
  PROTOCOL_VERSION,
  type Start,
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
  readonly message: Omit<Start, "kind">;
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

/**
 * The worker's own module. Deno loads it, and all that it imports statically, with the permissions
 * of the host, so it is ours; the bundle is imported dynamically and with those of the worker.
 */
const BOOTSTRAP = `data:application/javascript,${
  encodeURIComponent(`
    onmessage = ({ data: module }) => {
      onmessage = null;
      import(module).then(() => postMessage({ kind: "loaded" }), (error) =>
        postMessage({
          kind: "failed",
          stage: "load",
          name: String(error?.name),
          message: String(error?.message ?? error),
          stack: String(error?.stack ?? error),
        }));
    };`)
}`;

/** Runs an app to its end. Ends it when `signal` aborts, and rejects with the signal's reason. */
export async function runApp(
  { folder, path, permissions }: AppModule,
  { message: start, transfer = [] }: AppStart,
  host: AppHost,
  signal: AbortSignal,
): Promise<AppEnding> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<AppEnding>();
  const fail = (message: string, stage: "load" | "run" = "run") =>
    resolve({ ok: false, stage, name: "AppError", message, stack: message });
  const worker = new Worker(BOOTSTRAP, {
    type: "module",
    name: start.app,
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
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop);
  worker.onerror = (event) => {
    // Otherwise the error would end this process.
    event.preventDefault();
    fail(event.message);
  };
  let isReady = false;
  worker.onmessage = ({ data }) => {
    const message = parseWorkerMessage(data);
    switch (message?.kind) {
      case "ready":
        isReady = message.protocol === PROTOCOL_VERSION;
        if (!isReady) fail("The app was bundled by a Trellis that is newer than this one.", "load");
        else worker.postMessage({ ...start, kind: "start" }, transfer);
        break;
      case "loaded":
        if (!isReady) fail(`The module "${path}" was not bundled by Trellis.`, "load");
        break;
      case "log":
        host.print(message.stream, message.text);
        break;
      case "call":
        void answer(worker, message, host);
        break;
      case "finished":
        resolve({ ok: true, context: message.context });
        break;
      case "failed":
        resolve({ ...message, ok: false });
        break;
      default:
        fail("The app's worker said something that is not in its protocol.");
    }
  };
  worker.postMessage(pathToFileURL(`${folder}/${path}`).href);
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", stop);
    worker.terminate();
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
