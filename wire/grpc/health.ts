/**
 * The gRPC health service (grpc.health.v1). `Check` is `SERVING` for any service name while the process
 * can serve, as Flower has it on `--health-server-address`; `Watch` is as gRPC describes it.
 *
 * @module
 */

import {
  Health,
  HealthCheckResponse_ServingStatus,
} from "../../proto/gen/grpc/health/v1/health_pb.ts";
import { defineService, type Service } from "../service.ts";
import type { HealthWatch } from "./health_watch.ts";

/** The health service; `isServing` is asked at each check, and `watch` by those who stay. */
export function healthService(isServing: () => boolean, watch?: HealthWatch): Service {
  const { SERVING, NOT_SERVING } = HealthCheckResponse_ServingStatus;
  return defineService(Health, () => undefined, {
    async check({ service }) {
      const serves = await watch?.looks.get(service)?.() ?? isServing();
      return { status: serves ? SERVING : NOT_SERVING };
    },
    ...watch && {
      watch: ({ service }, { signal }) => watch.follow(service, signal),
    },
  });
}
