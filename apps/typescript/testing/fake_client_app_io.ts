/**
 * A SuperNode's ClientAppIo with one message for one run.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { ClientAppIo } from "../../../proto/gen/flwr/proto/clientappio_pb.ts";
import type { Context, ObjectTree } from "../../../proto/gen/flwr/proto/message_pb.ts";
import { contextToProto } from "../../../records/context.ts";
import { deflateMessage } from "../../../records/deflate.ts";
import { inflateMessage } from "../../../records/inflate.ts";
import { type ContentMessage, type Message, pushedMessage } from "../../../records/message.ts";
import { postOrder } from "../../../records/object_tree.ts";
import type { FlowerRecord } from "../../../records/record_dict.ts";
import { RecordDict } from "../../../records/record_dict.ts";
import type { Address } from "../../../wire/address.ts";
import { GrpcServer } from "../../../wire/grpc/server.ts";
import { defineService } from "../../../wire/service.ts";
import { StatusError } from "../../../wire/status.ts";
import { TOKEN } from "./fake_server_app_io.ts";

/** The node that the message is for. */
export const NODE_ID = 2n ** 63n + 9n;

/** What the ClientApp is given. */
export interface FakeMessage {
  readonly fab: Uint8Array;
  readonly instruction: ContentMessage;
  readonly state?: Readonly<Record<string, FlowerRecord>>;
  /** How often each object is answered as not there yet. */
  readonly lateTimes?: number;
}

/** Serves one message, and notes what its ClientApp does. */
export class FakeClientAppIo implements AsyncDisposable {
  readonly calls: string[] = [];
  outputs: Context | undefined;
  heartbeats = true;
  /** Told of each call. */
  noted: (call: string) => void = () => {};
  readonly #server = new GrpcServer({ maxMessageBytes: 64 * 1024 ** 2 });
  readonly #objects = new Map<string, Uint8Array>();
  #address: Address | undefined;
  #replyTree: ObjectTree | undefined;

  static async start(message: FakeMessage): Promise<FakeClientAppIo> {
    const fake = new FakeClientAppIo();
    fake.#server.add(fake.#service(message));
    fake.#address = await fake.#server.listen({ host: "127.0.0.1", port: 0 });
    return fake;
  }

  get address(): Address {
    if (this.#address === undefined) throw new Error("It does not listen.");
    return this.#address;
  }

  /** The reply, put together from what was pushed. */
  get reply(): Message | undefined {
    return this.#replyTree && inflateMessage(this.#replyTree.objectId, this.#objects);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.drain(1_000);
  }

  #note(call: string): void {
    if (this.calls.at(-1) !== call) this.calls.push(call);
    this.noted(call);
  }

  #service({ fab, instruction, state = {}, lateTimes = 0 }: FakeMessage) {
    const { runId } = instruction.metadata;
    const { objectId, objects, tree } = deflateMessage(instruction);
    const contents = new Map(objects.map((object) => [object.objectId, object.content()]));
    const looks = new Map<string, number>();
    const requireToken = (token: string) => {
      if (token !== TOKEN) throw new StatusError("PERMISSION_DENIED", "Invalid token.");
    };
    return defineService(ClientAppIo, () => undefined, {
      sendAppHeartbeat: () => Promise.resolve({ success: this.heartbeats }),
      pullClientAppInputs: ({ token }) => {
        this.#note("pullClientAppInputs");
        requireToken(token);
        return Promise.resolve({
          context: contextToProto({
            runId,
            nodeId: NODE_ID,
            nodeConfig: new Map([["partition-id", 1n]]),
            runConfig: new Map([["lr", 0.1]]),
            state: new RecordDict(state),
            seriesId: 0n,
          }),
          run: { runId },
          fab: { hashStr: createHash("sha256").update(fab).digest("hex"), content: fab },
        });
      },
      pullMessage: ({ token }) => {
        this.#note("pullMessage");
        requireToken(token);
        return Promise.resolve({
          messagesList: [pushedMessage(instruction, objectId)],
          messageObjectTrees: [tree],
        });
      },
      pullObject: ({ node, objectId }) => {
        this.#note("pullObject");
        if (node?.nodeId !== NODE_ID) throw new StatusError("INTERNAL", "Unexpected node.");
        const objectContent = contents.get(objectId);
        if (objectContent === undefined) return Promise.resolve({ objectFound: false });
        const look = looks.get(objectId) ?? 0;
        looks.set(objectId, look + 1);
        return Promise.resolve(
          look < lateTimes
            ? { objectFound: true, objectAvailable: false }
            : { objectFound: true, objectAvailable: true, objectContent },
        );
      },
      confirmMessageReceived: ({ messageObjectId }) => {
        this.#note(`confirm ${messageObjectId === objectId}`);
        return Promise.resolve({});
      },
      pushMessage: ({ token, messageObjectTrees: [replyTree] }) => {
        this.#note("pushMessage");
        requireToken(token);
        this.#replyTree = replyTree;
        const wanted = replyTree === undefined ? [] : postOrder(replyTree);
        return Promise.resolve({ objectsToPush: wanted.map(({ objectId }) => objectId) });
      },
      pushObject: ({ node, objectId, objectContent }) => {
        this.#note("pushObject");
        if (node?.nodeId !== NODE_ID) throw new StatusError("INTERNAL", "Unexpected node.");
        this.#objects.set(objectId, new Uint8Array(objectContent));
        return Promise.resolve({ stored: true });
      },
      pushClientAppOutputs: ({ token, context }) => {
        this.#note("pushClientAppOutputs");
        requireToken(token);
        this.outputs = context;
        return Promise.resolve({});
      },
    });
  }
}
