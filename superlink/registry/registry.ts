/**
 * What an operator does with the nodes of the registry over the years, whatever asks for it: the RPCs
 * of `trellis.v1.Registry`, or a page.
 *
 * @module
 */

import type { Log } from "../../terminal/log.ts";
import { StatusError } from "../../wire/status.ts";
import type { Clock } from "../clock.ts";
import { callerText, type ControlCaller } from "../control/caller.ts";
import type { NodeRow } from "../state/layout.ts";
import { resumed, suspended } from "../state/node_life.ts";
import type { Node } from "../state/node.ts";
import type { Nodes } from "../state/nodes.ts";
import { changedNode, cleanUpdate, type NodeUpdate } from "./node_update.ts";
import { readNewKey, rotate } from "./rotation.ts";

/** What the registry works on. */
export interface RegistryOptions {
  readonly nodes: Nodes;
  readonly clock: Clock;
  readonly log: Log;
}

/** Flower's number for it; without one, 404 says over HTTP that there is no such method. */
const NODE_NOT_FOUND = 24;
/** The most nodes that one call may name. */
export const MAX_NODES_IN_CALL = 1_000;

/** The registry. Every action is for nodes of the caller's own account. */
export class Registry {
  readonly #nodes: Nodes;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor({ nodes, clock, log }: RegistryOptions) {
    this.#nodes = nodes;
    this.#clock = clock;
    this.#log = log;
  }

  /** The nodes with these ids, in that order, or all of the caller's, oldest first. */
  async list(caller: ControlCaller, nodeIds: readonly bigint[] = []): Promise<readonly Node[]> {
    if (nodeIds.length > 0) return await this.#find(caller, nodeIds);
    const nodes = await this.#nodes.list(this.#clock.nowMicros());
    return nodes.filter(({ row }) => row.ownerId === caller.account.id);
  }

  /**
   * Shuts nodes out until they are resumed: what they ask is refused, what waits for them stays, and
   * for their runs they are offline. Gives the rows of those that were not suspended before. Throws
   * `NOT_FOUND`, and changes nothing, when one of them is not there or was unregistered.
   */
  async suspend(caller: ControlCaller, nodeIds: readonly bigint[]): Promise<readonly NodeRow[]> {
    return await this.#changeAll(caller, nodeIds, (row, now) => suspended(row, now), {
      event: "node.suspended",
      sentence: ({ nodeId }) => `SuperNode ${nodeId} was suspended by ${callerText(caller)}.`,
    });
  }

  /** Lets nodes in again. Gives the rows of those that were suspended, and throws as `suspend`. */
  async resume(caller: ControlCaller, nodeIds: readonly bigint[]): Promise<readonly NodeRow[]> {
    return await this.#changeAll(caller, nodeIds, resumed, {
      event: "node.resumed",
      sentence: ({ nodeId }) => `SuperNode ${nodeId} was resumed by ${callerText(caller)}.`,
    });
  }

  /**
   * Changes what is said of a node: its name, place, labels and expiry. Gives the node as it is then.
   * Throws `NOT_FOUND` as `suspend`, and `INVALID_ARGUMENT` for what a node cannot have.
   */
  async update(caller: ControlCaller, nodeId: bigint, update: NodeUpdate): Promise<Node> {
    const clean = cleanUpdate(update);
    await this.#changeAll(caller, [nodeId], (row) => changedNode(row, clean), {
      event: "node.changed",
      sentence: () => `SuperNode ${nodeId} was changed by ${callerText(caller)}.`,
    });
    const [node] = await this.#find(caller, [nodeId]);
    if (!node) throw notFound([nodeId]);
    return node;
  }

  /**
   * Gives a node another key; the one that it has stays good for `graceSeconds`. Gives the node as it
   * is then. Throws as `rotate` in `rotation.ts`.
   */
  async rotateKey(
    caller: ControlCaller,
    nodeId: bigint,
    publicKeyPem: Uint8Array,
    graceSeconds: number,
  ): Promise<Node> {
    const [before] = await this.#find(caller, [nodeId]);
    if (before?.row.status === "unregistered") throw notFound([nodeId]);
    const newKey = readNewKey(publicKeyPem);
    const options = { nodes: this.#nodes, clock: this.#clock, log: this.#log };
    await rotate({ nodeId, newKey, publicKeyPem, graceSeconds, by: callerText(caller) }, options);
    const [node] = await this.#find(caller, [nodeId]);
    if (!node) throw notFound([nodeId]);
    return node;
  }

  async #changeAll(
    caller: ControlCaller,
    nodeIds: readonly bigint[],
    rule: (row: NodeRow, nowMicros: number) => NodeRow,
    { event, sentence }: Told,
  ): Promise<NodeRow[]> {
    if (nodeIds.length === 0) throw new StatusError("INVALID_ARGUMENT", "No SuperNode is named.");
    const found = await this.#find(caller, nodeIds);
    const gone = found.filter(({ row }) => row.status === "unregistered");
    if (gone.length > 0) throw notFound(gone.map(({ row }) => row.nodeId));
    const changed: NodeRow[] = [];
    for (const { row: { nodeId } } of found) {
      const now = this.#clock.nowMicros();
      const change = await this.#nodes.change(nodeId, now, (row) => rule(row, now));
      if (!change || change.before === change.after) continue;
      changed.push(change.after);
      this.#log.info(event, sentence(change.after), {
        nodeId: String(nodeId),
        fingerprint: change.after.fingerprint,
        peer: caller.peer,
      });
    }
    return changed;
  }

  async #find({ account }: ControlCaller, nodeIds: readonly bigint[]): Promise<Node[]> {
    if (nodeIds.length > MAX_NODES_IN_CALL) {
      const sentence = `At most ${MAX_NODES_IN_CALL} SuperNodes can be named at once.`;
      throw new StatusError("INVALID_ARGUMENT", sentence);
    }
    const ids = [...new Set(nodeIds)];
    const found = await Promise.all(ids.map((nodeId) => this.#nodes.get(nodeId)));
    const own = found.filter((node) => node !== undefined)
      .filter(({ row }) => row.ownerId === account.id);
    if (own.length === ids.length) return own;
    const known = new Set(own.map(({ row }) => row.nodeId));
    throw notFound(ids.filter((nodeId) => !known.has(nodeId)));
  }
}

/** What the log is told of a change. */
interface Told {
  readonly event: string;
  readonly sentence: (row: NodeRow) => string;
}

function notFound(nodeIds: readonly bigint[]): StatusError {
  const which = nodeIds.length === 1
    ? `no SuperNode with the ID ${nodeIds[0]}`
    : `no SuperNodes with the IDs ${nodeIds.join(", ")}`;
  const detail = `The SuperLink has ${which}, or unregistered it.`;
  return new StatusError("NOT_FOUND", detail, {
    http: { status: 404, code: NODE_NOT_FOUND, detail },
  });
}
