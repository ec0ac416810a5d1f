import { DatabaseSync } from "node:sqlite";
import { ExitError } from "../../terminal/errors.ts";
import { createHash } from "node:crypto";
import { FAB_SPACE } from "../runs/fabs.ts";
import { openDatabase } from "../state/database.ts";
import { keys, type RunRow } from "../state/layout.ts";
import { findingsIn } from "../state/integrity.ts";

/**
 * What is wrong with a database that nobody serves, in clauses: pages of the file, rows that contradict
 * each other, and FABs of runs that are missing or changed. Throws an `ExitError` when it cannot be
 * opened.
 */
export async function checkDatabase(path: string): Promise<string[]> {
  const isFile = await Deno.stat(path).then((info) => info.isFile, () => false);
  if (!isFile) {
    throw new ExitError(`There is no database "${path}".`, {
      remedy: "Give --database as the SuperLink was started with.",
    });
  }
  const database = await openDatabase(path);
  try {
    const findings = [...pagesOf(path), ...await findingsIn(database.kv)];
    const fabs = new Set<string>();
    for await (const { value } of database.kv.list<RunRow>({ prefix: keys.runs })) {
      fabs.add(value.fabHash);
    }
    for (const hash of fabs) {
      const bytes = await database.blobs.get(FAB_SPACE, hash);
      if (!bytes) findings.push(`the FAB ${hash} is missing`);
      else if (createHash("sha256").update(bytes).digest("hex") !== hash) {
        findings.push(`the FAB ${hash} was changed`);
      }
    }
    return findings;
  } finally {
    await database.close();
  }
}

function pagesOf(path: string): string[] {
  const sqlite = new DatabaseSync(path, { readOnly: true });
  try {
    return sqlite.prepare("pragma integrity_check").all()
      .map((row) => String(row["integrity_check"]))
      .filter((text) => text !== "ok").map((text) => `the file is damaged: ${text}`);
  } finally {
    sqlite.close();
  }
}
