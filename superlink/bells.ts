/**
 * Wakes calls that wait for something: a caller listens to topics, and whoever makes that thing
 * happen rings them. Ringing a topic that nobody listens to costs nothing.
 *
 * @module
 */

import { callTracer } from "../wire/call_tracer.ts";

/** Why a wait ended. */
export type WaitEnd = "rung" | "timeout" | "gone" | "stopped";

/** Timers take 31 bits of milliseconds. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** What can be waited for. */
export const topics = {
  /** A message is there for a node, or the node may not be answered any more. */
  inbox: (nodeId: bigint) => `inbox/${nodeId}`,
  /** A reply of a run is there, or one that is waited for will not come. */
  replies: (runId: bigint) => `replies/${runId}`,
  /** The run's status has changed. */
  run: (runId: bigint) => `run/${runId}`,
  /** The run's app wrote to its log. */
  log: (runId: bigint) => `log/${runId}`,
  /** The run's app reported an event. */
  events: (runId: bigint) => `events/${runId}`,
  /** A node joined, went offline or was unregistered. */
  nodes: "nodes",
  /** A run waits for its app to be started. */
  pendingRuns: "pending-runs",
} as const;

/** The topics of a SuperLink. */
export interface Bells {
  /**
   * Listens from now on. Listen first, then look whether the thing is there, then wait: what happens
   * in between is not missed. Close it with `using`.
   */
  listen(...names: string[]): Listener | Promise<Listener>;
  ring(name: string): void;
  /** Ends all waits, and every later one at once: the SuperLink stops. */
  stop(): void;
  /** How many listen in this process. */
  readonly size: number;
}

/** The topics of one process and who listens to them. */
export class LocalBells implements Bells {
  readonly #listeners = new Map<string, Set<Listener>>();
  #stopped = false;

  listen(...names: string[]): Listener {
    const listener = new Listener(() => {
      for (const name of names) {
        const set = this.#listeners.get(name);
        set?.delete(listener);
        if (set?.size === 0) this.#listeners.delete(name);
      }
    });
    for (const name of names) {
      const set = this.#listeners.get(name) ?? new Set();
      set.add(listener);
      this.#listeners.set(name, set);
    }
    if (this.#stopped) listener.end("stopped");
    return listener;
  }

  ring(name: string): void {
    for (const listener of this.#listeners.get(name) ?? []) listener.end("rung");
  }

  stop(): void {
    this.#stopped = true;
    for (const set of this.#listeners.values()) {
      for (const listener of set) listener.end("stopped");
    }
  }

  get size(): number {
    let size = 0;
    for (const set of this.#listeners.values()) size += set.size;
    return size;
  }
}

/** One caller's ear on its topics. */
export class Listener implements Disposable {
  readonly #closing: (() => void)[];
  #heard: WaitEnd | undefined;
  #wake: ((end: WaitEnd) => void) | undefined;

  constructor(close: () => void) {
    this.#closing = [close];
  }

  /** Waits until a topic is rung, or was since the last wait; at most until `deadlineMs`. */
  wait(deadlineMs: number, gone: AbortSignal): Promise<WaitEnd> {
    const heard = this.#heard;
    if (heard !== "stopped") this.#heard = undefined;
    if (heard) return Promise.resolve(heard);
    if (gone.aborted) return Promise.resolve("gone");
    const { promise, resolve } = Promise.withResolvers<WaitEnd>();
    const left = () => this.#finish("gone");
    const waitsNoMore = callTracer?.waits();
    const waitMs = Math.min(Math.max(0, deadlineMs - Date.now()), LONGEST_WAIT_MS);
    const timer = setTimeout(() => this.#finish("timeout"), waitMs);
    gone.addEventListener("abort", left);
    this.#wake = (end) => {
      clearTimeout(timer);
      gone.removeEventListener("abort", left);
      waitsNoMore?.();
      resolve(end);
    };
    return promise;
  }

  /** Ends the wait, or the next one if there is none. */
  end(why: WaitEnd): void {
    if (!this.#finish(why) || why === "stopped") this.#heard = why;
  }

  /** Does something more when it is closed. */
  whenClosed(task: () => void): void {
    this.#closing.push(task);
  }

  [Symbol.dispose](): void {
    for (const close of this.#closing) close();
  }

  #finish(why: WaitEnd): boolean {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.(why);
    return wake !== undefined;
  }
}
