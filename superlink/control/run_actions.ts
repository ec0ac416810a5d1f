/**
 * What accounts may do with runs, whichever Control API they call.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { componentRuntime } from "../../apps/typescript/bundle_paths.ts";
import { FabError } from "../../fab/fab_error.ts";
import { type Fab, MAX_FAB_BYTES, readFab } from "../../fab/read_fab.ts";
import type {
  StartRunRequest,
  StreamLogsRequest,
  StreamLogsResponseSchema,
} from "../../proto/gen/flwr/proto/control_pb.ts";
import type { Log } from "../../terminal/log.ts";
import { flowerError } from "../../wire/flower_error.ts";
import type { Call } from "../../wire/service.ts";
import { StatusError } from "../../wire/status.ts";
import { FEDERATION, isFederation } from "../accounts.ts";
import { type Bells, topics } from "../bells.ts";
import type { Clock } from "../clock.ts";
import type { Fabs } from "../runs/fabs.ts";
import { packOverrides } from "../runs/run_view.ts";
import type { Runs } from "../runs/runs.ts";
import type { NumberedEvent } from "../runs/task_events.ts";
import type { RunRow } from "../state/layout.ts";
import type { ControlCaller } from "./caller.ts";

/** What these actions work on. */
export interface RunActionOptions {
  readonly runs: Runs;
  readonly fabs: Fabs;
  readonly bells: Bells;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a log stream waits before it looks again by itself, in milliseconds. */
  readonly holdMs: number;
}

/** What all versions of Flower say of a run that is to be started. */
export type RunStart = Pick<StartRunRequest, "fab" | "appSpec" | "federation" | "overrideConfig">;

const MICROS_PER_SECOND = 1_000_000;
/** The last words of a stopped ServerApp arrive after its run is finished. */
const LAST_WORDS_MS = 1_500;
/** Overrides are kept with the run's row; Deno KV values have at most 64 KiB. */
const MAX_OVERRIDES_BYTES = 48 * 1024;

/** So are the app's names. */
const MAX_NAME_CHARACTERS = 2_000;

