/**
 * A SuperLink from its options to its end.
 *
 * @module
 */

import { createLog } from "../terminal/log.ts";
import { appStarter } from "../apps/app_starter.ts";
import { readSecretFile } from "../apps/runtime/secret_file.ts";
import { loadServerTls, TlsFileError } from "../wire/tls.ts";
import { ExitError } from "../terminal/errors.ts";
import { giveBackFreeMemory } from "../terminal/free_memory.ts";
import { processTerminal } from "../terminal/terminal.ts";
import { onStopSignals } from "../terminal/stop_signals.ts";
import { openAuditLog } from "./audit/audit_log.ts";
import { catchUpAudit } from "./audit/catch_up.ts";
import { auditFolderFor } from "./audit/flags.ts";
import { systemClock } from "./clock.ts";
import { loginLink, pageAccess } from "./dashboard/access.ts";
import type { SuperLinkOptions } from "./options.ts";
import { openDatabase } from "./state/database.ts";
import { watchTlsFiles } from "./tls_watch.ts";
import { startSuperLink } from "./superlink.ts";

/** Serves until a signal stops it; gives the exit code. Throws an `ExitError` when it cannot start. */
export async function serve(options: SuperLinkOptions): Promise<number> {
  const log = createLog({ format: options.logFormat });
  giveBackFreeMemory();
  const loaded = options.tlsFiles && await loadTls(options.tlsFiles);
  const { python, preload, keepsTypeScript, appPermissions, superExecSecretFile } = options;
  const superExecSecret = superExecSecretFile === undefined
    ? undefined
    : await readSecretFile(superExecSecretFile);
  const page = options.dashboard &&
    await pageAccess(options.dashboard, options.controlRule, Deno.stderr.isTerminal());
  const maxIdle = keepsTypeScript ? 1 : 0;
  await using apps = await appStarter({ python, preload, maxIdle, appPermissions, log });
  const database = await openDatabase(options.database);
  log.info(
    "superlink.starting",
    database.durable
      ? `Starting Trellis SuperLink; its state is kept in ${database.place}.`
      : "Starting Trellis SuperLink; its state is kept in memory and lost when it stops.",
    { database: database.place, durable: database.durable },
  );
  const auditFolder = auditFolderFor(options.auditLog, database);
  await using audit = auditFolder === undefined
    ? undefined
    : await openAuditLog(auditFolder, { clock: systemClock, log });
  const toldUntilMicros = audit && auditFolder !== undefined
    ? await catchUpAudit({
      ...{ kv: database.kv, folder: auditFolder, trail: audit, clock: systemClock },
    })
    : undefined;
  for (const warning of [...options.warnings, ...loaded?.warnings ?? []]) {
    log.warning("superlink.warning", warning);
  }

  using stop = onStopSignals();
  const superlink = await startSuperLink({
    options,
    tls: loaded?.tls,
    database,
    clock: systemClock,
    log,
    audit,
    auditFolder,
    toldUntilMicros,
    startApp: apps.start,
    superExecSecret,
    pageAccess: page,
  });
  if (page?.kind === "token" && page.generated && superlink.dashboardAddress) {
    const link = loginLink(superlink.dashboardAddress, loaded !== undefined, page.token);
    processTerminal().say(`Open the page with this link, which is shown only once:\n  ${link}`);
  }
  using _watch = options.tlsFiles && loaded
    ? watchTlsFiles(options.tlsFiles, loaded.tls, { changed: superlink.changeTls, log })
    : undefined;
  log.info("superlink.ready", "SuperLink is ready.");
  log.info("superlink.stopping", `SuperLink stops (${await stop.stopped}).`);
  await superlink.stop();
  log.info("superlink.stopped", "SuperLink terminated gracefully.");
  return 0;
}

async function loadTls(files: Parameters<typeof loadServerTls>[0]) {
  try {
    return await loadServerTls(files);
  } catch (error) {
    if (error instanceof TlsFileError) throw new ExitError(error.message, { cause: error });
    throw error;
  }
}
