/**
 * The files of an audit log while it is written: lines are appended and synced, files begin anew by
 * size and age, and what a killed process left half written is removed.
 *
 * @module
 */

import { join } from "node:path";
import { ExitError } from "../../terminal/errors.ts";
import {
  auditFileName,
  auditFiles,
  encodeHead,
  HEAD_NAME,
  rawLines,
  readHead,
  RESERVE_NAME,
} from "./audit_folder.ts";
import { CHAIN_START, type ChainEnd, lineHash, linesAre, parseLine } from "./audit_line.ts";

/** When a file is full. */
export interface Rotation {
  readonly maxBytes: number;
  readonly maxAgeMicros: number;
}

/** 32 MiB, or 30 days. */
export const ROTATION: Rotation = {
  maxBytes: 32 * 1024 ** 2,
  maxAgeMicros: 30 * 24 * 3_600 * 1_000_000,
};

/** Room for some hundred last lines. */
const RESERVE_BYTES = 256 * 1024;

/** Where lines go. */
export interface AuditFiles {
  /** Appends lines of which the last is `end`; they are on disk when it comes back. */
  append(lines: readonly string[], end: ChainEnd, nowMicros: number): Promise<void>;
  /** Gives room for lines on a full disk, once. */
  release(): Promise<void>;
  /** Sees to it that there is room for lines; throws when there is none. */
  secure(): Promise<void>;
  close(): Promise<void>;
}

/** A log that was opened. */
export interface OpenedAudit {
  readonly files: AuditFiles;
  /** What the next line follows. */
  readonly end: ChainEnd;
  /** What was found that is worth a line, in sentences. */
  readonly healed: readonly string[];
}

/** Opens a folder, makes it when it is not there, and mends what a killed process left. */
export async function openAuditFiles(
  folder: string,
  rotation: Rotation = ROTATION,
): Promise<OpenedAudit> {
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    const head = await Deno.open(join(folder, HEAD_NAME), {
      ...{ create: true, read: true, write: true, mode: 0o600 },
    });
    if (!await head.tryLock(true)) {
      head.close();
      throw new ExitError(`The audit log "${folder}" is written by another SuperLink.`, {
        remedy: "Stop that SuperLink first, or choose another folder with --audit-log.",
      });
    }
    const found = await lastLine(folder);
    const { end, healed } = continued(await readHead(folder), found, folder);
    const files = new FolderFiles(folder, rotation, head);
    await files.open(found);
    return { files, end, healed };
  } catch (error) {
    if (error instanceof ExitError) throw error;
    throw new ExitError(`The audit log "${folder}" cannot be opened.`, {
      cause: error,
      remedy: "Check that its folder can be written to, or choose another with --audit-log.",
    });
  }
}

/** The end of the files as they are. */
interface Found {
  /** Absent when there are no lines. */
  readonly last: ChainEnd | undefined;
  /** The file that is gone on with, and how much of it is whole lines. */
  readonly file: string | undefined;
  readonly wholeBytes: number;
  readonly tornBytes: number;
  readonly firstTime: string | undefined;
}

async function lastLine(folder: string): Promise<Found> {
  const files = await auditFiles(folder);
  const file = files.at(-1);
  let [wholeBytes, tornBytes] = [0, 0];
  let last: ChainEnd | undefined;
  let firstTime: string | undefined;
  for (const name of files.slice(-2)) {
    const isLast = name === file;
    for await (const { bytes, whole } of rawLines(folder, name)) {
      if (!whole) {
        if (isLast) tornBytes = bytes.length;
        continue;
      }
      if (isLast) wholeBytes += bytes.length + 1;
      const line = parseLine(new TextDecoder().decode(bytes));
      if (isLast) firstTime ??= line?.time;
      last = line && { seq: line.seq, hash: lineHash(bytes) };
    }
  }
  return { last, file, wholeBytes, tornBytes, firstTime };
}

/**
 * What the next line follows. Where the head says other than the files, the chain goes on from the
 * head, so that whoever verifies it finds the place for ever.
 */
