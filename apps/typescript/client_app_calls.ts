import { ClientAppIo } from "../../proto/gen/flwr/proto/clientappio_pb.ts";
import type { Fab } from "../../proto/gen/flwr/proto/fab_pb.ts";
import type { Context } from "../../proto/gen/flwr/proto/message_pb.ts";
import { type CarriedObject, CARRY_BYTES } from "../../records/carry_room.ts";
import { postOrder } from "../../records/object_tree.ts";
import { pullObjects } from "../../sdk/pull.ts";
import type { Envelope, PushAnswer, PushTarget } from "../../sdk/server_app_api.ts";
import { StatusError } from "../../wire/status.ts";
import type { AppCalls } from "./app_calls.ts";
import { pullObject } from "./pull_object.ts";

const { method } = ClientAppIo;

/** What a ClientApp is started with. */
export interface ClientAppInputs {
  readonly context: Context;
  readonly fab: Fab;
  /** How many bytes of objects may travel with the reply. */
  readonly carryBytes: bigint;
}

/** An instruction's id, which is its root object's, and the contents of its objects. */
export interface Instruction {
  readonly messageId: string;
  readonly contents: ReadonlyMap<string, Uint8Array>;
}

/** Pulls what the token admits to, but for the instruction. Throws a `StatusError`. */
export async function pullClientAppInputs(
  calls: AppCalls,
  token: string,
  signal: AbortSignal,
): Promise<ClientAppInputs> {
  const inputs = await calls.make(method.pullClientAppInputs, { token }, signal);
  const { context, fab, carryBytes } = inputs;
  if (context === undefined || fab === undefined) {
    throw new StatusError("INTERNAL", "The SuperNode sent no context or no FAB.");
  }
  return { context, fab, carryBytes };
}

/** Pulls the instruction that the token admits to, as soon as it is there. Throws a `StatusError`. */
export async function pullInstruction(
  calls: AppCalls,
  token: string,
  { context: { nodeId, runId } }: Pick<ClientAppInputs, "context">,
  signal: AbortSignal,
): Promise<Instruction> {
  const request = { token, carryBytes: BigInt(CARRY_BYTES) };
  const { messageObjectTrees: [tree], carriedObjects } = await calls.make(
    method.pullMessage,
    request,
    signal,
  );
  if (tree === undefined) throw new StatusError("INTERNAL", "The SuperNode sent no message.");
  const carried = new Map(carriedObjects.map(({ objectId, content }) => [objectId, content]));
  const contents = await pullObjects(postOrder(tree), async (objectId) => {
    const here = carried.get(objectId);
    if (here) return here;
    const name = { nodeId, runId, objectId };
    const content = await pullObject(calls, method.pullObject, name, signal);
    if (content !== undefined) return content;
    throw new StatusError("NOT_FOUND", `The SuperNode has no object ${objectId}.`);
  });
  const messageId = tree.objectId;
  await calls.make(
    method.confirmMessageReceived,
    { node: { nodeId }, runId, messageObjectId: messageId },
    signal,
  );
  return { messageId, contents };
}

/** Pushes a ClientApp's reply and context (ClientAppIo of Flower 1.25). Throws a `StatusError`. */
export class ClientAppCalls implements PushTarget {
  readonly #calls: AppCalls;
  readonly #token: string;
  readonly #inputs: Pick<ClientAppInputs, "context" | "carryBytes">;
  readonly #signal: AbortSignal;

  /** Calls end with the reason of `signal` when that aborts. */
  constructor(
    calls: AppCalls,
    token: string,
    inputs: Pick<ClientAppInputs, "context" | "carryBytes">,
    signal: AbortSignal,
  ) {
    this.#calls = calls;
    this.#token = token;
    this.#inputs = inputs;
    this.#signal = signal;
  }

  async pushMessages(
    envelopes: readonly Envelope[],
    carried: readonly CarriedObject[],
  ): Promise<PushAnswer> {
    const { objectsToPush } = await this.#calls.make(method.pushMessage, {
      token: this.#token,
      messagesList: envelopes.map(({ message }) => message),
      messageObjectTrees: envelopes.map(({ tree }) => tree),
      carriedObjects: this.#inputs.carryBytes > 0n ? [...carried] : [],
    }, this.#signal);
    // A SuperNode answers with no ids.
    return { messageIds: envelopes.map(({ tree }) => tree.objectId), objectsToPush };
  }

  async pushObject(objectId: string, objectContent: Uint8Array): Promise<void> {
    const { nodeId, runId } = this.#inputs.context;
    const { stored } = await this.#calls.make(
      method.pushObject,
      { node: { nodeId }, runId, objectId, objectContent },
      this.#signal,
    );
    if (!stored) {
      throw new StatusError("FAILED_PRECONDITION", `The SuperNode did not take ${objectId}.`);
    }
  }

  /** Stores the context, which makes the token invalid. */
  async pushOutputs(context: Context): Promise<void> {
    const request = { token: this.#token, context };
    await this.#calls.make(method.pushClientAppOutputs, request, this.#signal);
  }
}
