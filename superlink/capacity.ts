/**
 * How much a SuperLink takes on at once. What is more is refused on its headers, before it costs a
 * verification or the memory of its body, so that an overload makes calls come again later and does
 * not make the SuperLink slow for all.
 *
 * @module
 */

import type { Service } from "../wire/service.ts";
import { StatusError, type StatusName } from "../wire/status.ts";

/** Methods that wait for something to answer: they cost nothing while they do. */
const HELD: ReadonlySet<string> = new Set(["PullMessages", "PullPendingTasks", "AcquireTask"]);

/**
 * A service that judges at most `limit` calls at once, and works on as many. A call too many is
 * answered `status`: `UNAVAILABLE` for SuperNodes, which end on `RESOURCE_EXHAUSTED`.
 */
export function withinCapacity(
  service: Service,
  status: StatusName,
  limit: number,
): Service {
  let judged = 0;
  let working = 0;
  return {
    descriptor: service.descriptor,
    async admit(call) {
      if (judged >= limit || working >= limit) {
        throw new StatusError(status, "The SuperLink has too much to do. Try again later.");
      }
      judged++;
      try {
        return await service.admit(call);
      } finally {
        judged--;
      }
    },
    async call(method, request, caller, signal) {
      if (HELD.has(method.name)) return await service.call(method, request, caller, signal);
      working++;
      try {
        return await service.call(method, request, caller, signal);
      } finally {
        working--;
      }
    },
    stream: (method, request, caller, signal) => service.stream(method, request, caller, signal),
  };
}
