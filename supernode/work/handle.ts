/**
 * What happens to one message at a node, from its objects to its reply.
 *
 * @module
 */

import { ErrorCode } from "../../records/error_code.ts";
import type { Log } from "../../terminal/log.ts";
import { StatusError } from "../../wire/status.ts";
import type { ClientApps } from "../apps/client_apps.ts";
import type { TaskEnd } from "../apps/task.ts";
import { readRefusal } from "../fleet/refusal.ts";
import { makeErrorReply } from "./error_reply.ts";
import { expiryOf, type Instruction } from "./instruction.ts";
import { isOver, type NodeRun, type NodeRuns, type RunCalls, UnusableApp } from "./node_runs.ts";
import {
  type CompleteReply,
  fetchObjects,
  sendReply,
  type TransferCalls,
  type TransferOptions,
} from "./transfer.ts";

/** What the handling of a message depends on. */
export interface HandleOptions extends TransferOptions {
  readonly fleet: RunCalls & TransferCalls;
  readonly runs: NodeRuns;
  readonly apps: ClientApps;
  readonly log: Log;
}

/** How often a SuperNode asks whether the run of a message in hand still goes on. */
const RUN_CHECK_MS = 15_000;

/**
 * Handles a message; `received` is called once the SuperLink may hand out the next one. Never
 * rejects: what cannot be sent is logged. Ends soon after `cut` aborts, without a reply.
 */
export async function handle(
  options: HandleOptions,
  instruction: Instruction,
  received: () => void,
  cut: AbortSignal,
): Promise<void> {
  const { objects, log } = options;
  const { runId, messageId, messageType, groupId } = instruction.metadata;
  const about = `the ${messageType} message ${messageId.slice(0, 8)} of run ${runId}`;
  const fields = { runId: `${runId}`, messageId, messageType, groupId };
  log.info("message.received", `Received ${about}.`, fields);
  let reply: CompleteReply | undefined;
  try {
    reply = await answer(options, instruction, received, cut);
    if (!reply) {
      log.info("message.dropped", `Dropped ${about}: nobody waits for the reply.`, fields);
      return;
    }
    received();
    cut.throwIfAborted();
    await sendReply(options, instruction, reply, cut);
    const seconds = reply.runtimeSeconds.toFixed(1);
    const { error } = reply.message;
    log.info(
      "reply.sent",
      error
        ? `Sent an error as the reply to ${about}: ${error.reason}`
        : `Sent the reply to ${about}; the ClientApp took ${seconds} s.`,
      { ...fields, replyId: reply.tree.objectId, errorCode: error && `${error.code}` },
    );
  } catch (error) {
    if (cut.aborted) return;
    if (isRunOver(error)) log.info("run.over", `Dropped ${about}: ${words(error)}`, fields);
    else log.error("message.lost", `Lost ${about}: ${words(error)}`, fields);
  } finally {
    objects.retire(messageId);
    if (reply) objects.release(reply.tree.objectId);
    received();
  }
}

/** Has a message answered by a ClientApp; `undefined` when nobody waits for the answer. */
async function answer(
  options: HandleOptions,
  instruction: Instruction,
  received: () => void,
  cut: AbortSignal,
): Promise<CompleteReply | undefined> {
  const { fleet, runs, apps, objects } = options;
  const { runId, messageId } = instruction.metadata;
  let run: NodeRun;
  try {
    run = await runs.learn(fleet, runId, cut);
  } catch (error) {
    if (!(error instanceof UnusableApp)) throw error;
    return await refuse(options, instruction, ErrorCode.INVALID_FAB, error.message, cut);
  }
  const missing = objects.announce(runId, messageId, instruction.objects);
  // The process starts while the objects still come.
  const ended = apps.handle(instruction, run);
  try {
    await fetchObjects(options, instruction, missing, cut);
  } catch (error) {
    apps.abandon(instruction);
    if (cut.aborted || isRunOver(error)) throw error;
    const reason = `The SuperNode could not fetch the message: ${words(error)}`;
    return await refuse(options, instruction, ErrorCode.UNKNOWN, reason, cut);
  }
  received();
  const end = await untilEnded(options, instruction, ended, cut);
  switch (end.kind) {
    case "replied":
      return end;
    case "crashed":
      return errorReply(options, instruction, ErrorCode.CLIENT_APP_CRASHED, end.reason);
    case "abandoned":
      return undefined;
  }
}

/** An error in place of an answer by a ClientApp, for a message that is not wanted any more. */
async function refuse(
  options: HandleOptions,
  instruction: Instruction,
  code: bigint,
  reason: string,
  cut: AbortSignal,
): Promise<CompleteReply> {
  const { fleet, nodeId, confirmations } = options;
  await confirmations.confirm(fleet, nodeId, instruction, cut);
  return errorReply(options, instruction, code, reason);
}

function errorReply(
  { objects, nowSeconds }: HandleOptions,
  { metadata }: Instruction,
  code: bigint,
  reason: string,
): CompleteReply {
  objects.release(metadata.messageId);
  return makeErrorReply(objects, metadata, { code, reason }, nowSeconds());
}

/** Waits for the end, which comes early when the run is over, the message too old, or `cut`. */
async function untilEnded(
  options: HandleOptions,
  instruction: Instruction,
  ended: Promise<TaskEnd>,
  cut: AbortSignal,
): Promise<TaskEnd> {
  const done = new AbortController();
  const abandon = () => options.apps.abandon(instruction);
  if (cut.aborted) abandon();
  cut.addEventListener("abort", abandon);
  const asking = askAfterRun(options, instruction, done.signal);
  try {
    return await ended;
  } finally {
    done.abort();
    cut.removeEventListener("abort", abandon);
    await asking;
  }
}

async function askAfterRun(
  { fleet, nodeId, apps, clock, nowSeconds }: HandleOptions,
  instruction: Instruction,
  done: AbortSignal,
): Promise<void> {
  const { metadata } = instruction;
  for (;;) {
    await clock.sleep(RUN_CHECK_MS, done);
    if (done.aborted) return;
    const isUseless = nowSeconds() > expiryOf(metadata) ||
      await isOver(fleet, nodeId, metadata.runId, done);
    if (isUseless) apps.abandon(instruction);
  }
}

function isRunOver(error: unknown): boolean {
  return error instanceof StatusError && error.status === "PERMISSION_DENIED";
}

function words(error: unknown): string {
  if (error instanceof StatusError) return readRefusal(error).words;
  return error instanceof Error ? error.message : String(error);
}
