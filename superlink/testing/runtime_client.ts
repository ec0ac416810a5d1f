/**
 * A ServerApp process, a SuperExec and a CLI of Flower 1.41 in one, as far as they call the SuperLink
 * over HTTP: they do what a test tells them, honest or not.
 *
 * @module
 */

import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { TASK_TOKEN_HEADER } from "../../apps/runtime/caller.ts";
import type { Run } from "../../proto/gen/flwr/proto/run_pb.ts";
import { Control } from "../../proto/gen/flwr1_41/proto/control_pb.ts";
import { Runtime } from "../../proto/gen/flwr1_41/proto/runtime_pb.ts";
import type { Address } from "../../wire/address.ts";
import { HttpChannel } from "../../wire/http/client.ts";
import { testFab } from "./test_fab.ts";
import type { Carried } from "./test_messages.ts";

/** The one type of tasks that a SuperLink of ours has. */
export const TASK_TYPE = "flwr-serverapp";

/** A task as its app knows it. */
export interface ClaimedTask {
  readonly runId: bigint;
  readonly token: string;
}

/** Who makes a call, and until when. */
export interface CallSigns {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Connections to both APIs; the end of its `using` block closes them. */
export class RuntimeClient implements Disposable {
  readonly method = Runtime.method;
  readonly #channel: HttpChannel;

  constructor({ httpAddress }: { readonly httpAddress: Address }) {
    this.#channel = new HttpChannel(httpAddress, { insecure: true });
  }

  /** Calls the Runtime API, with a token, or with other headers. */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    { token, headers = {}, signal }: CallSigns = {},
  ): Promise<MessageShape<O>> {
    const text = token === undefined ? headers : { ...headers, [TASK_TOKEN_HEADER]: token };
    return this.#channel.unary(method, request, { headers: { text }, signal });
  }

  /** Calls the Control API. */
  control<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    return this.#channel.unary(method, request);
  }

  /** Follows a run's log. */
  logs(request: MessageInitShape<typeof Control.method.streamLogs.input>) {
    return this.#channel.serverStream(Control.method.streamLogs, request);
  }

  /** Follows a run's events. */
  events(request: MessageInitShape<typeof Control.method.streamRunEvents.input>) {
    return this.#channel.serverStream(Control.method.streamRunEvents, request);
  }

  /** Starts a run; its task is pending. */
  async startRun(fab: Uint8Array = testFab()): Promise<bigint> {
    const { runId } = await this.control(Control.method.startRun, { fab: { content: fab } });
    if (runId === undefined) throw new Error("The run was not started.");
    return runId;
  }

  /** Takes a task as `flower-superexec` does since 1.39; `undefined` when there is none. */
  async acquire(supportedTaskTypes = [TASK_TYPE]): Promise<ClaimedTask | undefined> {
    const { task, token } = await this.call(this.method.acquireTask, { supportedTaskTypes });
    return task && { runId: task.runId, token };
  }

  /** Takes a task as Flower 1.35 to 1.38 do; the token is empty when somebody else has it. */
  async claim(taskId: bigint): Promise<string> {
    return (await this.call(this.method.claimTask, { taskId })).token;
  }

  /** The ids of the tasks that can be taken. */
  async pending(): Promise<bigint[]> {
    const { tasks } = await this.call(this.method.pullPendingTasks, {});
    return tasks.map(({ taskId }) => taskId);
  }

  /** Starts a run and takes its task, as far as `starting`. */
  async starting(): Promise<ClaimedTask> {
    const runId = await this.startRun();
    return { runId, token: await this.claim(runId) };
  }

  /** Starts a run and brings it as far as `running`. */
  async running(): Promise<ClaimedTask> {
    const task = await this.starting();
    await this.call(this.method.pullTaskInput, {}, task);
    return task;
  }

  /** The run as the CLI lists it. */
  async run(runId: bigint): Promise<Run> {
    const { runDict } = await this.control(Control.method.listRuns, { runId });
    const run = runDict[String(runId)];
    if (!run) throw new Error(`Run ${runId} is not listed.`);
    return run;
  }

  /** A run's status as `flwr ls` shows it, with its details. */
  async statusOf(runId: bigint): Promise<string> {
    const { status: name, subStatus, details } = (await this.run(runId)).status ?? {};
    return [name, subStatus, details].filter((part) => part).join(":");
  }

  async stop(runId: bigint): Promise<void> {
    await this.control(Control.method.stopRun, { runId });
  }

  /** Ends the task, as `flwr-serverapp` does last. */
  async finish(task: ClaimedTask, subStatus = "completed", details = ""): Promise<void> {
    await this.call(this.method.pushTaskOutput, { subStatus, details }, task);
  }

  /** Pushes messages and then the objects that the answer asks for; gives the messages' ids. */
  async send(task: ClaimedTask, ...carried: readonly Carried[]): Promise<string[]> {
    const { messageIds, objectsToPush, sessionId } = await this.call(this.method.pushMessages, {
      messagesList: carried.map(({ message }) => message),
      messageObjectTrees: carried.map(({ tree }) => tree),
    }, task);
    const contents = new Map(carried.flatMap(({ contents }) => [...contents]));
    for (const objectId of objectsToPush) {
      const { stored } = await this.call(this.method.pushObject, {
        node: { nodeId: 1n },
        runId: task.runId,
        objectId,
        objectContent: contents.get(objectId) ?? new Uint8Array(),
        sessionId,
      }, task);
      if (!stored) throw new Error(`Object ${objectId} was not stored.`);
    }
    return messageIds;
  }

  [Symbol.dispose](): void {
    this.#channel.close();
  }
}
