/**
 * A SuperLink with a database and an audit log that is backed up and restored.
 *
 * @module
 */

import { join } from "node:path";
import { auditFolderOf } from "../audit/audit_folder.ts";
import { openAuditLog } from "../audit/audit_log.ts";
import { takeBackup } from "../backup/backup.ts";
import { restoreBackup, type RestoreOptions, type RestoreResult } from "../backup/restore.ts";
import { LogLines } from "./log_lines.ts";
import { TestClock } from "./test_clock.ts";
import { startTestSuperLink, type TestSuperLink } from "./test_superlink.ts";

/** A SuperLink's files, and what is done with them. */
export interface BackupStage {
  readonly folder: string;
  readonly database: string;
  readonly backup: string;
  readonly clock: TestClock;
  serve(play: (link: TestSuperLink) => Promise<void>, database?: string): Promise<void>;
  take(): Promise<unknown>;
  restore(options?: Partial<RestoreOptions>): Promise<RestoreResult>;
}

/** Plays in a temporary folder. */
export async function onBackupStage(play: (stage: BackupStage) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const database = join(folder, "state.kv");
  const backup = join(folder, "federation.backup");
  const clock = new TestClock();
  try {
    await play({
      ...{ folder, database, backup, clock },
      async serve(play, place = database) {
        const log = new LogLines().log;
        await using audit = await openAuditLog(auditFolderOf(place), { clock, log });
        await using link = await startTestSuperLink({ database: place, clock, audit });
        await play(link);
      },
      take: () =>
        takeBackup({
          database,
          auditFolder: auditFolderOf(database),
          output: backup,
          nowMicros: clock.nowMicros(),
        }),
      restore: (options) =>
        restoreBackup({
          ...{ backup, database, auditFolder: auditFolderOf(options?.database ?? database), clock },
          ...{ force: false, withoutAuditLog: false, ...options },
        }),
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
