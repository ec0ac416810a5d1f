/**
 * What is known of each SuperNode's calls since the SuperLink started, in memory alone.
 *
 * @module
 */

import type { ObservedCall } from "../../wire/observed_call.ts";
import type { IncomingCall } from "../../wire/service.ts";
import type { FleetCaller } from "../auth/fleet_caller.ts";
import { dropOldest } from "../drop_oldest.ts";

/** The calls of one key. */
export interface Traffic {
  transport?: ObservedCall["transport"];
  /** The Flower release that it says it is; those up to 1.29 say nothing. */
  version?: string;
  /** `address:port` of its last call. */
  peer: string;
  lastCallMs: number;
  bytesIn: number;
  bytesOut: number;
}

/** Keys that are remembered; nodes without a key of their own come and go. */
const KEY_LIMIT = 50_000;
const MAX_VERSION_CHARACTERS = 64;

/** The calls of all nodes. */
export class NodeTraffic {
  readonly #ofKey = new Map<string, Traffic>();
  readonly #ofCaller = new WeakMap<object, Traffic>();

  /** A node has proved who it is. */
  admitted(caller: FleetCaller, { headers, peer }: IncomingCall): void {
    const { id } = caller.key;
    let traffic = this.#ofKey.get(id);
    if (!traffic) {
      traffic = { peer, lastCallMs: 0, bytesIn: 0, bytesOut: 0 };
      this.#ofKey.set(id, traffic);
      dropOldest(this.#ofKey, KEY_LIMIT);
    }
    traffic.peer = peer;
    traffic.lastCallMs = Date.now();
    const version = headers.text("flwr-package-version");
    if (version !== undefined) traffic.version = version.slice(0, MAX_VERSION_CHARACTERS);
    this.#ofCaller.set(caller, traffic);
  }

  /** A call has ended. */
  called({ caller, transport, bytesIn, bytesOut }: ObservedCall): void {
    const traffic = typeof caller === "object" && caller !== null
      ? this.#ofCaller.get(caller)
      : undefined;
    if (!traffic) return;
    traffic.transport = transport;
    traffic.bytesIn += bytesIn;
    traffic.bytesOut += bytesOut;
  }

  /** What is known of a key's calls. */
  of(keyId: string): Readonly<Traffic> | undefined {
    return this.#ofKey.get(keyId);
  }
}
