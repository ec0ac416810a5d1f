/**
 * What a SuperNode does while it is online: it pulls messages, has ClientApps handle them, and sends
 * their replies.
 *
 * @module
 */

import type { FleetClient } from "../fleet/fleet_client.ts";
import type { Refusal } from "../fleet/refusal.ts";
import { untilAborted, within } from "../waiting.ts";
import { handle, type HandleOptions } from "./handle.ts";
import { IdleRuns, type IdleRunsOptions } from "./idle_runs.ts";
import { pull } from "./pull.ts";

/** What the work depends on. */
export interface WorkOptions extends HandleOptions, Pick<IdleRunsOptions, "runOver"> {
  readonly fleet: HandleOptions["fleet"] & Pick<FleetClient, "pullMessages">;
  /** How many messages are in hand at most. */
  readonly maxApps: number;
  /** How long a SuperNode that stops waits for its ClientApps. */
  readonly stopGraceMs: number;
}

/** How long the last replies of a SuperNode that stops may take. */
const LAST_REPLIES_MS = 3_000;
/** What is kept of a run for its next message is forgotten when none came for so long. */
const KEPT_MS = 600_000;
const STOPPED = "The SuperNode was stopped while the ClientApp worked.";

/**
 * Works until `stop` aborts, then finishes what is in hand or answers it with an error, and gives
 * `undefined`; or until the SuperLink refuses the node, and gives that refusal. When `cut` aborts, it
 * drops everything.
 */
export async function work(
  options: WorkOptions,
  stop: AbortSignal,
  cut: AbortSignal,
): Promise<Refusal | undefined> {
  const { apps, clock, log, stopGraceMs } = options;
  const inHand = new Map<string, Promise<void>>();
  const ended = new AbortController();
  const dropping = AbortSignal.any([cut, ended.signal]);
  using idle = new IdleRuns(options);
  try {
    const pulling = AbortSignal.any([stop, cut]);
    const refusal = await takeMessages(options, inHand, idle, pulling, dropping);
    if (refusal) return refusal;
    if (inHand.size > 0 && !cut.aborted) {
      log.info("work.finishing", `Finishing ${inHand.size} message(s) before the end.`);
      await within(Promise.all(inHand.values()), stopGraceMs, clock, cut);
      await apps.stop(STOPPED);
      await within(Promise.all(inHand.values()), LAST_REPLIES_MS, clock, cut);
    }
    return undefined;
  } finally {
    ended.abort();
    await apps.stop(STOPPED);
    await Promise.all(inHand.values());
  }
}

/** Pulls messages and has them handled, until the SuperLink refuses the node or `pulling` aborts. */
async function takeMessages(
  options: WorkOptions,
  inHand: Map<string, Promise<void>>,
  idle: IdleRuns,
  pulling: AbortSignal,
  dropping: AbortSignal,
): Promise<Refusal | undefined> {
  const { clock, objects } = options;
  let lastMs = clock.nowMs();
  while (!pulling.aborted) {
    if (inHand.size >= options.maxApps) {
      await untilAborted(Promise.race(inHand.values()), pulling);
      continue;
    }
    const pulled = await pull(options, pulling);
    if (pulled.kind === "refused") return pulled.refusal;
    if (pulled.kind === "nothing") {
      if (clock.nowMs() - lastMs > KEPT_MS) objects.forgetKept();
      continue;
    }
    lastMs = clock.nowMs();
    const { runId, messageId } = pulled.instruction.metadata;
    // It was handed out again because our confirmation came too late.
    if (inHand.has(messageId)) continue;
    const received = Promise.withResolvers<void>();
    const done = idle.working(runId);
    const handled = handle(options, pulled.instruction, received.resolve, dropping)
      .finally(() => {
        inHand.delete(messageId);
        done();
      });
    inHand.set(messageId, handled);
    // A message that is not confirmed before the next pull counts as lost.
    await untilAborted(received.promise, pulling);
  }
  return undefined;
}
