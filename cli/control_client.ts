/**
 * What the commands ask of a SuperLink, the same for every generation of Flower.
 *
 * @module
 */

import type { UserConfig } from "../config/user_config.ts";
import type { NodeInfo } from "../proto/gen/flwr/proto/node_pb.ts";
import type { Run } from "../proto/gen/flwr/proto/run_pb.ts";
import type { CallOptions } from "../wire/grpc/client.ts";

/** A SuperNode that is to be let in. */
export interface NewNode {
  /** SPKI PEM. */
  readonly publicKey: Uint8Array;
  readonly name?: string | undefined;
  /** Latitude and longitude in degrees, such as `52.5,13.4`. */
  readonly location?: string | undefined;
}

/** SuperNodes, and the time by the SuperLink's clock. */
export interface ListedNodes {
  readonly nodes: readonly NodeInfo[];
  readonly now: string;
}

/** Runs, and the time by the SuperLink's clock. */
export interface ListedRuns {
  readonly runs: readonly Run[];
  readonly now: string;
}

/** Which runs are to be listed. */
export interface WhichRuns {
  /** This one. */
  readonly runId?: bigint | undefined;
  /** At most so many, those that were started last; all without. */
  readonly limit?: number | undefined;
}

/** What a federation has. */
export interface FederationContents extends ListedNodes, ListedRuns {
  readonly members: readonly { readonly id: string; readonly role: string }[];
}

/** A run that is to be started. */
export interface NewRun {
  /** Absent when the SuperLink fetches the app itself. */
  readonly fab?: { readonly hash: string; readonly content: Uint8Array } | undefined;
  readonly appSpec: string;
  readonly overrides: UserConfig;
  /** As the connection has it. */
  readonly federation: string;
  /** `options.*` of the connection. */
  readonly options: UserConfig;
}

/** What follows in a run's log. */
export interface LogPiece {
  readonly logOutput: string;
  readonly latestTimestamp: number;
}

/** An open connection to a Control API. Calls throw a `StatusError` when they are refused. */
export interface ControlClient {
  /** Gives the id of the new node, 0 when there is none. */
  registerNode(node: NewNode): Promise<bigint>;
  unregisterNode(nodeId: bigint): Promise<void>;
  listNodes(): Promise<ListedNodes>;
  /** Gives their names. */
  listFederations(): Promise<readonly string[]>;
  showFederation(name: string): Promise<FederationContents>;
  /** Gives the id of the run, 0 when there is none. */
  startRun(run: NewRun): Promise<bigint>;
  /** Whether it was stopped. */
  stopRun(runId: bigint): Promise<boolean>;
  listRuns(which: WhichRuns): Promise<ListedRuns>;
  /** The log after a timestamp, followed until the run is finished. */
  streamLogs(
    log: { readonly runId: bigint; readonly afterTimestamp: number },
    options: CallOptions,
  ): AsyncIterable<LogPiece>;
  /** Gives the address of the artifacts, empty when there is none. */
  pullArtifacts(runId: bigint): Promise<string>;
}

/** The time limit of a call that carries little. Flower has none over gRPC, and waits for ever. */
export const CALL_TIMEOUT_MS = 30_000;
/** For a FAB of 10 MiB over a slow line, and a SuperLink that fetches an app first. */
export const UPLOAD_TIMEOUT_MS = 300_000;
