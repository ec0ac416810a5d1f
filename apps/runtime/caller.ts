/**
 * Who calls a Runtime API: an app process with the token of its task, or a SuperExec that looks for
 * tasks. The rules are the same on a SuperLink and on a SuperNode.
 *
 * @module
 */

import { Runtime } from "../../proto/gen/flwr1_41/proto/runtime_pb.ts";
import { flowerError } from "../../wire/flower_error.ts";
import type { Call, IncomingCall } from "../../wire/service.ts";
import type { SuperExecAuth, SuperExecProof } from "./superexec_auth.ts";

/**
 * Who may look for tasks: nobody where apps are started by who serves the API, anybody (Flower
 * without a secret), or who knows the secret.
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
  readonly seekers: TaskSeekers;
  /** The name of the service where it is another one (up to Flower 1.33). */
  readonly api?: string;
  /** The run of a token, as long as that is good. */
  readonly runOfToken: (token: string) => bigint | undefined | Promise<bigint | undefined>;
}

/** The header of a task's token (Flower 1.30 and newer). */
export const TASK_TOKEN_HEADER = "flwr-task-token";

const FOR_SEEKERS: ReadonlySet<string> = new Set([
  Runtime.method.acquireTask.name,
  Runtime.method.pullPendingTasks.name,
  Runtime.method.claimTask.name,
]);

/** Judges a call on its headers; throws Flower's error 1008 when it may not be made. */
export async function runtimeCaller(
  call: IncomingCall,
  { seekers, runOfToken, api }: RuntimeAdmission,
): Promise<RuntimeCaller> {
  const { patienceMs } = call;
  if (FOR_SEEKERS.has(call.method)) {
    if (seekers === "nobody") throw flowerError("taskNotAuthenticated");
    const proof = seekers === "anybody" ? undefined : seekers.judge(call, api);
    return { kind: "seeker", proof, patienceMs };
  }
  const token = call.headers.text(TASK_TOKEN_HEADER) ?? "";
  const runId = token === "" ? undefined : await runOfToken(token);
  if (runId === undefined) throw flowerError("taskNotAuthenticated");
  return { kind: "task", token, runId, patienceMs };
}

/** The caller of a method for app processes; admission has seen to it that it is one. */
export function taskOf({ caller }: Call<RuntimeCaller | undefined>): TaskCaller {
  if (caller?.kind === "task") return caller;
  throw flowerError("taskNotAuthenticated");
}

/** The caller of a method for SuperExecs; admission has seen to it that it is one. */
export function seekerOf({ caller }: Call<RuntimeCaller | undefined>): SeekerCaller {
  if (caller?.kind === "seeker") return caller;
  throw flowerError("taskNotAuthenticated");
}
