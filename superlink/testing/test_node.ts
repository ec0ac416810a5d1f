/**
 * A SuperNode that is online and does what a test tells it with the messages of runs.
 *
 * @module
 */

import type { Message, ObjectTree } from "../../proto/gen/flwr/proto/message_pb.ts";
import { postOrder } from "../../records/object_tree.ts";
import { FleetClient, type FleetClientTarget, type Plane } from "./fleet_client.ts";
import type { Carried } from "./test_messages.ts";

/** An instruction as a node gets it. */
export interface Delivered {
  readonly messageId: string;
  readonly message: Message;
  readonly tree: ObjectTree;
}

/** A node with its connection; the end of its `using` block closes it. */
export class TestNode implements Disposable {
  readonly client: FleetClient;
  readonly nodeId: bigint;
  readonly node: { readonly nodeId: bigint };

  constructor(client: FleetClient, nodeId: bigint) {
    this.client = client;
    this.nodeId = nodeId;
    this.node = { nodeId };
  }

  /** A new node that has joined, and whose first pull, which is never held, is behind it. */
  static async join(target: FleetClientTarget, plane: Plane = "gRPC"): Promise<TestNode> {
    const client = await FleetClient.create(target, { plane });
    const node = new TestNode(client, await client.join());
    await node.pull();
    return node;
  }

  /** The same node on a connection of its own, perhaps to another start of the SuperLink. */
  async again(target: FleetClientTarget): Promise<TestNode> {
    return new TestNode(
      await FleetClient.create(target, { key: this.client.key }),
      this.nodeId,
    );
  }

  /**
   * Pulls once, which may be held; `undefined` when the answer is empty. Messages of ours may be
   * confirmed with it.
   */
  async pull(
    signal?: AbortSignal,
    confirmedMessages: readonly { readonly runId: bigint; readonly messageId: string }[] = [],
  ): Promise<Delivered | undefined> {
    const { node, client } = this;
    const request = { node, confirmedMessages: [...confirmedMessages] };
    const answer = await client.call(client.method.pullMessages, request, undefined, signal);
    const { messagesList: [message], messageObjectTrees: [tree] } = answer;
    return message && tree && { messageId: message.metadata?.messageId ?? "", message, tree };
  }

  pullObject(runId: bigint, objectId: string) {
    const { node, client } = this;
    return client.call(client.method.pullObject, { node, runId, objectId });
  }

  /** Fetches all objects of a message, by their ids. */
  async fetch({ message, tree }: Delivered): Promise<Map<string, Uint8Array>> {
    const contents = new Map<string, Uint8Array>();
    for (const { objectId } of postOrder(tree)) {
      const answer = await this.pullObject(message.metadata?.runId ?? 0n, objectId);
      if (!answer.objectAvailable) throw new Error(`Object ${objectId} is not available.`);
      contents.set(objectId, answer.objectContent);
    }
    return contents;
  }

  async confirm(runId: bigint, messageObjectId: string): Promise<void> {
    const { node, client } = this;
    await client.call(client.method.confirmMessageReceived, { node, runId, messageObjectId });
  }

  /** Pulls an instruction, fetches its objects and confirms it; fails when there is none. */
  async take(): Promise<Delivered> {
    const delivered = await this.pull();
    if (!delivered) throw new Error("There is no message for the node.");
    await this.fetch(delivered);
    await this.confirm(delivered.message.metadata?.runId ?? 0n, delivered.messageId);
    return delivered;
  }

  /** Pushes a reply without its objects; gives the answer. */
  push({ message, tree }: Carried, clientAppRuntimeS = 0) {
    const { node, client } = this;
    return client.call(client.method.pushMessages, {
      node,
      messagesList: [message],
      messageObjectTrees: [tree],
      clientappRuntimeList: [clientAppRuntimeS],
    });
  }

  async pushObject(runId: bigint, objectId: string, objectContent: Uint8Array): Promise<boolean> {
    const { node, client } = this;
    const request = { node, runId, objectId, objectContent };
    return (await client.call(client.method.pushObject, request)).stored;
  }

  /** Pushes a reply and the objects that the answer asks for; gives their ids. */
  async reply(carried: Carried): Promise<string[]> {
    const { objectsToPush } = await this.push(carried);
    for (const objectId of objectsToPush) {
      const content = carried.contents.get(objectId);
      if (!content || !await this.pushObject(carried.metadata.runId, objectId, content)) {
        throw new Error(`Object ${objectId} was not stored.`);
      }
    }
    return objectsToPush;
  }

  /** Goes offline. */
  async leave(): Promise<void> {
    await this.client.deactivate(this.nodeId);
  }

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]();
  }
}
