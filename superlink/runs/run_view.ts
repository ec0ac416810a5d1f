import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { formatTimestamp } from "../../keys/timestamp.ts";
import {
  type StartRunRequest,
  StartRunRequestSchema,
} from "../../proto/gen/flwr/proto/control_pb.ts";
import type { RunSchema, RunStatusSchema } from "../../proto/gen/flwr/proto/run_pb.ts";
import type { RunRow } from "../state/layout.ts";

/** A run as all APIs show it. Times that are not set are empty texts, as Flower has them. */
export function runView(row: RunRow): MessageInitShape<typeof RunSchema> {
  return {
    runId: row.runId,
    fabId: row.fabId,
    fabVersion: row.fabVersion,
    overrideConfig: overridesOf(row),
    fabHash: row.fabHash,
    pendingAt: formatTimestamp(row.pendingAt),
    startingAt: time(row.startingAt),
    runningAt: time(row.runningAt),
    finishedAt: time(row.finishedAt),
    status: runStatusView(row),
    flwrAid: row.accountId,
    federation: row.federation,
    bytesSent: BigInt(row.bytesSent),
    bytesRecv: BigInt(row.bytesReceived),
    clientappRuntime: row.clientAppRuntimeS,
    primaryTaskType: "flwr-serverapp",
    // SuperNodes from 1.31 on keep the state of ClientApps by series: one of its own for each run.
    seriesId: row.runId,
  };
}

/** A run's status as all APIs show it. */
export function runStatusView(row: RunRow): MessageInitShape<typeof RunStatusSchema> {
  return { status: row.status, subStatus: row.end ?? "", details: row.details };
}

/** The overridden config values as a row keeps them. */
export function packOverrides(overrideConfig: StartRunRequest["overrideConfig"]): Uint8Array {
  return toBinary(StartRunRequestSchema, create(StartRunRequestSchema, { overrideConfig }));
}

function overridesOf(row: RunRow): StartRunRequest["overrideConfig"] {
  return fromBinary(StartRunRequestSchema, row.overrides).overrideConfig;
}

function time(micros: number | undefined): string {
  return micros === undefined ? "" : formatTimestamp(micros);
}
