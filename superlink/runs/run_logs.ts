/**
 * What ServerApps wrote. Chunks are stamped with the time they came, strictly increasing within a
 * run, because a reader's cursor is such a time.
 *
 * @module
 */

import { commit, Contention } from "../state/commit.ts";
import { keys } from "../state/layout.ts";
import { untilUncontended } from "../state/transitions.ts";
import { lastLine } from "./last_line.ts";

/** A chunk of a log; `at` is in microseconds since the epoch. */
export interface LogChunk {
  readonly at: number;
  readonly text: string;
}

/** A Deno KV value has at most 64 KiB, and a character up to 4 bytes. */
const CHUNK_CHARACTERS = 15_000;
/** What a run may write in all through one process, in characters; the rest is dropped with a note. */
const LOG_LIMIT_CHARACTERS = 64 * 1024 ** 2;

/** The logs of all runs. */
export class RunLogs {
  readonly #kv: Deno.Kv;
  readonly #shared: boolean;
  readonly #lastAt = new Map<bigint, number>();
  readonly #written = new Map<bigint, number>();

  /** `shared` says that other processes add to the logs, too. */
  constructor(kv: Deno.Kv, shared: boolean) {
    this.#kv = kv;
    this.#shared = shared;
  }

  /** Adds text to a run's log. */
  async append(runId: bigint, text: string, nowMicros: number): Promise<void> {
    const written = this.#written.get(runId) ?? 0;
    if (text === "" || written > LOG_LIMIT_CHARACTERS) return;
    this.#written.set(runId, written + text.length);
    const full = written + text.length > LOG_LIMIT_CHARACTERS;
    const kept = full ? `${text}\n[The log of this run is full: no more is kept.]\n` : text;
    if (this.#shared) {
      for (const chunk of chunksOf(kept)) await this.#appendShared(runId, chunk, nowMicros);
      return;
    }
    let at = this.#lastAt.get(runId) ?? await this.newest(runId);
    for (const chunk of chunksOf(kept)) {
      at = Math.max(nowMicros, at + 1);
      this.#lastAt.set(runId, at);
      await commit(this.#kv.atomic().set(keys.log(runId, at), chunk));
    }
  }

  /** The chunks after a time, oldest first, at most `limit`. */
  async after(runId: bigint, afterMicros: number, limit = 200): Promise<LogChunk[]> {
    const start = keys.log(runId, afterMicros + 1);
    const end = keys.log(runId, Number.MAX_SAFE_INTEGER);
    const chunks: LogChunk[] = [];
    for await (const { key, value } of this.#kv.list<string>({ start, end }, { limit })) {
      chunks.push({ at: Number(key.at(-1)), text: value });
    }
    return chunks;
  }

  /** What the log says last of the app itself, for the reason of a failure. */
  async lastLine(runId: bigint): Promise<string | undefined> {
    let tail = "";
    const newestFirst = this.#kv.list<string>({ prefix: keys.logs(runId) }, {
      reverse: true,
      limit: 20,
    });
    for await (const { value } of newestFirst) tail = value + tail;
    return lastLine(tail);
  }

  /** Forgets what is known of a run that will not write any more. */
  forget(runId: bigint): void {
    this.#lastAt.delete(runId);
    this.#written.delete(runId);
  }

  /** A reader that has seen the end of the log must not miss what comes after it. */
  async #appendShared(runId: bigint, chunk: string, nowMicros: number): Promise<void> {
    const key = keys.logEnd(runId);
    await untilUncontended(async () => {
      const end = await this.#kv.get<number>(key);
      const at = Math.max(nowMicros, (end.value ?? 0) + 1);
      const operation = this.#kv.atomic().check(end).set(key, at).set(keys.log(runId, at), chunk);
      if (await commit(operation) === undefined) throw new Contention("A run's log");
    });
  }

  /** When the run last wrote; 0 when it has not. */
  async newest(runId: bigint): Promise<number> {
    for await (
      const { key } of this.#kv.list({ prefix: keys.logs(runId) }, { reverse: true, limit: 1 })
    ) return Number(key.at(-1));
    return 0;
  }
}

/** Cuts text, but no character that takes two of JavaScript's. */
function* chunksOf(text: string): Generator<string> {
  for (let start = 0; start < text.length;) {
    const cut = text.slice(start, start + CHUNK_CHARACTERS);
    const chunk = cut.isWellFormed() ? cut : cut.slice(0, -1);
    yield chunk;
    start += chunk.length;
  }
}
