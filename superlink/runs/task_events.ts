/**
 * The events that the app of a run reports of itself (Flower 1.31 and newer), for whoever follows the
 * run. They are numbered from 1 on within a run, because a reader's cursor is such a number.
 *
 * @module
 */

import { commit, Contention } from "../state/commit.ts";
import { type EventRow, keys } from "../state/layout.ts";
import { untilUncontended } from "../state/transitions.ts";

/** What an app reports: the kind of event, and a JSON object. */
export type NewEvent = Pick<EventRow, "event" | "data">;

/** An event with its number. */
export interface NumberedEvent extends EventRow {
  readonly id: number;
}

/** Which events of a run are wanted. */
export interface WhichEvents {
  /** Those with a higher number. */
  readonly afterId?: number | undefined;
  /** Those with a lower number. */
  readonly beforeId?: number | undefined;
  /** Those of these kinds; all when there is none. */
  readonly kinds?: readonly string[];
  /** The last so many of them; all for 0. */
  readonly lastN?: number;
}

/** A Deno KV value has at most 64 KiB, and a character up to 4 bytes. */
const MAX_EVENT_CHARACTERS = 15_000;
/** More events of one run are not kept. */
export const MAX_EVENTS = 10_000;

/** The events of all runs. Those who write take turns for each run. */
export class TaskEvents {
  readonly #kv: Deno.Kv;

  constructor(kv: Deno.Kv) {
    this.#kv = kv;
  }

  /** Adds events to a run; nothing, and false, when one is malformed or there is no room for all. */
  async append(runId: bigint, events: readonly NewEvent[], nowMicros: number): Promise<boolean> {
    if (!events.every(isWellFormed)) return false;
    if (await this.#newest(runId) + events.length > MAX_EVENTS) return false;
    for (const { event, data } of events) {
      const row: EventRow = { at: nowMicros, event, data };
      await untilUncontended(() => this.#add(runId, row));
    }
    return true;
  }

  async #add(runId: bigint, row: EventRow): Promise<void> {
    const key = keys.event(runId, await this.#newest(runId) + 1);
    const operation = this.#kv.atomic().check({ key, versionstamp: null }).set(key, row);
    if (await commit(operation) === undefined) throw new Contention("A run's events");
  }

  /** The events of a run, in their order. */
  async list(
    runId: bigint,
    { afterId = 0, beforeId = Number.MAX_SAFE_INTEGER, kinds = [], lastN = 0 }: WhichEvents = {},
  ): Promise<NumberedEvent[]> {
    if (afterId >= MAX_EVENTS || beforeId <= afterId + 1) return [];
    const found: NumberedEvent[] = [];
    const range = { start: keys.event(runId, afterId + 1), end: keys.event(runId, beforeId) };
    for await (const { key, value } of this.#kv.list<EventRow>(range)) {
      if (kinds.length > 0 && !kinds.includes(value.event)) continue;
      found.push({ ...value, id: Number(key.at(-1)) });
    }
    return lastN === 0 ? found : found.slice(-lastN);
  }

  async #newest(runId: bigint): Promise<number> {
    const newest = this.#kv.list({ prefix: keys.events(runId) }, { reverse: true, limit: 1 });
    for await (const { key } of newest) return Number(key.at(-1));
    return 0;
  }
}

function isWellFormed({ event, data }: NewEvent): boolean {
  if (event.length + data.length > MAX_EVENT_CHARACTERS) return false;
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
