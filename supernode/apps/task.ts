/**
 * What the ClientApps of a SuperNode are described by.
 *
 * @module
 */

import type { AppProcess } from "../../apps/app_process.ts";
import type { Message, ObjectTree } from "../../proto/gen/flwr/proto/message_pb.ts";
import type { Instruction } from "../work/instruction.ts";
import type { NodeRun } from "../work/node_runs.ts";

/** What came of a message. */
export type TaskEnd =
  | {
    readonly kind: "replied";
    readonly message: Message;
    readonly tree: ObjectTree;
    readonly runtimeSeconds: number;
  }
  /** There is no app to answer any more; the reason is for the ServerApp. */
  | { readonly kind: "crashed"; readonly reason: string }
  /** Nobody waits for an answer. */
  | { readonly kind: "abandoned" };

/** The process of a ClientApp. */
export type ClientAppProcess = Pick<AppProcess, "exited" | "stop">;

/** Starts the process of a ClientApp. Fails with an error for a person when that cannot be. */
export type StartClientApp = (
  runtime: NodeRun["runtime"],
  token: string,
) => Promise<ClientAppProcess>;

/** A message that a ClientApp is to handle. */
export interface Task {
  /** How processes of Flower 1.30 and newer know it. */
  readonly taskId: bigint;
  readonly instruction: Instruction;
  readonly run: NodeRun;
  readonly ended: PromiseWithResolvers<TaskEnd>;
}

/** What one process is doing, under one token. */
export interface Session {
  readonly token: string;
  readonly runId: bigint;
  readonly closed: AbortController;
  /** Only for processes that others start; our own are watched. */
  expiresMs: number;
  process?: ClientAppProcess;
  task?: Task;
  takenMs?: number;
  reply?: { readonly message: Message; readonly tree: ObjectTree; readonly runtimeSeconds: number };
}
