/**
 * The process of a TypeScript app, seen from the outside: this program again, as `app-process`.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { encodeHex } from "@std/encoding";
import { ExitError } from "../../terminal/errors.ts";
import { formatAddress, reachableAddress } from "../../wire/address.ts";
import { type AppLaunch, type AppProcess, appProcess, sendSignal } from "../app_process.ts";
import { appPermissionArgs, type AppPermissions } from "./app_permissions.ts";
import { writeText } from "./output.ts";
import { type ProcessReport, ReportReader } from "./process_report.ts";

/** The program's own file, when it runs from source. */
const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** What grpc-js and the terminal read of the environment. */
const ENVIRONMENT = [
  "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
  "GRPC_EXPERIMENTAL_ENABLE_OUTLIER_DETECTION",
  "GRPC_NODE_DEBUG_SEND_ERROR_DETAILS",
  "GRPC_NODE_TRACE",
  "GRPC_NODE_USE_ALTERNATIVE_RESOLVER",
  "GRPC_NODE_VERBOSITY",
  "GRPC_SSL_CIPHER_SUITES",
  "GRPC_TRACE",
  "GRPC_VERBOSITY",
  "grpc_proxy",
  "http_proxy",
  "https_proxy",
  "no_grpc_proxy",
  "no_proxy",
  "COLUMNS",
  "NO_COLOR",
  "TRELLIS_DEBUG",
];

/** What a process is started for; what it does then is in the tokens that it is given. */
export type TypeScriptLaunch = Omit<AppLaunch, "token" | "runId" | "runtimeAddress">;

/**
 * A process for a component of an app, which runs it for one token after the other. From source, Deno
 * confines all of it to what it needs; compiled, it has the program's permissions, and only the worker
 * with the app's code is confined.
 *
 * It ends with this program, because its stdin does.
 */
export class TypeScriptProcess {
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #status: Promise<Deno.CommandStatus>;
  #isUsable = true;
  #current: Current | undefined;

  /** Starts it. Throws an {@linkcode ExitError} for a path with a comma. */
  constructor(launch: TypeScriptLaunch, permissions: AppPermissions) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: commandLine(launch, permissions),
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#stdin = this.#child.stdin.getWriter();
    // It may end while it is written to, which its status tells.
    this.#stdin.closed.catch(() => {});
    if (launch.localApi) this.#writeLine(encodeHex(launch.localApi.key));
    this.#status = this.#untilEnded();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Whether it can be given a token, once it is idle. */
  get isUsable(): boolean {
    return this.#isUsable;
  }

  /** Whether it has nothing to do. */
  get isIdle(): boolean {
    return this.#current === undefined;
  }

  /** Comes when it is gone, and all that it printed was shown. */
  get ended(): Promise<Deno.CommandStatus> {
    return this.#status;
  }

  /** Waits until it is idle or gone. */
  async idle(): Promise<void> {
    await this.#current?.exited.promise;
  }

  /** Runs the app for a token; it must be idle. To stop the app ends the process. */
  run(token: string): TypeScriptRun {
    const taken = Promise.withResolvers<boolean>();
    const exited = Promise.withResolvers<Deno.CommandStatus>();
    this.#current = { taken, exited };
    this.#writeLine(token);
    const app = appProcess({
      pid: this.#child.pid,
      exited: exited.promise,
      signal: (name) => this.#kill(name),
    });
    return { taken: taken.promise, app };
  }

  /** Ends it when it is idle, and otherwise at the latest after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#isUsable = false;
    this.#stdin.close().catch(() => {});
    const timer = setTimeout(() => this.#kill("SIGKILL"), graceMs);
    await this.#status;
    clearTimeout(timer);
  }

  #writeLine(secret: string): void {
    this.#stdin.write(encoder.encode(`${secret}\n`)).catch(() => {});
  }

  #kill(signal: "SIGTERM" | "SIGKILL"): void {
    this.#isUsable = false;
    sendSignal(this.#child, signal);
  }

  async #untilEnded(): Promise<Deno.CommandStatus> {
    const reader = new ReportReader(
      (text) => writeText("stdout", text),
      (report) => this.#take(report),
    );
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      reader.take(text);
    }
    reader.end();
    const status = await this.#child.status;
    this.#isUsable = false;
    this.#current?.taken.resolve(false);
    this.#current?.exited.resolve(status);
    return status;
  }

  #take(report: ProcessReport): void {
    if (report.kind === "taken") this.#current?.taken.resolve(true);
    else {
      const { exitCode: code } = report;
      this.#current?.exited.resolve({ success: code === 0, code, signal: null });
      this.#current = undefined;
    }
  }
}

/** An app that runs in a {@linkcode TypeScriptProcess}. */
export interface TypeScriptRun {
  /** Whether the process read the token; if not, it is gone, and the token may be used elsewhere. */
  readonly taken: Promise<boolean>;
  readonly app: AppProcess;
}

interface Current {
  readonly taken: PromiseWithResolvers<boolean>;
  readonly exited: PromiseWithResolvers<Deno.CommandStatus>;
}

const encoder = new TextEncoder();

function commandLine(launch: TypeScriptLaunch, permissions: AppPermissions): string[] {
  const { apiAddress, localApi } = launch;
  const address = formatAddress(localApi?.address ?? reachableAddress(apiAddress));
  const flwrDirectory = resolve(launch.flwrDirectory);
  const confinement = [
    "run",
    "--no-prompt",
    // The app's code could ask the npm registry for a package, and so tell it something.
    "--cached-only",
    // What Deno stores for web pages is kept by this name: no process finds another one's.
    `--location=https://${crypto.randomUUID()}.invalid`,
    `--allow-net=${list(address, ...permissions.net)}`,
    `--allow-read=${list(flwrDirectory, ...permissions.read)}`,
    `--allow-write=${list(join(flwrDirectory, "apps"))}`,
    `--allow-env=${list(...ENVIRONMENT, ...permissions.env)}`,
    MAIN,
  ];
  return [
    ...(Deno.build.standalone ? [] : confinement),
    "app-process",
    launch.kind,
    `--api-address=${address}`,
    "--keep",
    ...(localApi ? ["--local"] : []),
    `--flwr-dir=${flwrDirectory}`,
    ...appPermissionArgs(permissions),
  ];
}

/** A list as Deno's flags take it. They know no way to write a comma in a value. */
function list(...values: readonly string[]): string {
  const unspeakable = values.find((value) => value.includes(","));
  if (unspeakable === undefined) return values.join(",");
  throw new ExitError(`An app cannot be confined to "${unspeakable}", which has a comma.`, {
    remedy: "Use a path without one, for example by a link.",
  });
}
