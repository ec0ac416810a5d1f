/**
 * The process of a ServerApp in TypeScript: does for it what Flower 1.25's `flwr-serverapp` does.
 *
 * @module
 */

import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { fuseRunConfig } from "../../config/run_config.ts";
import { FabError } from "../../fab/fab_error.ts";
import { type Context, ContextSchema } from "../../proto/gen/flwr/proto/message_pb.ts";
import { ServerAppIo } from "../../proto/gen/flwr/proto/serverappio_pb.ts";
import { userConfigFromProto, userConfigToProto } from "../../records/scalar_map.ts";
import { ExitError } from "../../terminal/errors.ts";
import { FLOWER_EXIT_CODES } from "../../terminal/exit_codes.ts";
import { StatusError } from "../../wire/status.ts";
import { AppCalls } from "./app_calls.ts";
import { startHeartbeats } from "./app_heartbeats.ts";
import type { AppProcessOptions } from "./app_process_options.ts";
import { answerServerApp } from "./answer_call.ts";
import { type AppEnding, AppWorker } from "./app_worker.ts";
import { bundlePath } from "./bundle_paths.ts";
import { installApp } from "./install_app.ts";
import { RunLog } from "./run_log.ts";
import { pullServerAppInputs, ServerAppCalls, type ServerAppInputs } from "./server_app_calls.ts";

/** What is still told to the SuperLink when the process is to end takes no longer than this. */
const FAREWELL_MS = 5_000;

/** The run has ended, by a person or because heartbeats were missed: there is nothing to report. */
class RunEnded extends Error {
  override readonly name = "RunEnded";
}

/**
 * Runs the ServerApp of the run that the token admits to. Gives the exit code: 0 when it completed or
 * its run was ended meanwhile, 1 when it failed. The run's status says so too.
 *
 * Throws an {@linkcode ExitError} when the SuperLink does not admit the process.
 */
export async function runServerAppProcess(
  options: AppProcessOptions,
  token: string,
): Promise<number> {
  const { api, show, signal } = options;
  using calls = new AppCalls({
    api,
    say: (text) => show("stderr", `${text}\n`),
  });
  const inputs = await pullInputs(calls, token, signal);

  // What is told last is told also when the process is to end, but not for ever.
  const farewell = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  signal.addEventListener("abort", () => {
    timer = setTimeout(() => farewell.abort(signal.reason), FAREWELL_MS);
  });
  const last = new ServerAppCalls(calls, inputs, farewell.signal);
  const log = new RunLog((pieces) => last.pushLogs(pieces), show);
  try {
    const details = await runUntilEnd(options, token, calls, inputs, log);
    await log.close();
    if (details instanceof RunEnded) return 0;
    const isGood = details === "";
    await last.finish({
      status: "finished",
      subStatus: isGood ? "completed" : "failed",
      details,
    });
    return isGood ? 0 : 1;
  } finally {
    clearTimeout(timer);
  }
}

async function pullInputs(
  calls: AppCalls,
  token: string,
  signal: AbortSignal,
): Promise<ServerAppInputs> {
  try {
    return await pullServerAppInputs(calls, token, signal);
  } catch (error) {
    if (signal.aborted) throw new ExitError(`The ServerApp process was ended: ${signal.reason}.`);
    if (!(error instanceof StatusError)) throw error;
    throw new ExitError(`The SuperLink does not let the ServerApp start: ${error.message}`, {
      cause: error,
      flowerCode: FLOWER_EXIT_CODES.startRejected,
      remedy: "A token is good for one process, which must start within 30 seconds.",
    });
  }
}

/** Gives why the run failed, an empty text when it completed, or that it ended meanwhile. */
async function runUntilEnd(
  options: AppProcessOptions,
  token: string,
  calls: AppCalls,
  inputs: ServerAppInputs,
  log: RunLog,
): Promise<string | RunEnded> {
  const { runId } = inputs.run;
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  const heartbeats = startHeartbeats({
    calls,
    method: ServerAppIo.method.sendAppHeartbeat,
    token,
    refused: () => ended.abort(new RunEnded()),
  });
  try {
    const api = new ServerAppCalls(calls, inputs, signal);
    const ending = await runInstalled(options, inputs, log, api, ended, signal);
    if (!ending.ok) log.print("stderr", `The ServerApp failed.\n${ending.stack}\n`);
    heartbeats[Symbol.dispose]();
    // The token is given up before the status is told, because a SuperLink of Flower 1.25 writes
    // over the reason of a failure when the token expires.
    await api.pushOutputs(token, contextOf(ending, inputs.context));
    return ending.ok ? "" : describe(ending);
  } catch (error) {
    if (options.signal.aborted) return `The ServerApp process was ended: ${options.signal.reason}.`;
    if (error instanceof RunEnded || isDenied(error)) {
      log.print("stdout", `Run ID ${runId} stopped.\n`);
      return new RunEnded();
    }
    const reason = error instanceof Error ? error.message : String(error);
    log.print("stderr", `The ServerApp failed: ${reason}\n`);
    return reason;
  } finally {
    heartbeats[Symbol.dispose]();
  }
}

async function runInstalled(
  { flwrDirectory, permissions }: AppProcessOptions,
  { context, run, fab }: ServerAppInputs,
  log: RunLog,
  api: ServerAppCalls,
  ended: AbortController,
  signal: AbortSignal,
): Promise<AppEnding> {
  const app = await installApp(fab, flwrDirectory);
  const path = bundlePath("serverapp");
  if (!app.fab.files.has(path)) {
    throw new FabError(`The FAB has no "${path}", so its ServerApp is not one in TypeScript.`);
  }
  const overrides = userConfigFromProto(run.overrideConfig);
  const runConfig = userConfigToProto(fuseRunConfig(app.fab.app.config, overrides));
  using worker = new AppWorker("serverapp", { folder: app.folder, path, permissions });
  return await worker.run(
    { message: { context: toBinary(ContextSchema, { ...context, runConfig }) } },
    {
      print: (stream, text) => log.print(stream, text),
      answer: async (call, transfer) => {
        try {
          return await answerServerApp(call, api, transfer);
        } catch (error) {
          // This status has one meaning here: the run is not running any more.
          if (isDenied(error)) ended.abort(new RunEnded());
          throw error;
        }
      },
    },
    signal,
  );
}

function isDenied(error: unknown): boolean {
  return error instanceof StatusError && error.status === "PERMISSION_DENIED";
}

/** The context as the app left it. */
function contextOf({ context }: AppEnding, given: Context): Context {
  return context === undefined ? given : fromBinary(ContextSchema, context);
}

/** What `ls` shows of a failure: as Python's `str(exception)`, with the kind where it tells more. */
function describe({ name, message }: AppEnding & { ok: false }): string {
  return name === "Error" || name === "AppError" ? message : `${name}: ${message}`;
}
