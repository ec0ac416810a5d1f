/**
 * The audit log of a SuperLink: takes entries, and writes them in batches, each line holding on to the
 * one before.
 *
 * @module
 */

import type { Log } from "../../terminal/log.ts";
import { StatusError } from "../../wire/status.ts";
import type { Clock } from "../clock.ts";
import type { AuditEntry, AuditTrail } from "./audit.ts";
import { type AuditFiles, openAuditFiles, type Rotation } from "./audit_files.ts";
import { type ChainEnd, lineAfter, lineHash } from "./audit_line.ts";
import { NoteLimit } from "./note_limit.ts";

/** An open audit log. */
export interface AuditLog extends AuditTrail, AsyncDisposable {
  /** Writes what is left, and lets go of the files. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** How the log is opened. */
export interface AuditLogOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly rotation?: Rotation;
}

/** How long a note waits for others at most, in milliseconds. */
const NOTE_DELAY_MS = 200;
/** How long is waited after a write that failed. */
const RETRY_MS = 1_000;
/** How often what was only counted is told, in milliseconds. */
const COUNT_PERIOD_MS = 60_000;
/** How often the log repeats that nothing can be written, in milliseconds. */
const REPEAT_MS = 10_000;
/** Notes that wait while nothing can be written; more are counted. */
const MAX_WAITING = 10_000;

/** Opens the log in a folder. Throws an `ExitError` when it cannot be gone on with. */
export async function openAuditLog(
  folder: string,
  { clock, log, rotation }: AuditLogOptions,
): Promise<AuditLog> {
  const { files, end, healed } = await openAuditFiles(folder, rotation);
  const trail = new FileTrail(files, end, clock, log);
  for (const what of healed) {
    log.warning("audit.healed", `Of the audit log in ${folder}, ${what}.`);
    const who = { program: "superlink" };
    trail.note({ who, action: "audit.heal", subject: { detail: what }, outcome: "done" });
  }
  return trail;
}

interface Waiting {
  readonly entry: AuditEntry;
  readonly timeMicros: number;
  readonly count?: number;
  readonly written?: () => void;
  readonly failed?: (error: unknown) => void;
}

/** {@linkcode AuditLog} on files. Exported for tests, which bring files that fail. */
export class FileTrail implements AuditLog {
  readonly #files: AuditFiles;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #limit = new NoteLimit();
  #end: ChainEnd;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #closed = false;
  #dueMs = Number.POSITIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #countedAtMs = Number.NEGATIVE_INFINITY;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(files: AuditFiles, end: ChainEnd, clock: Clock, log: Log) {
    [this.#files, this.#end, this.#clock, this.#log] = [files, end, clock, log];
  }

  async ready(): Promise<void> {
    try {
      await this.#files.secure();
    } catch (error) {
      throw this.#failure(error, "Nothing was done: the SuperLink cannot write its audit log.");
    }
  }

  async record(entry: AuditEntry): Promise<void> {
    if (entry.outcome === "refused") return this.note(entry);
    if (this.#closed) throw new StatusError("UNAVAILABLE", "The SuperLink stops.");
    await new Promise<void>((written, failed) => {
      this.#waiting.push({ entry, timeMicros: this.#clock.nowMicros(), written, failed });
      void this.#write();
    });
  }

  note(entry: AuditEntry): void {
    if (this.#closed) return;
    const timeMicros = this.#clock.nowMicros();
    if (this.#waiting.length >= MAX_WAITING) this.#limit.count(entry);
    else if (this.#limit.take(entry, timeMicros)) this.#waiting.push({ entry, timeMicros });
    this.#wake(NOTE_DELAY_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#queueCounted();
    await this.#write();
    clearTimeout(this.#timer);
    await this.#files.close();
  }

  /** Sees to what waits, after a while; sooner when that was asked for before. */
  #wake(delayMs: number): void {
    const dueMs = performance.now() + delayMs;
    if (this.#closed || dueMs >= this.#dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = setTimeout(() => {
      this.#dueMs = Number.POSITIVE_INFINITY;
      const nowMs = performance.now();
      if (nowMs - this.#countedAtMs >= COUNT_PERIOD_MS && this.#limit.hasCounted) {
        this.#countedAtMs = nowMs;
        this.#queueCounted();
      }
      void this.#write();
      if (this.#limit.hasCounted) this.#wake(COUNT_PERIOD_MS);
    }, delayMs);
  }

  #queueCounted(): void {
    const timeMicros = this.#clock.nowMicros();
    for (const counted of this.#limit.takeCounted()) this.#waiting.push({ ...counted, timeMicros });
  }

  /** Writes all that waits; one batch at a time. */
  async #write(): Promise<void> {
    while (this.#writing) await this.#writing;
    if (this.#waiting.length === 0) return;
    this.#writing = this.#writeBatch(this.#waiting.splice(0));
    await this.#writing.finally(() => this.#writing = undefined);
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    const lines: string[] = [];
    let end = this.#end;
    for (const { entry, timeMicros, count } of batch) {
      const line = lineAfter(end, entry, timeMicros, count);
      lines.push(line);
      end = { seq: end.seq + 1, hash: lineHash(line) };
    }
    try {
      await this.#append(lines, end, batch.some(({ written }) => written !== undefined));
    } catch (error) {
      const sentence = "It was done, and its line follows once the audit log can be written.";
      const failure = this.#failure(error, sentence);
      // Also what somebody waited for: a restore relies on the log to know what was shut out.
      this.#waiting.unshift(
        ...batch.map(({ entry, timeMicros, count }) => ({
          ...{ entry, timeMicros },
          ...(count === undefined ? {} : { count }),
        })),
      );
      for (const { failed } of batch) failed?.(failure);
      this.#wake(RETRY_MS);
      return;
    }
    this.#end = end;
    for (const { written } of batch) written?.();
  }

  /** What an operator did must have its line, so the room that is kept for it is used. */
  async #append(lines: readonly string[], end: ChainEnd, usesRoom: boolean): Promise<void> {
    const now = this.#clock.nowMicros();
    try {
      await this.#files.append(lines, end, now);
    } catch (error) {
      if (!usesRoom) throw error;
      this.#tell(error);
      await this.#files.release();
      await this.#files.append(lines, end, now);
    }
  }

  #failure(cause: unknown, sentence: string): StatusError {
    this.#tell(cause);
    return new StatusError("RESOURCE_EXHAUSTED", `${sentence} Is its disk full?`, { cause });
  }

  #tell(cause: unknown): void {
    const nowMs = performance.now();
    if (nowMs - this.#toldAtMs < REPEAT_MS) return;
    this.#toldAtMs = nowMs;
    const why = cause instanceof Error ? cause.message : String(cause);
    this.#log.error(
      "audit.write-failed",
      "The audit log cannot be written, what operators ask for is refused until it can: is the " +
        `disk full? ${why}`,
    );
  }
}
