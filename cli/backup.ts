/**
 * `backup`, `restore` and `verify`: the files of a SuperLink, on its machine.
 *
 * @module
 */

import { auditFiles, auditFolderOf } from "../superlink/audit/audit_folder.ts";
import { takeBackup } from "../superlink/backup/backup.ts";
import { restoreBackup } from "../superlink/backup/restore.ts";
import { checkDatabase } from "../superlink/backup/check_database.ts";
import { systemClock } from "../superlink/clock.ts";
import { UsageError } from "../terminal/errors.ts";
import { type RawFlags, switchFlag, textFlag } from "../terminal/flags.ts";
import { resolve } from "node:path";
import type { Command } from "./command_tree.ts";
import { AUDIT_LOG_FLAG, DATABASE_FLAG, databasePath } from "./database.ts";
import { withProgress } from "./progress.ts";

const OUTPUT_FLAG = textFlag("output", "FILE", "Where the backup goes; replaced once it is whole.");
const FORCE_FLAG = switchFlag("force", "Move a database that is there aside. None may serve it.");
const WITHOUT_LOG_FLAG = switchFlag(
  "without-audit-log",
  "Restore although no audit log says what was unregistered and revoked since the backup.",
);

/** `trellis backup`. */
export const backupCommand: Command = {
  spec: {
    name: "trellis backup",
    summary: "Back up a SuperLink's state into one file, while it serves or not.",
    flags: [DATABASE_FLAG, AUDIT_LOG_FLAG, OUTPUT_FLAG],
    epilogue:
      "The file holds the database, FABs and models, and the audit log: keep it as safe as " +
      "the machine.",
  },
  async run({ flags }, terminal) {
    const output = OUTPUT_FLAG.of(flags);
    if (output === undefined) {
      throw new UsageError("--output is missing.", "For example --output federation.backup");
    }
    const folder = await auditFolderOfFlags(flags);
    const options = {
      database: await databasePath(flags),
      auditFolder: (await auditFiles(folder)).length > 0 ? folder : undefined,
      output: resolve(output),
      nowMicros: systemClock.nowMicros(),
    };
    const { sizeBytes, objectCount } = await withProgress(
      terminal,
      `Backing up ${options.database}`,
      (advance) => takeBackup({ ...options, advance }),
    );
    const size = `${(sizeBytes / 1024 ** 2).toFixed(1)} MiB`;
    terminal.print(`✅ Wrote ${output} (${size}, objects and FABs: ${objectCount}).`);
    return 0;
  },
};

/** `trellis restore`. */
export const restoreCommand: Command = {
  spec: {
    name: "trellis restore",
    summary: "Bring back a SuperLink's state from a backup, where no SuperLink serves.",
    positionals: [{ name: "BACKUP", help: "The file that `backup` wrote.", required: true }],
    flags: [DATABASE_FLAG, AUDIT_LOG_FLAG, FORCE_FLAG, WITHOUT_LOG_FLAG],
    epilogue: "What was unregistered, suspended or revoked since, by the audit log, stays so.",
  },
  async run({ flags, positionals: [backup = ""] }, terminal) {
    const database = await databasePath(flags);
    const options = {
      backup,
      database,
      auditFolder: await auditFolderOfFlags(flags),
      force: FORCE_FLAG.of(flags),
      withoutAuditLog: WITHOUT_LOG_FLAG.of(flags),
      clock: systemClock,
    };
    const { takenAt, applied, replaced } = await withProgress(
      terminal,
      `Restoring ${database}`,
      () => restoreBackup(options),
    );
    terminal.print(`✅ Restored ${database} as it was at ${takenAt}.`);
    if (replaced !== undefined) terminal.print(`The database that was there is now ${replaced}.`);
    if (applied) {
      const { unregistered, suspended, changed, revoked, missing } = applied;
      terminal.print(
        "By the audit log since then, SuperNodes unregistered again: " +
          `${unregistered}; suspended: ${suspended}; changed: ${changed}; tokens revoked: ${revoked}.`,
      );
      if (missing > 0) {
        terminal.say(
          `⚠️ SuperNodes that were registered since and are to be registered again: ${missing}. ` +
            "`trellis audit list --action node.register` names them.",
        );
      }
    } else {
      terminal.say(
        "⚠️ What was unregistered or revoked since the backup holds again: unregister and revoke it " +
          "before you start the SuperLink for others.",
      );
    }
    return 0;
  },
};

/** `trellis verify`. */
export const verifyCommand: Command = {
  spec: {
    name: "trellis verify",
    summary: "Check that a SuperLink's database is whole, where no SuperLink serves it.",
    flags: [DATABASE_FLAG],
    epilogue: "It ends with exit code 1 when it finds something.",
  },
  async run({ flags }, terminal) {
    const database = await databasePath(flags);
    const findings = await withProgress(
      terminal,
      `Looking at ${database}`,
      () => checkDatabase(database),
    );
    for (const finding of findings) terminal.print(`${finding}.`);
    if (findings.length > 0) {
      terminal.say(`❌ The database ${database} is not whole. Restore a backup.`);
      return 1;
    }
    terminal.print(`✅ The database ${database} is whole.`);
    return 0;
  },
};

async function auditFolderOfFlags(raw: RawFlags): Promise<string> {
  const given = AUDIT_LOG_FLAG.of(raw);
  return given === undefined ? auditFolderOf(await databasePath(raw)) : resolve(given);
}
