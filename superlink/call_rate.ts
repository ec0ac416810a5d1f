/**
 * How often the calls of an API are taken from one host, and from one caller.
 *
 * @module
 */

import type { Service } from "../wire/service.ts";
import type { StatusError } from "../wire/status.ts";
import { hostOf, PeerLimit } from "./auth/peer_limit.ts";
import type { Clock } from "./clock.ts";
import { type CallLimits, type LimitName, pastLimit } from "./limits.ts";

/** Is told of each call of a peer (`address:port`) that is not taken, and by which limit. */
export type LimitReached = (name: LimitName, perMinute: number, peer: string) => void;

/** What hosts and callers have left of an API; its services share it. */
export class CallRate {
  readonly #hosts: PeerLimit;
  readonly #keys: PeerLimit;
  readonly #limits: CallLimits;
  readonly #reached: LimitReached;

  constructor(limits: CallLimits, clock: Clock, reached: LimitReached = () => {}) {
    this.#hosts = new PeerLimit(limits.hostPerMinute, clock);
    this.#keys = new PeerLimit(limits.keyPerMinute, clock);
    this.#limits = limits;
    this.#reached = reached;
  }

  /** Takes a call of a host (`address:port`), before it is judged. Throws when there are too many. */
  takeOfHost(peer: string): void {
    if (this.#hosts.take(hostOf(peer))) return;
    const { names, hostPerMinute } = this.#limits;
    this.#reached(names.host, hostPerMinute, peer);
    throw this.#tooMany();
  }

  /** Takes a call of whoever at `peer` it is found to be of. Throws when there are too many. */
  takeOfCaller(caller: unknown, peer: string): void {
    const key = keyOf(caller);
    if (key === undefined || this.#keys.take(key)) return;
    const { names, keyPerMinute } = this.#limits;
    this.#reached(names.key, keyPerMinute, peer);
    throw this.#tooMany();
  }

  #tooMany(): StatusError {
    return pastLimit(this.#limits.status, "Too many calls. Try again later.");
  }
}

/** A service whose calls are taken so often. */
export function withinRate(service: Service, rate: CallRate): Service {
  return {
    ...service,
    async admit(call) {
      rate.takeOfHost(call.peer);
      const caller = await service.admit(call);
      rate.takeOfCaller(caller, call.peer);
      return caller;
    },
  };
}

/** What a caller is known by: a SuperNode's key, a token for the Control API, or an app's run. */
function keyOf(caller: unknown): string | undefined {
  const of = (object: unknown, name: string): unknown =>
    typeof object === "object" && object !== null ? Reflect.get(object, name) : undefined;
  const known = of(of(caller, "key"), "id") ?? of(of(caller, "holder"), "tokenId") ??
    of(caller, "runId");
  return typeof known === "string" || typeof known === "bigint" ? String(known) : undefined;
}
