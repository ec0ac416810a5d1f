import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Fab } from "../../proto/gen/flwr/proto/fab_pb.ts";
import { type Context, ContextSchema } from "../../proto/gen/flwr/proto/message_pb.ts";
import type { Run, RunStatusSchema } from "../../proto/gen/flwr/proto/run_pb.ts";
import { ServerAppIo } from "../../proto/gen/flwr/proto/serverappio_pb.ts";
import { type CarriedObject, CARRY_BYTES } from "../../records/carry_room.ts";
import { SUPERLINK_NODE_ID } from "../../records/metadata.ts";
import type { Envelope, PushAnswer, ServerAppApi } from "../../sdk/server_app_api.ts";
import { StatusError } from "../../wire/status.ts";
import type { AppCalls } from "./app_calls.ts";
import { pullObject } from "./pull_object.ts";

const { method } = ServerAppIo;

/** What a run's ServerApp is started with. */
export interface ServerAppInputs {
  readonly context: Context;
  readonly run: Run;
  readonly fab: Fab;
  /** How many bytes of objects may travel with messages. */
  readonly carryBytes: bigint;
}

/** Pulls the inputs of the run that the token admits to. Throws a `StatusError`. */
export async function pullServerAppInputs(
  calls: AppCalls,
  token: string,
  signal: AbortSignal,
): Promise<ServerAppInputs> {
  const inputs = await calls.make(method.pullAppInputs, { token }, signal);
  const { context, run, fab, carryBytes } = inputs;
  if (run === undefined || fab === undefined) {
    throw new StatusError("INTERNAL", "The SuperLink sent no run or no FAB.");
  }
  return { context: context ?? create(ContextSchema, { runId: run.runId }), run, fab, carryBytes };
}

/** The calls of one run's ServerApp (ServerAppIo of Flower 1.25). They throw a `StatusError`. */
export class ServerAppCalls implements ServerAppApi {
  readonly #calls: AppCalls;
  readonly #runId: bigint;
  readonly #carryBytes: bigint;
  readonly #signal: AbortSignal;
  /** Objects that came with the replies of the last pull. */
  #carried = new Map<string, Uint8Array>();
  /** Whether the next pull may confirm replies: then no call waits for that. */
  #takesConfirmations = false;
  readonly #confirmedIds = new Set<string>();

  /** Calls end with the reason of `signal` when that aborts. */
  constructor(
    calls: AppCalls,
    { run, carryBytes }: Pick<ServerAppInputs, "run" | "carryBytes">,
    signal: AbortSignal,
  ) {
    this.#calls = calls;
    this.#runId = run.runId;
    this.#carryBytes = carryBytes;
    this.#signal = signal;
  }

  async getNodeIds(): Promise<readonly bigint[]> {
    const request = { runId: this.#runId };
    const { nodes } = await this.#calls.make(method.getNodes, request, this.#signal);
    return nodes.map(({ nodeId }) => nodeId);
  }

  async pushMessages(
    envelopes: readonly Envelope[],
    carried: readonly CarriedObject[],
  ): Promise<PushAnswer> {
    return await this.#calls.make(method.pushMessages, {
      runId: this.#runId,
      messagesList: envelopes.map(({ message }) => message),
      messageObjectTrees: envelopes.map(({ tree }) => tree),
      carriedObjects: this.#carryBytes > 0n ? [...carried] : [],
    }, this.#signal);
  }

  async pushObject(objectId: string, objectContent: Uint8Array): Promise<void> {
    const { stored } = await this.#calls.make(
      method.pushObject,
      { node: SUPERLINK, runId: this.#runId, objectId, objectContent },
      this.#signal,
    );
    if (!stored) {
      throw new StatusError("FAILED_PRECONDITION", `The SuperLink did not take ${objectId}.`);
    }
  }

  async pullMessages(messageIds: readonly string[]): Promise<readonly Envelope[]> {
    const confirmedIds = [...this.#confirmedIds];
    const answer = await this.#calls.make(method.pullMessages, {
      runId: this.#runId,
      messageIds: [...messageIds],
      carryBytes: BigInt(CARRY_BYTES),
      confirmedIds,
    }, this.#signal);
    const { messagesList, messageObjectTrees, carriedObjects, takesConfirmations } = answer;
    this.#takesConfirmations = takesConfirmations;
    for (const id of confirmedIds) this.#confirmedIds.delete(id);
    this.#carried = new Map(carriedObjects.map(({ objectId, content }) => [objectId, content]));
    return messagesList.map((message, index) => {
      const tree = messageObjectTrees[index];
      if (tree !== undefined) return { message, tree };
      throw new StatusError("INTERNAL", "The SuperLink sent a message without its objects' ids.");
    });
  }

  async pullObject(objectId: string): Promise<Uint8Array | undefined> {
    const here = this.#carried.get(objectId);
    if (here) {
      // The content is handed over to the app.
      this.#carried.delete(objectId);
      return here;
    }
    const name = { nodeId: SUPERLINK_NODE_ID, runId: this.#runId, objectId };
    return await pullObject(this.#calls, method.pullObject, name, this.#signal);
  }

  async confirmMessage(messageObjectId: string): Promise<void> {
    if (this.#takesConfirmations) {
      this.#confirmedIds.add(messageObjectId);
      return;
    }
    await this.#calls.make(
      method.confirmMessageReceived,
      { node: SUPERLINK, runId: this.#runId, messageObjectId },
      this.#signal,
    );
  }

  /** Adds to the run's log. */
  async pushLogs(logs: readonly string[]): Promise<void> {
    const request = { node: { nodeId: 0n }, runId: this.#runId, logs: [...logs] };
    await this.#calls.make(method.pushLogs, request, this.#signal);
  }

  /** Stores the context, which makes the token invalid. */
  async pushOutputs(token: string, context: Context): Promise<void> {
    const request = { token, runId: this.#runId, context };
    await this.#calls.make(method.pushAppOutputs, request, this.#signal);
  }

  /** Ends the run. */
  async finish(runStatus: MessageInitShape<typeof RunStatusSchema>): Promise<void> {
    const request = { runId: this.#runId, runStatus };
    await this.#calls.make(method.updateRunStatus, request, this.#signal);
  }
}

const SUPERLINK = { nodeId: SUPERLINK_NODE_ID };
