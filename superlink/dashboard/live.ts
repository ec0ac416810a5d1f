/**
 * Tells open pages that something has changed, by server-sent events. An event says what changed and
 * not how: a page then asks for what it shows. So an event is a few bytes however large the federation
 * is, and is made once for all pages.
 *
 * @module
 */

import { PageError } from "./routes.ts";

/** The parts of a page that change, each with a number that is another one after each change. */
export type Revisions = Readonly<Record<string, number>>;

/** What is looked at. */
export interface LiveSources {
  /** Of what every page shows. */
  revisions(): Promise<Revisions>;
  /** Of one run's log. */
  logRevision(runId: bigint): Promise<number>;
  /** Told of what nobody expected. */
  failed(error: unknown): void;
}

/** Pages that are told of changes; one too many is refused and asks by itself now and then. */
export const LISTENER_LIMIT = 100;
/** How often is looked for changes, and so at most how often a page is told of any. */
const PERIOD_MS = 500;
/** A page that is told nothing is sent a line, so that one that is gone is noticed. */
const QUIET_PERIODS = 30;
/** Events that a page may be behind. */
const QUEUE_LIMIT = 20;

interface Listener {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  /** The run whose log the page shows. */
  readonly runId: bigint | undefined;
  /** Whether who opened it may still look. */
  readonly stillMay: () => Promise<boolean>;
  told: string;
  quiet: number;
}

/** The open pages of one SuperLink. */
export class Live {
  readonly #sources: LiveSources;
  readonly #listeners = new Set<Listener>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(sources: LiveSources) {
    this.#sources = sources;
  }

  /** How many pages are told. */
  get size(): number {
    return this.#listeners.size;
  }

  /**
   * Tells a page from now on, for as long as it `stillMay` look; of a run's log, too, where it shows
   * one.
   */
  listen(runId: bigint | undefined, stillMay: () => Promise<boolean>): Response {
    if (this.#stopped) throw new PageError(503, "The SuperLink is stopping.");
    if (this.#listeners.size >= LISTENER_LIMIT) {
      throw new PageError(503, "Too many pages are open.");
    }
    let listener: Listener | undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        listener = { controller, runId, stillMay, told: "", quiet: 0 };
        this.#listeners.add(listener);
        controller.enqueue(encode("retry: 3000\n\n"));
      },
      cancel: () => {
        if (listener) this.#listeners.delete(listener);
      },
    }, new CountQueuingStrategy({ highWaterMark: QUEUE_LIMIT }));
    this.#timer ??= setTimeout(() => this.#look(), 0);
    return new Response(body, {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    });
  }

  /** Lets all pages go. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const { controller } of this.#listeners) controller.close();
    this.#listeners.clear();
  }

  async #look(): Promise<void> {
    try {
      await this.#signOut();
      const revisions = await this.#sources.revisions();
      const runIds = new Set([...this.#listeners].flatMap(({ runId }) => runId ?? []));
      const logs = new Map<bigint, number>();
      for (const runId of runIds) logs.set(runId, await this.#sources.logRevision(runId));
      for (const listener of this.#listeners) {
        const { runId } = listener;
        const log = runId === undefined ? {} : { log: logs.get(runId) ?? 0 };
        this.#tell(listener, JSON.stringify({ ...revisions, ...log }));
      }
    } catch (error) {
      this.#sources.failed(error);
    }
    if (this.#stopped) return;
    this.#timer = this.#listeners.size > 0 ? setTimeout(() => this.#look(), PERIOD_MS) : undefined;
  }

  /** Lets those go who may look no more. */
  async #signOut(): Promise<void> {
    await Promise.all([...this.#listeners].map(async (listener) => {
      if (await listener.stillMay() || !this.#listeners.delete(listener)) return;
      listener.controller.enqueue(encode("event: signed-out\ndata:\n\n"));
      listener.controller.close();
    }));
  }

  #tell(listener: Listener, text: string): void {
    const { controller } = listener;
    listener.quiet = listener.told === text ? listener.quiet + 1 : 0;
    const isNews = listener.told !== text;
    if (!isNews && listener.quiet % QUIET_PERIODS !== 0) return;
    if ((controller.desiredSize ?? 0) <= 0) {
      // It does not read. Its browser connects again when it does.
      this.#listeners.delete(listener);
      controller.error(new Error("The page does not read its events."));
      return;
    }
    listener.told = text;
    controller.enqueue(encode(isNews ? `data: ${text}\n\n` : ": quiet\n\n"));
  }
}

const encoder = new TextEncoder();

function encode(text: string): Uint8Array {
  return encoder.encode(text);
}
