/**
 * A SuperNode from its flags to its end.
 *
 * @module
 */

import { appStarter } from "../apps/app_starter.ts";
import { readSecretFile } from "../apps/runtime/secret_file.ts";
import { UsageError } from "../terminal/errors.ts";
import type { RawFlags } from "../terminal/flags.ts";
import { logFailure } from "../terminal/failure.ts";
import { giveBackFreeMemory } from "../terminal/free_memory.ts";
import { createLog } from "../terminal/log.ts";
import { onStopSignals } from "../terminal/stop_signals.ts";
import { forgetTokens } from "../terminal/token_variables.ts";
import { loadServerTls } from "../wire/tls.ts";
import { supernodeOptions } from "./options.ts";
import { runSuperNode } from "./supernode.ts";
import { flags } from "./flags.ts";

/** Runs a SuperNode until a signal stops it or the SuperLink refuses it; gives the exit code. */
export async function startSuperNode(raw: RawFlags): Promise<number> {
  const log = createLog({ format: flags.logFormat.of(raw) });
  try {
    giveBackFreeMemory();
    using stop = onStopSignals();
    const options = await supernodeOptions(raw);
    forgetTokens();
    const { isolation, python, preload, maxIdle, appPermissions } = options;
    const { tlsFiles, superExecSecretFile } = options;
    const tls = tlsFiles && await loadServerTls(tlsFiles);
    for (const warning of tls?.warnings ?? []) log.warning("supernode.warning", warning);
    const superExecSecret = superExecSecretFile === undefined
      ? undefined
      : await readSecretFile(superExecSecretFile);
    await using apps = isolation === "subprocess"
      ? await appStarter({ python, preload, maxIdle, appPermissions, log })
      : undefined;
    const parts = {
      log,
      startApp: apps?.start,
      endRun: apps?.endRun,
      superExecSecret,
      tls: tls?.tls,
    };
    await runSuperNode(options, parts, stop.signal);
    log.info("supernode.stopped", "SuperNode terminated gracefully.");
    return 0;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    return logFailure(error, "supernode", log);
  }
}
