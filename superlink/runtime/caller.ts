/**
 * Who calls the Runtime API: an app process with the token of its task, or a SuperExec that looks for
 * tasks.
 *
 * @module
 */

import { Runtime } from "../../proto/gen/flwr1_41/proto/runtime_pb.ts";
import { flowerError } from "../../wire/flower_error.ts";
import type { IncomingCall } from "../../wire/service.ts";
import type { Clock } from "../clock.ts";
import type { Runs } from "../runs/runs.ts";
import type { SuperExecAuth, SuperExecProof } from "./superexec_auth.ts";

/**
 * Who may look for tasks: nobody where the SuperLink starts apps itself, anybody (Flower without a
 * secret), or who knows the secret.
 */
export type TaskSeekers = "nobody" | "anybody" | SuperExecAuth;

/** An app process. */
export interface TaskCaller {
  readonly kind: "task";
  readonly token: string;
  readonly runId: bigint;
  readonly patienceMs: number;
}

/** A SuperExec; without a secret it has no proof. */
export interface SeekerCaller {
  readonly kind: "seeker";
  readonly proof: SuperExecProof | undefined;
  readonly patienceMs: number;
}

/** A caller of the Runtime API. */
export type RuntimeCaller = TaskCaller | SeekerCaller;

/** What callers are judged by. */
export interface RuntimeAdmission {
  readonly runs: Runs;
  readonly seekers: TaskSeekers;
  readonly clock: Clock;
}

const FOR_SEEKERS: ReadonlySet<string> = new Set([
  Runtime.method.acquireTask.name,
  Runtime.method.pullPendingTasks.name,
  Runtime.method.claimTask.name,
]);

/** Judges a call on its headers; throws Flower's error 1008 when it may not be made. */
export async function runtimeCaller(
  call: IncomingCall,
  { runs, seekers, clock }: RuntimeAdmission,
): Promise<RuntimeCaller> {
  const { patienceMs } = call;
  if (FOR_SEEKERS.has(call.method)) {
    if (seekers === "nobody") throw flowerError("taskNotAuthenticated");
    const proof = seekers === "anybody" ? undefined : seekers.judge(call);
    return { kind: "seeker", proof, patienceMs };
  }
  const token = call.headers.text("flwr-task-token") ?? "";
  const row = token === "" ? undefined : await runs.ofToken(token, clock.nowMicros());
  if (!row) throw flowerError("taskNotAuthenticated");
  return { kind: "task", token, runId: row.runId, patienceMs };
}
