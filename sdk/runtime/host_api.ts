import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { MessageSchema, ObjectTreeSchema } from "../../proto/gen/flwr/proto/message_pb.ts";
import type { CarriedObject } from "../../records/carry_room.ts";
import type { Envelope, PushAnswer, ServerAppApi } from "../server_app_api.ts";
import { handOver } from "./hand_over.ts";
import type { Answer, Call, Calls, EncodedEnvelope, WorkerMessage } from "./protocol.ts";

/** Sends to the host; the buffers of `transfer` are handed over and not copied. */
export type PostToHost = (message: WorkerMessage, transfer?: ArrayBuffer[]) => void;

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** The calls of a ServerApp, or the pushes of a ClientApp, made by the host on the app's behalf. */
export class HostApi implements ServerAppApi {
  readonly #post: PostToHost;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(post: PostToHost) {
    this.#post = post;
  }

  /** Takes an answer of the host. */
  settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.kind === "answer") waiting?.resolve(answer.answer);
    else waiting?.reject(new Error(answer.reason));
  }

  async getNodeIds(): Promise<readonly bigint[]> {
    return await this.#ask<"getNodeIds">((id) => ({
      kind: "call",
      id,
      method: "getNodeIds",
      request: null,
    }));
  }

  async pushMessages(
    envelopes: readonly Envelope[],
    carried: readonly CarriedObject[],
  ): Promise<PushAnswer> {
    const request = envelopes.map(encodeEnvelope);
    return await this.#ask<"pushMessages">((id) => ({
      kind: "call",
      id,
      method: "pushMessages",
      request,
      carried,
    }));
  }

  async pushObject(objectId: string, content: Uint8Array): Promise<void> {
    const transfer: ArrayBuffer[] = [];
    const request = { objectId, content: handOver(content, transfer) };
    await this.#ask<"pushObject">(
      (id) => ({ kind: "call", id, method: "pushObject", request }),
      transfer,
    );
  }

  async pullMessages(messageIds: readonly string[]): Promise<readonly Envelope[]> {
    const envelopes = await this.#ask<"pullMessages">((id) => ({
      kind: "call",
      id,
      method: "pullMessages",
      request: messageIds,
    }));
    return envelopes.map(decodeEnvelope);
  }

  async pullObject(objectId: string): Promise<Uint8Array | undefined> {
    const content = await this.#ask<"pullObject">((id) => ({
      kind: "call",
      id,
      method: "pullObject",
      request: objectId,
    }));
    return content ?? undefined;
  }

  async confirmMessage(messageId: string): Promise<void> {
    await this.#ask<"confirmMessage">((id) => ({
      kind: "call",
      id,
      method: "confirmMessage",
      request: messageId,
    }));
  }

  #ask<M extends keyof Calls>(
    makeCall: (id: number) => Call,
    transfer: ArrayBuffer[] = [],
  ): Promise<Calls[M]["answer"]> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      // The host answers each method with that method's kind of answer.
      this.#waiting.set(id, { resolve, reject });
      this.#post(makeCall(id), transfer);
    });
  }
}

/** An envelope as bytes. */
export function encodeEnvelope({ message, tree }: Envelope): EncodedEnvelope {
  return { message: toBinary(MessageSchema, message), tree: toBinary(ObjectTreeSchema, tree) };
}

/** An envelope from bytes; throws when they are not protobuf. */
export function decodeEnvelope({ message, tree }: EncodedEnvelope): Envelope {
  return { message: fromBinary(MessageSchema, message), tree: fromBinary(ObjectTreeSchema, tree) };
}
