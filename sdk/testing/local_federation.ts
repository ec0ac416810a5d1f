/**
 * A federation inside one process, for tests: a ServerApp's API whose nodes run ClientApps. Messages
 * are cut into objects and put together again, as on the wire.
 *
 * @module
 */

import { deflateMessage } from "../../records/deflate.ts";
import { inflateMessage } from "../../records/inflate.ts";
import { type Message, pushedMessage } from "../../records/message.ts";
import { postOrder } from "../../records/object_tree.ts";
import { createErrorReply, createReply } from "../../records/reply.ts";
import type { UserConfig, UserConfigValue } from "../../config/user_config.ts";
import type { ClientApp } from "../client_app.ts";
import type { Context } from "../context.ts";
import { Grid } from "../grid.ts";
import type { GridClock } from "../grid_clock.ts";
import type { Envelope, PushAnswer, ServerAppApi } from "../server_app_api.ts";

/** A context with an empty state. */
export function testContext(
  nodeId: bigint,
  nodeConfig: Readonly<Record<string, UserConfigValue>> = {},
  runConfig: UserConfig = new Map(),
): Context {
  return {
    runId: 7n,
    nodeId,
    nodeConfig: new Map(Object.entries(nodeConfig)),
    runConfig,
    state: new Map(),
  };
}

/** A clock that jumps over every wait. */
export function jumpingClock(): GridClock {
  let nowMs = 1_750_000_000_000;
  return {
    nowMs: () => nowMs,
    sleep: (ms) => {
      nowMs += ms;
      return Promise.resolve();
    },
  };
}

/** The nodes, their apps, and what travels between them and the ServerApp. */
export class LocalFederation implements ServerAppApi {
  /** The names of the calls that were made, in order. */
  readonly calls: string[] = [];
  /** Nodes that never answer. */
  readonly silentNodes = new Set<bigint>();
  /** Nodes whose replies come without their objects. */
  readonly losingNodes = new Set<bigint>();
  readonly #lost = new Set<string>();
  readonly #nodes = new Map<bigint, { readonly app: ClientApp; readonly context: Context }>();
  readonly #objects = new Map<string, Uint8Array>();
  readonly #replies = new Map<string, Envelope>();
  readonly #instructions = new Map<string, Envelope>();

  /** Nodes 2, 3, … with the app, their `partition-id` counted from 0. */
  addNodes(count: number, app: ClientApp, runConfig?: UserConfig): void {
    const numPartitions = BigInt(count);
    for (let index = 0n; index < numPartitions; index++) {
      const nodeId = index + 2n;
      const nodeConfig = { "partition-id": index, "num-partitions": numPartitions };
      this.#nodes.set(nodeId, { app, context: testContext(nodeId, nodeConfig, runConfig) });
    }
  }

  /** A grid of this federation. */
  grid(clock: GridClock = jumpingClock()): Grid {
    return new Grid(7n, this, clock);
  }

  getNodeIds(): Promise<readonly bigint[]> {
    this.calls.push("getNodeIds");
    return Promise.resolve([...this.#nodes.keys()]);
  }

  pushMessages(envelopes: readonly Envelope[]): Promise<PushAnswer> {
    this.calls.push("pushMessages");
    const wanted = new Set<string>();
    const messageIds = envelopes.map((envelope) => {
      const { message, tree } = envelope;
      if (!this.#nodes.has(message.metadata?.dstNodeId ?? 0n)) return "";
      this.#instructions.set(tree.objectId, envelope);
      for (const { objectId } of postOrder(tree)) {
        if (!this.#objects.has(objectId)) wanted.add(objectId);
      }
      return tree.objectId;
    });
    return Promise.resolve({ messageIds, objectsToPush: [...wanted] });
  }

  pushObject(objectId: string, content: Uint8Array): Promise<void> {
    this.calls.push("pushObject");
    this.#objects.set(objectId, content);
    return Promise.resolve();
  }

  async pullMessages(messageIds: readonly string[]): Promise<readonly Envelope[]> {
    this.calls.push("pullMessages");
    for (const messageId of messageIds) {
      const instruction = this.#instructions.get(messageId);
      this.#instructions.delete(messageId);
      if (instruction !== undefined) await this.#work(instruction);
    }
    return messageIds.flatMap((messageId) => {
      const reply = this.#replies.get(messageId);
      this.#replies.delete(messageId);
      return reply ?? [];
    });
  }

  pullObject(objectId: string): Promise<Uint8Array | undefined> {
    this.calls.push("pullObject");
    return Promise.resolve(this.#lost.has(objectId) ? undefined : this.#objects.get(objectId));
  }

  confirmMessage(): Promise<void> {
    this.calls.push("confirmMessage");
    return Promise.resolve();
  }

  async #work({ message, tree }: Envelope): Promise<void> {
    const node = this.#nodes.get(message.metadata?.dstNodeId ?? 0n);
    if (node === undefined || this.silentNodes.has(node.context.nodeId)) return;
    const instruction = inflateMessage(tree.objectId, this.#objects);
    const nowSeconds = instruction.metadata.createdAtSeconds + 1;
    let reply: Message;
    try {
      const content = await node.app.handle(instruction, node.context);
      reply = createReply(instruction.metadata, content, { nowSeconds });
    } catch (error) {
      const reason = String(error);
      reply = createErrorReply(instruction.metadata, { code: 2n, reason }, { nowSeconds });
    }
    const deflated = deflateMessage(reply);
    for (const object of deflated.objects) this.#objects.set(object.objectId, object.content());
    if (this.losingNodes.has(node.context.nodeId)) this.#lost.add(deflated.objectId);
    this.#replies.set(instruction.metadata.messageId, {
      message: pushedMessage(reply, deflated.objectId),
      tree: deflated.tree,
    });
  }
}
