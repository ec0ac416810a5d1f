/**
 * Whether the end of an audit log is as its writer leaves it. Whoever adds a line in the chain's own
 * spelling, or begins one, is not found by the chain itself; but the writer says of each line in the
 * head file that it wrote it, a moment later.
 *
 * @module
 */

import { delay } from "@std/async";
import { auditFiles, rawLines, readHead } from "./audit_folder.ts";
import { linesAre, parseLine } from "./audit_line.ts";
import type { AuditFinding } from "./verify_audit.ts";

/** How long a writer is given to end what it is at. */
export interface Patience {
  readonly attempts?: number;
  readonly pauseMs?: number;
}

/**
 * What is wrong with the end, if it stays so: lines that the head file does not know, or a half of
 * one. A writer that was killed leaves both, and mends them at its next start.
 */
export async function unsettledEnd(
  folder: string,
  { attempts = 10, pauseMs = 100 }: Patience = {},
): Promise<AuditFinding | undefined> {
  const finding = await lookAtEnd(folder);
  for (let attempt = 1; finding && attempt < attempts; attempt++) {
    await delay(pauseMs);
    const again = await lookAtEnd(folder);
    // A writer that got on has it in hand.
    if (again?.file !== finding.file || again.lineNumber !== finding.lineNumber) return undefined;
  }
  return finding;
}

async function lookAtEnd(folder: string): Promise<AuditFinding | undefined> {
  const places: { readonly file: string; readonly lineNumber: number; readonly seq: number }[] = [];
  let half: AuditFinding | undefined;
  const files = await auditFiles(folder);
  // Both, because one may have begun just now.
  for (const file of files.slice(-2)) {
    for await (const { bytes, lineNumber, whole } of rawLines(folder, file)) {
      const seq = whole ? parseLine(new TextDecoder().decode(bytes))?.seq : undefined;
      if (seq !== undefined) places.push({ file, lineNumber, seq });
      // In the file before it is told of in any case.
      if (whole || file !== files.at(-1)) continue;
      const what = "half of a line is there: somebody else began it, or the SuperLink was killed " +
        "while it wrote it";
      half = { file, lineNumber, what };
    }
  }
  // After the lines, because it is written after them.
  const head = await readHead(folder);
  if (typeof head !== "object") return half;
  const [first, ...others] = places.filter(({ seq }) => seq > head.seq);
  if (!first) return half;
  const { file, lineNumber, seq } = first;
  const what = `${linesAre(seq, others.at(-1)?.seq ?? seq)} not known to the head file: somebody ` +
    "else wrote there, or the SuperLink was killed as it did";
  return { file, lineNumber, what };
}