function continued(
  head: Awaited<ReturnType<typeof readHead>>,
  { last, file, tornBytes }: Found,
  folder: string,
): { readonly end: ChainEnd; readonly healed: readonly string[] } {
  const healed = tornBytes > 0
    ? [`${tornBytes} bytes of a line that was half written were removed from ${file}`]
    : [];
  if (typeof head !== "object") {
    if (last) return { end: last, healed: [...healed, "the head file was missing or unreadable"] };
    if (file === undefined || tornBytes > 0) return { end: CHAIN_START, healed };
    throw new ExitError(`The last line of the audit log "${folder}" cannot be read.`, {
      remedy: "Move the folder to where you keep what you want to look into, and start again.",
    });
  }
  if (last && last.seq > head.seq) {
    const what = `${linesAre(head.seq + 1, last.seq)} newer than what the head file knew`;
    return { end: last, healed: [...healed, what] };
  }
  if (last?.seq === head.seq && last.hash === head.hash) return { end: last, healed };
  const what = !last || last.seq < head.seq
    ? `${linesAre((last?.seq ?? 0) + 1, head.seq)} missing`
    : `line ${head.seq} was changed`;
  return { end: head, healed: [...healed, `${what}: see \`trellis audit verify\``] };
}

class FolderFiles implements AuditFiles {
  readonly #folder: string;
  readonly #rotation: Rotation;
  readonly #head: Deno.FsFile;
  #file: Deno.FsFile | undefined;
  #bytes = 0;
  #sinceMicros: number | undefined;
  #isReserved = false;

  constructor(folder: string, rotation: Rotation, head: Deno.FsFile) {
    this.#folder = folder;
    this.#rotation = rotation;
    this.#head = head;
  }

  async open({ file, wholeBytes, firstTime }: Found): Promise<void> {
    if (file !== undefined) {
      this.#file = await Deno.open(join(this.#folder, file), { read: true, write: true });
      await this.#file.truncate(wholeBytes);
      this.#bytes = wholeBytes;
      if (firstTime !== undefined) this.#sinceMicros = Date.parse(firstTime) * 1_000;
    }
  }

  async append(lines: readonly string[], end: ChainEnd, nowMicros: number): Promise<void> {
    const file = await this.#fileFor(end.seq - lines.length + 1, nowMicros);
    const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
    try {
      await file.seek(this.#bytes, Deno.SeekMode.Start);
      for (let sent = 0; sent < bytes.length;) sent += await file.write(bytes.subarray(sent));
      await file.syncData();
    } catch (error) {
      await file.truncate(this.#bytes).catch(() => {});
      throw error;
    }
    this.#bytes += bytes.length;
    await this.#writeHead(end);
  }

  /**
   * Neither synced nor needed: one that says an older line, or nothing, is put right at the next line
   * or start, while lines that are written must not be written again.
   */
  async #writeHead(end: ChainEnd): Promise<void> {
    try {
      await this.#head.seek(0, Deno.SeekMode.Start);
      await this.#head.write(new TextEncoder().encode(encodeHead(end)));
    } catch {
      // The disk is full, say: whoever writes the next line will hear of it.
    }
  }

  async release(): Promise<void> {
    if (!this.#isReserved) return;
    this.#isReserved = false;
    await Deno.remove(join(this.#folder, RESERVE_NAME));
  }

  async secure(): Promise<void> {
    if (this.#isReserved) return;
    const path = join(this.#folder, RESERVE_NAME);
    using file = await Deno.open(path, { create: true, truncate: true, write: true, mode: 0o600 });
    const bytes = new Uint8Array(RESERVE_BYTES);
    for (let sent = 0; sent < bytes.length;) sent += await file.write(bytes.subarray(sent));
    await file.syncData();
    this.#isReserved = true;
  }

  async close(): Promise<void> {
    await this.#head.syncData();
    this.#head.close();
    this.#file?.close();
  }

  async #fileFor(seq: number, nowMicros: number): Promise<Deno.FsFile> {
    const { maxBytes, maxAgeMicros } = this.#rotation;
    this.#sinceMicros ??= nowMicros;
    const isFull = this.#bytes >= maxBytes || nowMicros - this.#sinceMicros >= maxAgeMicros;
    if (this.#file && !(isFull && this.#bytes > 0)) return this.#file;
    const path = join(this.#folder, auditFileName(seq));
    const file = await Deno.open(path, {
      ...{ create: true, truncate: true, read: true, write: true, mode: 0o600 },
    });
    this.#file?.close();
    [this.#file, this.#bytes, this.#sinceMicros] = [file, 0, nowMicros];
    return file;
  }
}
