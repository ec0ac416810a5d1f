/**
 * Says in the log who was refused, why and from where, without letting a stranger fill the disk.
 *
 * @module
 */

import type { Log } from "../../terminal/log.ts";
import type { Clock } from "../clock.ts";

/** One refused call. */
export interface Refusal {
  /** In words, without a secret. */
  readonly reason: string;
  readonly method: string;
  readonly peer: string;
  /** `SHA256:…` of the key that was claimed, if one could be read. */
  readonly fingerprint?: string | undefined;
}

/** The lines of one second; more are counted and reported when the second is over. */
const LINES_PER_SECOND = 20;
const SECOND_MICROS = 1_000_000;

/** The log of refused calls. */
export class Refusals {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #seen: ((refusal: Refusal) => void) | undefined;
  #secondStart = 0;
  #lines = 0;
  #suppressed = 0;

  /** `seen` is told of each refusal, logged or not. */
  constructor(log: Log, clock: Clock, seen?: (refusal: Refusal) => void) {
    this.#log = log;
    this.#clock = clock;
    this.#seen = seen;
  }

  /** Logs a refusal. */
  refused(refusal: Refusal): void {
    this.#seen?.(refusal);
    const { reason, method, peer, fingerprint } = refusal;
    const now = this.#clock.nowMicros();
    if (Math.abs(now - this.#secondStart) >= SECOND_MICROS) this.#nextSecond(now);
    if (this.#lines >= LINES_PER_SECOND) {
      this.#suppressed++;
      return;
    }
    this.#lines++;
    const who = fingerprint === undefined ? peer : `key ${fingerprint} from ${peer}`;
    this.#log.warning("fleet.refused", `Refused ${method} of ${who}: ${reason}.`, {
      reason,
      method,
      peer,
      fingerprint,
    });
  }

  #nextSecond(nowMicros: number): void {
    if (this.#suppressed > 0) {
      this.#log.warning("fleet.refused-more", `Refused ${this.#suppressed} more calls.`, {
        count: this.#suppressed,
      });
    }
    [this.#secondStart, this.#lines, this.#suppressed] = [nowMicros, 0, 0];
  }
}
