import { inflateMessage } from "../../records/inflate.ts";
import { createReply } from "../../records/reply.ts";
import { ClientApp } from "../client_app.ts";
import { decodeContext, type DecodedContext } from "../context.ts";
import { Grid } from "../grid.ts";
import { pushMessages } from "../push.ts";
import { ServerApp } from "../server_app.ts";
import { mirrorConsole } from "./console_mirror.ts";
import { HostApi, type PostToHost } from "./host_api.ts";
import {
  type AppKind,
  type Failed,
  type HostMessage,
  PROTOCOL_VERSION,
  type Start,
} from "./protocol.ts";

/** What this module needs of a worker's global scope. */
interface WorkerScope {
  postMessage: PostToHost;
  onmessage: ((event: { readonly data: HostMessage }) => void) | null;
  close(): void;
}

/**
 * Runs an app in this worker when the host says so. The module that a bundle starts with calls it.
 *
 * @param reference how the app's `pyproject.toml` names it, for example `server_app:app`.
 * @param load gives the named export. It is called once the host has started the app, so that what
 * its module prints or throws is reported.
 */
export function serveApp(reference: string, load: () => Promise<unknown>): void {
  const scope: unknown = globalThis;
  if (!isWorkerScope(scope)) throw new TypeError("A bundled app runs in a worker only.");
  const post: PostToHost = scope.postMessage.bind(scope);
  const api = new HostApi(post);
  scope.onmessage = ({ data }) => {
    if (data.kind === "start") void run(data, reference, load, api, post);
    else api.settle(data);
  };
  mirrorConsole(console, (stream, text) => post({ kind: "log", stream, text }));
  reportExits(scope, post);
  post({ kind: "ready", protocol: PROTOCOL_VERSION });
}

async function run(
  start: Start,
  reference: string,
  load: () => Promise<unknown>,
  api: HostApi,
  post: PostToHost,
): Promise<void> {
  let decoded: DecodedContext | undefined;
  try {
    decoded = decodeContext(start.context);
    const app = await load();
    if (start.app === "serverapp" && app instanceof ServerApp) {
      const grid = new Grid(decoded.context.runId, api);
      await app.run(grid, decoded.context);
      await grid.settle();
    } else if (start.app === "clientapp" && app instanceof ClientApp) {
      await answer(start, app, decoded, api);
    } else throw new LoadError(reference, start.app);
    post({ kind: "finished", context: decoded.encode() });
  } catch (error) {
    post(failure(error, decoded));
  }
}

/** Handles the instruction and pushes the reply. */
async function answer(
  { instruction }: Start,
  app: ClientApp,
  { context }: DecodedContext,
  api: HostApi,
): Promise<void> {
  if (instruction === undefined) throw new TypeError("The host sent no instruction.");
  const message = inflateMessage(instruction.messageId, instruction.contents);
  // Large arrays have been put together from their chunks, which need not stay while the app runs.
  instruction.contents.clear();
  const content = await app.handle(message, context);
  const nowSeconds = Date.now() / 1000;
  await pushMessages(api, [createReply(message.metadata, content, { nowSeconds })]);
}

class LoadError extends Error {
  override readonly name = "LoadError";

  constructor(reference: string, app: AppKind) {
    super(`"${reference}" is no ${app === "serverapp" ? "ServerApp" : "ClientApp"}.`);
  }
}

function failure(thrown: unknown, decoded: DecodedContext | undefined): Failed {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return {
    kind: "failed",
    stage: error instanceof LoadError ? "load" : "run",
    name: error.name,
    message: error.message,
    stack: error.stack ?? String(error),
    context: decoded && contextAfterFailure(decoded),
  };
}

/** An app may have left something in its state that cannot be encoded. */
function contextAfterFailure({ encode }: DecodedContext): Uint8Array | undefined {
  try {
    return encode();
  } catch {
    return undefined;
  }
}

/** A worker that ends by itself tells nobody, and its host would wait for ever. */
function reportExits(scope: WorkerScope, post: PostToHost): void {
  const report = (what: string) => {
    const message = `The app called ${what}, which ends nothing but itself.`;
    post({ kind: "failed", stage: "run", name: "ExitError", message, stack: message });
    throw new Error(message);
  };
  scope.close = () => report("close()");
  Deno.exit = (code) => report(`Deno.exit(${code ?? ""})`);
}

function isWorkerScope(scope: unknown): scope is WorkerScope {
  return typeof scope === "object" && scope !== null && "postMessage" in scope &&
    "WorkerGlobalScope" in scope;
}
