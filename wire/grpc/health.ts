/**
 * The gRPC health service, as Flower serves it on `--health-server-address`: `Check` is `SERVING`
 * for any service name while the process can serve, and `Watch` is not implemented.
 *
 * @module
 */

import {
  Health,
  HealthCheckResponse_ServingStatus,
} from "../../proto/gen/grpc/health/v1/health_pb.ts";
import { defineService, type Service } from "../service.ts";

/** The health service; `isServing` is asked at each check. */
export function healthService(isServing: () => boolean): Service {
  const { SERVING, NOT_SERVING } = HealthCheckResponse_ServingStatus;
  return defineService(Health, () => undefined, {
    check: () => Promise.resolve({ status: isServing() ? SERVING : NOT_SERVING }),
  });
}
