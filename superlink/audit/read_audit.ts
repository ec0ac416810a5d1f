/**
 * The lines of an audit log for those who look into it, oldest first.
 *
 * @module
 */

import { auditFiles, rawLines } from "./audit_folder.ts";
import { type AuditLine, parseLine } from "./audit_line.ts";

/** Which lines are wanted: all that are not left out. */
export interface AuditFilter {
  readonly sinceMicros?: number | undefined;
  /** An action, or the part before its dot: `node` for `node.register` and others. */
  readonly action?: string | undefined;
  readonly nodeId?: string | undefined;
  readonly runId?: string | undefined;
  readonly outcome?: "done" | "refused" | undefined;
}

/** A line, and its own spelling. */
export interface ReadLine {
  readonly line: AuditLine;
  readonly text: string;
}

/** Reads the lines that a filter lets through. What is no line is left to `verifyAudit`. */
export async function* readAudit(
  folder: string,
  filter: AuditFilter = {},
): AsyncGenerator<ReadLine> {
  const decoder = new TextDecoder();
  for (const file of await auditFiles(folder)) {
    for await (const { bytes, whole } of rawLines(folder, file)) {
      const text = decoder.decode(bytes);
      const line = whole ? parseLine(text) : undefined;
      if (line && passes(line, filter)) yield { line, text };
    }
  }
}

function passes(
  { time, action, outcome, subject }: AuditLine,
  filter: AuditFilter,
): boolean {
  if (filter.sinceMicros !== undefined && Date.parse(time) * 1_000 < filter.sinceMicros) {
    return false;
  }
  if (
    filter.action !== undefined && action !== filter.action &&
    !action.startsWith(`${filter.action}.`)
  ) return false;
  if (filter.outcome !== undefined && outcome !== filter.outcome) return false;
  if (filter.nodeId !== undefined && subject["nodeId"] !== filter.nodeId) return false;
  return filter.runId === undefined || subject["runId"] === filter.runId;
}
