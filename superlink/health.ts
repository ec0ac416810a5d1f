/**
 * What a SuperLink says of its health over gRPC (`--health-server-address`).
 *
 * The server as a whole and each of its APIs serve from its start to its stop, so that a supervisor
 * does not start a SuperLink anew whose disk is full. The service name `readiness` follows `/readyz`.
 *
 * @module
 */

import { type HealthLook, HealthWatch } from "../wire/grpc/health_watch.ts";
import { Fresh } from "./metrics/fresh.ts";
import { readiness, type ReadinessSources } from "./metrics/readiness.ts";
import type { Services } from "./services.ts";

/** The service name under which health is what `/readyz` says. */
export const READINESS = "readiness";

/** Looking costs a write of the database. */
const READINESS_MS = 1_000;

/** Those who watch a SuperLink's health. */
export function healthWatch(
  { fleet, nodeKeys, control, operators, serverApps }: Services,
  sources: ReadinessSources,
): HealthWatch {
  const ready = new Fresh(() => readiness(sources), READINESS_MS);
  const apis = [fleet, nodeKeys, control, ...operators, serverApps];
  const looks = new Map<string, HealthLook>([
    ["", sources.isServing],
    ...apis.map(({ descriptor }) => [descriptor.typeName, sources.isServing] as const),
    [READINESS, async () => sources.isServing() && (await ready.get()).ready],
  ]);
  return new HealthWatch({ looks });
}
