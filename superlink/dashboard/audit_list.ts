/**
 * The newest lines of the audit log, for the page. Whether the chain holds is for `trellis audit verify`.
 *
 * @module
 */

import { join } from "node:path";
import { auditFiles, rawLines } from "../audit/audit_folder.ts";
import { type AuditLine, parseLine } from "../audit/audit_line.ts";
import { OneAtATime } from "../state/one_at_a_time.ts";
import type { NamedNode } from "./node_views.ts";
import type { Columns } from "./window.ts";

/** How many lines are shown. */
const LIMIT = 1_000;
/** What of a file is read at most: a line has some hundred bytes. */
const TAIL_BYTES = 4 * 1024 ** 2;

/** The end of an audit log, of which only what is new is read. */
export class AuditTail {
  readonly #folder: string;
  readonly #reads = new OneAtATime<string>();
  /** Newest first. */
  #lines: readonly AuditLine[] = [];
  /** The file that was read last, and how much of it. */
  #file: string | undefined;
  #offset = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The newest lines, newest first. */
  newest(): Promise<readonly AuditLine[]> {
    return this.#reads.run(this.#folder, () => this.#readOn());
  }

  /** A number that is another one when there are new lines. */
  async revision(): Promise<number> {
    const file = (await auditFiles(this.#folder)).at(-1);
    if (file === undefined) return 0;
    const { size } = await Deno.stat(join(this.#folder, file));
    // The next file begins with a higher number in its name.
    return Number(/\d+/.exec(file)?.[0] ?? 0) * 2 ** 20 + size;
  }

  async #readOn(): Promise<readonly AuditLine[]> {
    const files = await auditFiles(this.#folder);
    const known = this.#file === undefined ? -1 : files.indexOf(this.#file);
    if (known < 0) [this.#lines, this.#offset] = [[], 0];
    // A file that begins has few lines yet.
    for (const file of files.slice(known < 0 ? -2 : known)) {
      const added = await this.#linesAfter(file, file === this.#file ? this.#offset : 0);
      this.#lines = [...added.reverse(), ...this.#lines].slice(0, LIMIT);
    }
    return this.#lines;
  }

  async #linesAfter(file: string, offset: number): Promise<AuditLine[]> {
    const { size } = await Deno.stat(join(this.#folder, file));
    const from = Math.max(offset, size - TAIL_BYTES);
    const texts: string[] = [];
    let next = from;
    for await (const { bytes, whole } of rawLines(this.#folder, file, from)) {
      if (!whole) break;
      // The first one may be the rest of a line.
      if (from === offset || next > from) texts.push(decoder.decode(bytes));
      next += bytes.length + 1;
    }
    [this.#file, this.#offset] = [file, next];
    return texts.slice(-LIMIT).flatMap((text) => parseLine(text) ?? []);
  }
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
