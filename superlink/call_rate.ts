/**
 * How often the calls of an API are taken from one host, and from one caller.
 *
 * @module
 */

import type { Service } from "../wire/service.ts";
import { StatusError } from "../wire/status.ts";
import { hostOf, PeerLimit } from "./auth/peer_limit.ts";
import type { Clock } from "./clock.ts";
import type { CallLimits } from "./limits.ts";

/** What hosts and callers have left of an API; its services share it. */
export class CallRate {
  readonly #hosts: PeerLimit;
  readonly #keys: PeerLimit;
  readonly #status: CallLimits["status"];

  constructor({ hostPerMinute, keyPerMinute, status }: CallLimits, clock: Clock) {
    this.#hosts = new PeerLimit(hostPerMinute, clock);
    this.#keys = new PeerLimit(keyPerMinute, clock);
    this.#status = status;
  }

  /** Takes a call of a host (`address:port`), before it is judged. Throws when there are too many. */
  takeOfHost(peer: string): void {
    if (!this.#hosts.take(hostOf(peer))) throw this.#tooMany();
  }

  /** Takes a call of whoever it is found to be of. Throws when there are too many. */
  takeOfCaller(caller: unknown): void {
    const key = keyOf(caller);
    if (key !== undefined && !this.#keys.take(key)) throw this.#tooMany();
  }

  #tooMany(): StatusError {
    const detail = "Too many calls. Try again later.";
    const status = this.#status === "UNAVAILABLE" ? 503 : 429;
    return new StatusError(this.#status, detail, { http: { status, detail } });
  }
}

/** A service whose calls are taken so often. */
export function withinRate(service: Service, rate: CallRate): Service {
  return {
    ...service,
    async admit(call) {
      rate.takeOfHost(call.peer);
      const caller = await service.admit(call);
      rate.takeOfCaller(caller);
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
