/**
 * A ServerApp process and a CLI in one, as far as they call the SuperLink: they do what a test tells
 * them, honest or not.
 *
 * @module
 */

import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { Control } from "../../proto/gen/flwr/proto/control_pb.ts";
import type { Run } from "../../proto/gen/flwr/proto/run_pb.ts";
import { ServerAppIo } from "../../proto/gen/flwr/proto/serverappio_pb.ts";
import type { Address } from "../../wire/address.ts";
import { GrpcChannel } from "../../wire/grpc/client.ts";
import { testFab } from "./test_fab.ts";
import type { Carried } from "./test_messages.ts";

/** What a test starts a client for. */
export interface AppClientTarget {
  readonly serverAppAddress: Address;
  readonly controlAddress: Address;
}

/** The SuperLink's own node id in object calls. */
export const SUPERLINK = { nodeId: 1n } as const;

/** One connection to each of the two APIs; the end of its `using` block closes them. */
export class AppClient implements Disposable {
  readonly method = ServerAppIo.method;
  readonly #serverApps: GrpcChannel;
  readonly #control: GrpcChannel;

  constructor({ serverAppAddress, controlAddress }: AppClientTarget) {
    this.#serverApps = new GrpcChannel(serverAppAddress, { insecure: true });
    this.#control = new GrpcChannel(controlAddress, { insecure: true });
  }

  /** Calls the ServerAppIo API. */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    signal?: AbortSignal,
  ): Promise<MessageShape<O>> {
    return this.#serverApps.unary(method, request, { signal });
  }

  /** Calls the Control API. */
  control<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    return this.#control.unary(method, request);
  }

  /** Calls a streaming method of the Control API. */
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    signal?: AbortSignal,
  ): AsyncGenerator<MessageShape<O>> {
    return this.#control.serverStream(method, request, { signal });
  }

  /** Starts a run; it is pending. */
  async startRun(fab: Uint8Array = testFab()): Promise<bigint> {
    const request = { fab: { content: fab }, federation: "default" };
    const { runId } = await this.control(Control.method.startRun, request);
    if (runId === undefined) throw new Error("The run was not started.");
    return runId;
  }

  /** Takes a pending run's token, as SuperExec does. */
  async requestToken(runId: bigint): Promise<string> {
    return (await this.call(this.method.requestToken, { runId })).token;
  }

  /** Starts a run and brings it as far as `running`. */
  async running(fab?: Uint8Array): Promise<{ runId: bigint; token: string }> {
    const runId = await this.startRun(fab);
    const token = await this.requestToken(runId);
    await this.call(this.method.pullAppInputs, { token });
    return { runId, token };
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
    const { status } = await this.run(runId);
    const { status: name, subStatus, details } = status ?? {};
    return [name, subStatus, details].filter((part) => part).join(":");
  }

  async stop(runId: bigint): Promise<void> {
    await this.control(Control.method.stopRun, { runId });
  }

  /** Reports how the run ended, as `flwr-serverapp` does last. */
  async finish(runId: bigint, subStatus = "completed", details = ""): Promise<void> {
    const runStatus = { status: "finished", subStatus, details };
    await this.call(this.method.updateRunStatus, { runId, runStatus });
  }

  async log(runId: bigint, ...logs: string[]): Promise<void> {
    await this.call(this.method.pushLogs, { node: { nodeId: 0n }, runId, logs });
  }

  /** Pushes messages without their objects; gives the answer. */
  push(runId: bigint, ...carried: readonly Carried[]) {
    return this.call(this.method.pushMessages, {
      runId,
      messagesList: carried.map(({ message }) => message),
      messageObjectTrees: carried.map(({ tree }) => tree),
    });
  }

  async pushObject(runId: bigint, objectId: string, objectContent: Uint8Array): Promise<boolean> {
    const request = { node: SUPERLINK, runId, objectId, objectContent };
    return (await this.call(this.method.pushObject, request)).stored;
  }

  /** Pushes messages and the objects that the answer asks for; gives the message ids. */
  async send(runId: bigint, ...carried: readonly Carried[]): Promise<string[]> {
    const { messageIds, objectsToPush } = await this.push(runId, ...carried);
    const contents = new Map(carried.flatMap(({ contents }) => [...contents]));
    for (const objectId of objectsToPush) {
      const content = contents.get(objectId);
      if (!content || !await this.pushObject(runId, objectId, content)) {
        throw new Error(`Object ${objectId} was not stored.`);
      }
    }
    return messageIds;
  }

  /** Asks for the replies to instructions. */
  pull(runId: bigint, messageIds: readonly string[], signal?: AbortSignal) {
    const request = { runId, messageIds: [...messageIds] };
    return this.call(this.method.pullMessages, request, signal);
  }

  pullObject(runId: bigint, objectId: string) {
    return this.call(this.method.pullObject, { node: SUPERLINK, runId, objectId });
  }

  async confirm(runId: bigint, messageObjectId: string): Promise<void> {
    await this.call(this.method.confirmMessageReceived, {
      node: SUPERLINK,
      runId,
      messageObjectId,
    });
  }

  [Symbol.dispose](): void {
    this.#serverApps.close();
    this.#control.close();
  }
}
