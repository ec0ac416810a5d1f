/**
 * The runs that a SuperNode works for: their apps, and the contexts that last from round to round.
 *
 * @module
 */

import { create } from "@bufbuild/protobuf";
import { componentRuntime } from "../../apps/typescript/bundle_paths.ts";
import { fuseRunConfig } from "../../config/run_config.ts";
import { type UserConfig, UserConfigError } from "../../config/user_config.ts";
import { FabError } from "../../fab/fab_error.ts";
import { readFab } from "../../fab/read_fab.ts";
import type { Fab } from "../../proto/gen/flwr/proto/fab_pb.ts";
import { type Context, ContextSchema } from "../../proto/gen/flwr/proto/message_pb.ts";
import type { Run } from "../../proto/gen/flwr/proto/run_pb.ts";
import { RecordError } from "../../records/record_error.ts";
import { userConfigFromProto, userConfigToProto } from "../../records/scalar_map.ts";
import { StatusError } from "../../wire/status.ts";
import type { FleetClient } from "../fleet/fleet_client.ts";

/** What a SuperNode knows of a run, for as long as the run goes on. */
export interface NodeRun {
  readonly run: Run;
  readonly fab: Fab;
  readonly runtime: "python" | "typescript";
  /** As the last ClientApp left it. */
  context: Context;
}

/** The calls by which a run is learned of. */
export type RunCalls = Pick<FleetClient, "getRun" | "getFab">;

/** An app that cannot be run here. The message is for the ServerApp. */
export class UnusableApp extends Error {
  override readonly name = "UnusableApp";
}

/** When more runs than this are known, those used longest ago are asked after. */
const KNOWN_RUNS = 8;
/** How many of them each time: more than the one that has come, so that those that are over go. */
const ASKED_RUNS = 2;

/** The runs of one node. */
export class NodeRuns {
  readonly nodeId: bigint;
  readonly #nodeConfig: UserConfig;
  /** The one that was used last is at the end. */
  readonly #runs = new Map<bigint, NodeRun>();

  constructor(nodeId: bigint, nodeConfig: UserConfig) {
    this.nodeId = nodeId;
    this.#nodeConfig = nodeConfig;
  }

  get(runId: bigint): NodeRun | undefined {
    return this.#runs.get(runId);
  }

  /**
   * Gives a run, asking the SuperLink the first time. Throws {@linkcode UnusableApp}, and what the
   * calls throw.
   */
  async learn(fleet: RunCalls, runId: bigint, signal: AbortSignal): Promise<NodeRun> {
    const known = this.#runs.get(runId);
    if (known) {
      this.#runs.delete(runId);
      this.#runs.set(runId, known);
      return known;
    }
    const run = await fleet.getRun(this.nodeId, runId, signal);
    const fab = await fleet.getFab(this.nodeId, runId, run.fabHash, signal);
    const learned = this.#read(run, fab);
    await this.#forgetEnded(fleet, signal);
    this.#runs.set(runId, learned);
    return learned;
  }

  /** Forgets runs that have ended, once there are many. */
  async #forgetEnded(fleet: RunCalls, signal: AbortSignal): Promise<void> {
    if (this.#runs.size <= KNOWN_RUNS) return;
    for (const [runId, known] of [...this.#runs].slice(0, ASKED_RUNS)) {
      const over = await isOver(fleet, this.nodeId, runId, signal);
      this.#runs.delete(runId);
      if (!over) this.#runs.set(runId, known);
    }
  }

  #read(run: Run, fab: Fab): NodeRun {
    try {
      const bundle = readFab(fab.content);
      const { hash, app } = bundle;
      if (hash !== run.fabHash) throw new UnusableApp("The FAB is not the one that the run names.");
      const runConfig = fuseRunConfig(app.config, userConfigFromProto(run.overrideConfig));
      const context = create(ContextSchema, {
        runId: run.runId,
        nodeId: this.nodeId,
        nodeConfig: userConfigToProto(this.#nodeConfig),
        state: {},
        runConfig: userConfigToProto(runConfig),
        seriesId: run.seriesId,
      });
      return { run, fab, runtime: componentRuntime(bundle, "clientapp"), context };
    } catch (error) {
      const isAppFault = error instanceof FabError || error instanceof UserConfigError ||
        error instanceof RecordError;
      throw isAppFault ? new UnusableApp(error.message, { cause: error }) : error;
    }
  }
}

/** Whether the SuperLink says that a run does not run any more. */
export async function isOver(
  fleet: RunCalls,
  nodeId: bigint,
  runId: bigint,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await fleet.getRun(nodeId, runId, signal);
    return false;
  } catch (error) {
    return error instanceof StatusError && error.status === "PERMISSION_DENIED";
  }
}
