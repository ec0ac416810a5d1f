/**
 * The newest lines of the audit log, for the page. Whether the chain holds is for `trellis audit verify`.
 *
 * @module
 */

import { join } from "node:path";
import { auditFiles, rawLines } from "../audit/audit_folder.ts";
import { type AuditLine, parseLine } from "../audit/audit_line.ts";
import { Fresh } from "../metrics/fresh.ts";
import type { NamedNode } from "./node_views.ts";
import type { Columns } from "./window.ts";

/** How many lines are shown. */
const LIMIT = 1_000;
const AGE_MS = 5_000;

/** The end of an audit log. */
export class AuditTail {
  readonly #folder: string;
  readonly #lines: Fresh<readonly AuditLine[]>;
  #revision = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.#lines = new Fresh(() => newestLines(folder), AGE_MS);
  }

  /** The newest lines, newest first. */
  newest(): Promise<readonly AuditLine[]> {
    return this.#lines.get();
  }

  /** A number that is another one when there are new lines. */
  async revision(): Promise<number> {
    const file = (await auditFiles(this.#folder)).at(-1);
    if (file === undefined) return 0;
    const { size } = await Deno.stat(join(this.#folder, file));
    // The next file begins with a higher number in its name.
    const revision = Number(/\d+/.exec(file)?.[0] ?? 0) * 2 ** 20 + size;
    if (revision !== this.#revision) this.#lines.forget();
    this.#revision = revision;
    return revision;
  }
}

async function newestLines(folder: string): Promise<readonly AuditLine[]> {
  const newest: AuditLine[] = [];
  for (const file of (await auditFiles(folder)).reverse()) {
    const lines: AuditLine[] = [];
    for await (const { bytes, whole } of rawLines(folder, file)) {
      const line = whole ? parseLine(decoder.decode(bytes)) : undefined;
      if (line) lines.push(line);
      // A file may have hundreds of thousands.
      if (lines.length >= 2 * LIMIT) lines.splice(0, LIMIT);
    }
    newest.push(...lines.reverse());
    if (newest.length >= LIMIT) break;
  }
  return newest.slice(0, LIMIT);
}

const decoder = new TextDecoder();

/** A line, with the node that it is about as it is called now. */
export interface ShownLine extends AuditLine {
  readonly node: NamedNode | undefined;
}

/** The node that a line is about, or whose key acted. */
export function nodeOfLine(
  { subject, who }: AuditLine,
  named: ReadonlyMap<string, NamedNode>,
): NamedNode | undefined {
  return named.get(subject.nodeId ?? "") ?? named.get(who.fingerprint ?? "");
}

/** What a search looks at. */
export function auditText(line: ShownLine): string {
  const { action, outcome, who, subject, from = "", reason = "", node } = line;
  const texts = [...Object.values(who), ...Object.values(subject)];
  return [action, outcome, from, reason, node?.name, ...texts].join(" ");
}

/** What lines are sorted by. */
export const AUDIT_COLUMNS: Columns<ShownLine> = {
  seq: ({ seq }) => seq,
  action: ({ action }) => action,
  outcome: ({ outcome }) => outcome,
  from: ({ from }) => from,
  node: ({ node }) => node?.name,
};
