/**
 * Whether the lines of an audit log are those that were written, all of them, in their order.
 *
 * It says so of whoever did not write a new chain in place of the old: who may write to the folder
 * can. Against that, note the end of the chain elsewhere from time to time, and have it looked for.
 * What was added at its end is told by `unsettled_end.ts`.
 *
 * @module
 */

import { auditFileName, auditFiles, HEAD_NAME, rawLines, readHead } from "./audit_folder.ts";
import { CHAIN_START, type ChainEnd, lineHash, linesAre, parseLine } from "./audit_line.ts";

/** What is wrong, and where. */
export interface AuditFinding {
  readonly file: string;
  /** Counted from 1 within the file; absent where it is about the file. */
  readonly lineNumber?: number;
  /** What follows "is wrong here": a clause. */
  readonly what: string;
}

/** What was found. */
export interface AuditVerdict {
  readonly findings: readonly AuditFinding[];
  readonly fileCount: number;
  readonly lineCount: number;
  /** The last line; `seq` 0 when there is none. */
  readonly end: ChainEnd;
}

/** What is looked for besides. */
export interface VerifyOptions {
  /** The number of the first line that is to be there: more than 1 once older files were moved. */
  readonly first?: number;
  /** A line that was noted elsewhere. */
  readonly noted?: ChainEnd | undefined;
  /** A line from which on the log is to be whole: what is wrong before it is not told. */
  readonly since?: ChainEnd | undefined;
}

/** More are not told: they follow from the first. */
const MAX_FINDINGS = 100;

interface Place {
  readonly file: string;
  readonly lineNumber: number;
}

/** Reads a whole log, while it is written or not. */
export async function verifyAudit(
  folder: string,
  { first = 1, noted, since }: VerifyOptions = {},
): Promise<AuditVerdict> {
  // Before the lines, because it may be written meanwhile.
  const head = await readHead(folder);
  const files = await auditFiles(folder);
  const chain = new Chain(first, [
    ...(typeof head === "object" ? [{ end: head, where: "the head file" }] : []),
    ...(noted ? [{ end: noted, where: "what was noted" }] : []),
    ...(since && since.seq > 0 ? [{ end: since, where: "what was noted" }] : []),
  ], since);
  for (const file of files) {
    let isFirst = true;
    for await (const { lineNumber, bytes, whole } of rawLines(folder, file)) {
      const place = { file, lineNumber };
      if (whole) {
        chain.line(place, bytes, isFirst);
        isFirst = false;
      } else if (file !== files.at(-1)) {
        chain.foundNext({ ...place, what: "the line is cut off" });
      }
    }
    if (isFirst && file !== files.at(-1)) chain.foundNext({ file, what: "the file is empty" });
  }
  chain.finish();
  if (head === "unreadable") chain.found({ file: HEAD_NAME, what: "the file cannot be read" });
  // Also a log without lines has one, from its first start on.
  if (head === "missing" || head === "empty" && files.length > 0) {
    chain.found({ file: HEAD_NAME, what: `the file is ${head}` });
  }
  const { findings, lineCount, end } = chain;
  return { findings: findings.slice(0, MAX_FINDINGS), fileCount: files.length, lineCount, end };
}

/** A line that is known from elsewhere. */
interface Known {
  readonly end: ChainEnd;
  readonly where: string;
}

class Chain {
  readonly findings: AuditFinding[] = [];
  lineCount = 0;
  end: ChainEnd = CHAIN_START;
  #place: Place = { file: "", lineNumber: 0 };
  /** The line before could not be read, which was told. */
  #isBroken = false;
  readonly #first: number;
  #known: readonly Known[];
  readonly #since: ChainEnd;
  /** The line from which on the log is to be whole was there, or a later one. */
  #isSince: boolean;

  constructor(first: number, known: readonly Known[], since = CHAIN_START) {
    [this.#first, this.#known, this.#since] = [first, known, since];
    this.#isSince = since.seq === CHAIN_START.seq;
  }

  found(finding: AuditFinding): void {
    this.findings.push(finding);
  }

  /** Finds something at the line that comes next. */
  foundNext(finding: AuditFinding): void {
    this.#foundAt(this.end.seq + 1, finding);
  }

  #foundAt(seq: number, finding: AuditFinding): void {
    if (this.#isSince || seq > this.#since.seq) this.found(finding);
  }

  line(place: Place, bytes: Uint8Array, isFirstOfFile: boolean): void {
    this.lineCount++;
    const line = parseLine(new TextDecoder().decode(bytes));
    const hash = lineHash(bytes);
    if (!line) {
      this.foundNext({ ...place, what: "the line was changed: it is not written as lines are" });
      [this.end, this.#isBroken] = [{ seq: this.end.seq + 1, hash }, true];
      this.#place = place;
      return;
    }
    const { seq, prev } = line;
    if (isFirstOfFile && place.file !== auditFileName(seq)) {
      this.#foundAt(seq, {
        ...place,
        what: `the file begins with number ${seq}, not with that of its name`,
      });
    }
    this.#link(place, seq, prev);
    this.#known = this.#known.filter(({ end, where }) => {
      if (end.seq !== seq) return true;
      if (end.hash !== hash) {
        this.found({ ...place, what: `the line was changed: ${where} has another hash for it` });
      }
      return false;
    });
    [this.end, this.#isBroken, this.#place] = [{ seq, hash }, false, place];
    this.#isSince ||= seq >= this.#since.seq;
  }

  finish(): void {
    for (const { end, where } of this.#known) {
      if (end.seq < this.#first) continue;
      if (end.seq <= this.end.seq) {
        // It was told that the line is missing, or was changed so that it has another number.
        continue;
      }
      const what = `${linesAre(this.end.seq + 1, end.seq)} missing at the end, by ${where}`;
      this.found(this.#place.file === "" ? { file: HEAD_NAME, what } : { ...this.#place, what });
    }
  }

  #link(place: Place, seq: number, prev: string): void {
    const { end } = this;
    // Whatever was before, it is the line after the one that is known.
    if (!this.#isSince && seq === this.#since.seq + 1 && prev === this.#since.hash) return;
    if (this.lineCount === 1) {
      if (seq !== this.#first) {
        const what = seq > this.#first
          ? `${linesAre(this.#first, seq - 1)} missing before this one`
          : `the log begins with number ${seq}, not ${this.#first}`;
        this.#foundAt(seq, { ...place, what });
      } else if (seq === 1 && prev !== CHAIN_START.hash) {
        const what = "the line was changed: the first one follows no other";
        this.#foundAt(seq, { ...place, what });
      }
      return;
    }
    if (seq > end.seq + 1) {
      const what = `${linesAre(end.seq + 1, seq - 1)} missing before this one`;
      return this.#foundAt(seq, { ...place, what });
    }
    if (seq <= end.seq) {
      const what = `number ${seq} comes after number ${end.seq}: the line was inserted, repeated ` +
        "or moved, or the one before it was";
      return this.#foundAt(seq, { ...place, what });
    }
    if (prev === end.hash || this.#isBroken) return;
    const what = "the line was changed, or its hash in the next one was";
    this.#foundAt(seq, { ...this.#place, what });
  }
}