/** The actions, each for runs of the caller's own account. */
export function runActions({ runs, fabs, bells, clock, log, holdMs }: RunActionOptions) {
  const requireOwnRun = async (runId: bigint, { account }: ControlCaller): Promise<RunRow> => {
    const row = await runs.get(runId);
    if (!row) throw flowerError("runNotFound");
    if (row.accountId === account.id) return row;
    throw flowerError("runOfAnotherAccount");
  };
  /** Over gRPC the sentence is all; over HTTP it explains Flower's own. */
  const refused = (grpcText: string, cause?: unknown) =>
    flowerError("invalidRunConfig", { grpcText, extra: grpcText, cause });

  return {
    requireOwnRun,

    /** The caller's runs, oldest first. */
    async ownRuns({ account }: ControlCaller): Promise<RunRow[]> {
      return (await runs.list()).filter(({ accountId }) => accountId === account.id);
    },

    async startRun(request: RunStart, caller: ControlCaller): Promise<RunRow> {
      if (request.appSpec !== "") {
        const grpcText =
          "This SuperLink does not download apps. Download the app and run it from its folder.";
        throw flowerError("appNotAvailable", { grpcText, extra: grpcText });
      }
      const content = request.fab?.content ?? new Uint8Array();
      if (content.length > MAX_FAB_BYTES) {
        throw refused(
          `FAB size exceeds maximum allowed size of ${MAX_FAB_BYTES.toLocaleString("en")} bytes.`,
        );
      }
      if (!isFederation(request.federation)) {
        const grpcText = `Federation '${request.federation}' does not exist.`;
        throw flowerError("federationNotFound", { grpcText });
      }
      const fab = openFab(content);
      const { app, hash: fabHash } = fab;
      if (`${app.fabId}${app.version}`.length > MAX_NAME_CHARACTERS) {
        throw refused("The app's publisher, name and version are too long.");
      }
      for (const key of Object.keys(request.overrideConfig)) {
        if (app.config.has(key)) continue;
        throw refused(
          `The app has no config key '${key}'. It has: ${[...app.config.keys()].join(", ")}.`,
        );
      }
      const overrides = packOverrides(request.overrideConfig);
      if (overrides.length > MAX_OVERRIDES_BYTES) throw refused("The run config is too large.");
      await fabs.put(fabHash, content);
      const run = await runs.create({
        accountId: caller.account.id,
        federation: FEDERATION,
        fabId: app.fabId,
        fabVersion: app.version,
        fabHash,
        runtime: componentRuntime(fab, "serverapp"),
        overrides,
      }, clock.nowMicros());
      log.info(
        "run.started",
        `Run ${run.runId} of ${app.fabId} ${app.version} was started by ${caller.peer}.`,
        { runId: String(run.runId), fabId: app.fabId, fabHash: run.fabHash, peer: caller.peer },
      );
      return run;
    },

    /** False when the run ended meanwhile. */
    async stopRun(runId: bigint, caller: ControlCaller): Promise<boolean> {
      const { status } = await requireOwnRun(runId, caller);
      if (status === "finished") {
        throw flowerError("runFinished", { grpcText: `Run ID ${runId} is already finished` });
      }
      const row = await runs.finish(runId, clock.nowMicros(), "stopped", "");
      if (row) {
        log.info("run.stopped", `Run ${runId} was stopped by ${caller.peer}.`, {
          runId: String(runId),
          peer: caller.peer,
        });
      }
      return row !== undefined;
    },

    /** What was logged after a time, and then what is being logged until the run is over. */
    async *streamLogs(
      { runId, afterTimestamp }: StreamLogsRequest,
      { caller, signal }: Call<ControlCaller>,
    ): AsyncGenerator<MessageInitShape<typeof StreamLogsResponseSchema>> {
      await requireOwnRun(runId, caller);
      using listener = await bells.listen(topics.run(runId), topics.log(runId));
      let cursor = cursorOf(afterTimestamp);
      for (;;) {
        const { status, end, finishedAt = 0 } = await requireOwnRun(runId, caller);
        const chunks = await runs.logs.after(runId, cursor);
        const last = chunks.at(-1);
        if (last) {
          cursor = last.at;
          yield {
            logOutput: chunks.map(({ text }) => text).join(""),
            latestTimestamp: cursor / MICROS_PER_SECOND,
          };
          continue;
        }
        let waitMs = holdMs;
        if (status === "finished") {
          const graceMs = end === "completed" ? 0 : LAST_WORDS_MS;
          waitMs = graceMs - (clock.nowMicros() - finishedAt) / 1000;
          if (waitMs <= 0) return;
        }
        const why = await listener.wait(Date.now() + Math.min(waitMs, holdMs), signal);
        if (why === "gone") return;
        if (why === "stopped" && status !== "finished") throw stopping();
      }
    },

    /** The events of a run with higher numbers, and then those that come until the run is over. */
    async *streamEvents(
      { runId, afterId }: { readonly runId: bigint; readonly afterId: number },
      { caller, signal }: Call<ControlCaller>,
    ): AsyncGenerator<NumberedEvent> {
      await requireOwnRun(runId, caller);
      using listener = await bells.listen(topics.run(runId), topics.events(runId));
      let cursor = afterId;
      for (;;) {
        const { status } = await requireOwnRun(runId, caller);
        const events = await runs.events.list(runId, { afterId: cursor });
        yield* events;
        cursor = events.at(-1)?.id ?? cursor;
        if (status === "finished") return;
        if (events.length > 0) continue;
        const why = await listener.wait(Date.now() + holdMs, signal);
        if (why === "gone") return;
        if (why === "stopped") throw stopping();
      }
    },
  };

  function openFab(content: Uint8Array): Fab {
    try {
      return readFab(content);
    } catch (error) {
      if (error instanceof FabError) throw refused(error.message, error);
      throw error;
    }
  }
}

/** An end without an error would say that the run is over. */
function stopping(): StatusError {
  return new StatusError("UNAVAILABLE", "The SuperLink stops.");
}

/** A time that a reader gave, as a key of the log. */
function cursorOf(afterSeconds: number): number {
  const micros = Math.round(afterSeconds * MICROS_PER_SECOND) || 0;
  return Math.min(Math.max(micros, 0), Number.MAX_SAFE_INTEGER - 1);
}
