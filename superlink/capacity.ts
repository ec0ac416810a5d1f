/**
 * How much a SuperLink takes on at once. What is more is refused on its headers, before it costs a
 * verification or the memory of its body, so that an overload makes calls come again later and does
 * not make the SuperLink slow for all.
 *
 * @module
 */

import type { Service } from "../wire/service.ts";
import { type LimitStatus, pastLimit } from "./limits.ts";

/**
 * Methods that wait for something to answer, and what carries them: they cost nothing while they do.
 * Their bodies are small.
 */
const HELD: ReadonlySet<string> = new Set([
  "PullMessages",
  "PullPendingTasks",
  "AcquireTask",
  "SendReceive",
]);

/**
 * A service that has at most `limit` calls under way at once, from their headers to their answers; those
 * that are held, and streams, only until they are judged. A call too many is answered `status`:
 * `UNAVAILABLE` for SuperNodes, which end on `RESOURCE_EXHAUSTED`.
 */
export function withinCapacity(
  service: Service,
  status: LimitStatus,
  limit: number,
): Service {
  const streams = service.descriptor.methods.filter(({ methodKind }) => methodKind !== "unary");
  const waiting = new Set([...HELD, ...streams.map(({ name }) => name)]);
  let underWay = 0;
  return {
    ...service,
    async admit(call) {
      if (underWay >= limit) {
        throw pastLimit(status, "The SuperLink has too much to do. Try again later.");
      }
      underWay++;
      let goesOn = false;
      try {
        const caller = await service.admit(call);
        goesOn = !waiting.has(call.method);
        return caller;
      } finally {
        if (goesOn) void call.ended.then(() => underWay--);
        else underWay--;
      }
    },
  };
}
