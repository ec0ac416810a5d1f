import type { StatusError } from "../../wire/status.ts";
import { FailedProofs } from "../auth/failed_proofs.ts";
import type { Clock } from "../clock.ts";
import { pastLimit } from "../limits.ts";
import { hashOf } from "./secrets.ts";

/**
 * How often a host may come with a token that is none. One that was good from a host has a share of
 * its own there, so that nobody behind the same address is shut out by another's mistakes.
 */
export class TokenAttempts {
  readonly #failed: FailedProofs;

  constructor(perMinute: number, clock: Clock) {
    this.#failed = new FailedProofs(perMinute, clock);
  }

  /**
   * What `look` finds for a secret from `peer` (`address:port`), if anything. Throws
   * `RESOURCE_EXHAUSTED` when too many were sent for which there was nothing.
   */
  async try<T>(
    peer: string,
    secret: string,
    look: () => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const hash = hashOf(secret);
    if (!this.#failed.mayTry(peer, hash)) throw tooOften("Too many tokens were wrong.");
    const found = await look();
    if (found === undefined) this.#failed.failed(peer, hash);
    else this.#failed.proved(peer, hash);
    return found;
  }
}

/** Says that a peer is to come again later (RFC 6585, section 4). */
export function tooOften(why: string): StatusError {
  return pastLimit("RESOURCE_EXHAUSTED", `${why} Try again in a minute.`);
}
