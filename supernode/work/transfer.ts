/**
 * Moves the objects of messages between the SuperLink and this node.
 *
 * @module
 */

import { pooledMap } from "@std/async";
import type { Message, ObjectTree } from "../../proto/gen/flwr/proto/message_pb.ts";
import { CarryRoom } from "../../records/carry_room.ts";
import { postOrder } from "../../records/object_tree.ts";
import { StatusError } from "../../wire/status.ts";
import type { Clock } from "../clock.ts";
import type { FleetClient } from "../fleet/fleet_client.ts";
import type { Confirmations } from "./confirmations.ts";
import { expiryOf, type Instruction } from "./instruction.ts";
import type { ObjectStore } from "./object_store.ts";

/** The calls that move objects and replies. */
export type TransferCalls = Pick<
  FleetClient,
  "pullObject" | "pushObject" | "pushMessages" | "confirmMessageReceived"
>;

/** Where objects are moved between. */
export interface TransferOptions {
  readonly fleet: TransferCalls;
  readonly nodeId: bigint;
  readonly objects: ObjectStore;
  readonly confirmations: Confirmations;
  readonly clock: Clock;
  /** Seconds since the epoch. */
  readonly nowSeconds: () => number;
}

/** A reply that is complete in the object store. */
export interface CompleteReply {
  readonly message: Message;
  readonly tree: ObjectTree;
  /** How long the ClientApp worked. */
  readonly runtimeSeconds: number;
}

/** Objects on their way at the same time, as in Flower: more would only hold up heartbeats. */
const PARALLEL_OBJECTS = 2;
/** While an object has not reached the SuperLink yet: the first and the longest pause, as doubled. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Fetches the missing objects of an announced instruction and confirms it. Throws what the calls
 * throw, and a `StatusError` when an object cannot be had.
 */
export async function fetchObjects(
  options: TransferOptions,
  instruction: Instruction,
  missing: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { fleet, nodeId, confirmations } = options;
  await inParallel(missing, (objectId) => fetchObject(options, instruction, objectId, signal));
  await confirmations.confirm(fleet, nodeId, instruction, signal);
}

async function fetchObject(
  { fleet, nodeId, objects, clock, nowSeconds }: TransferOptions,
  { metadata, carried }: Instruction,
  objectId: string,
  signal: AbortSignal,
): Promise<void> {
  const { runId } = metadata;
  const here = carried.get(objectId);
  if (here && objects.put(runId, objectId, here)) return;
  for (let pauseMs = FIRST_PAUSE_MS;; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    const content = await pullObject(fleet, { nodeId, runId, objectId }, signal);
    if (content) {
      if (objects.put(runId, objectId, content)) return;
      throw new StatusError("DATA_LOSS", `The object ${objectId} arrived damaged.`);
    }
    if (nowSeconds() > expiryOf(metadata)) {
      throw new StatusError("DEADLINE_EXCEEDED", `The object ${objectId} did not come in time.`);
    }
    await clock.sleep(pauseMs, signal);
    signal.throwIfAborted();
  }
}

/** An object's content, `undefined` while the SuperLink does not have it yet. */
async function pullObject(
  fleet: TransferCalls,
  object: Parameters<TransferCalls["pullObject"]>[0],
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  try {
    const { objectFound, objectAvailable, objectContent } = await fleet.pullObject(object, signal);
    if (objectAvailable) return objectContent;
    if (objectFound) return undefined;
  } catch (error) {
    // Flower up to 1.26.0 fails this way instead of saying that the object is not there yet.
    const isEarly = error instanceof StatusError &&
      /bytes_sent and bytes_recv cannot be zero/.test(error.message);
    if (isEarly) return undefined;
    throw error;
  }
  throw new StatusError("NOT_FOUND", `The SuperLink does not have the object ${object.objectId}.`);
}

/** Sends a reply and those of its objects that the SuperLink lacks. Throws what the calls throw. */
export async function sendReply(
  { fleet, nodeId, objects }: TransferOptions,
  { metadata: { runId }, carryBytes }: Instruction,
  { message, tree, runtimeSeconds }: CompleteReply,
  signal: AbortSignal,
): Promise<void> {
  // Children first, as Flower sends them.
  const objectIds = postOrder(tree).map(({ objectId }) => objectId);
  const { objectsToPush, sessionId } = await fleet.pushMessages(nodeId, {
    messagesList: [message],
    messageObjectTrees: [tree],
    clientappRuntimeList: [runtimeSeconds],
    carriedObjects: objects.carried(runId, objectIds, new CarryRoom(carryBytes)),
  }, signal);
  const wanted = new Set(objectsToPush);
  await inParallel(objectIds.filter((id) => wanted.has(id)), async (objectId) => {
    const found = objects.get(runId, objectId);
    const stored = found.state === "stored" &&
      await fleet.pushObject({ nodeId, runId, objectId }, found.content, sessionId, signal);
    if (stored) return;
    throw new StatusError("DATA_LOSS", `The SuperLink did not take the object ${objectId}.`);
  });
}

/** Does the work for each id, a few at a time; ends with the first error. */
async function inParallel(
  objectIds: readonly string[],
  work: (objectId: string) => Promise<void>,
): Promise<void> {
  try {
    await Array.fromAsync(pooledMap(PARALLEL_OBJECTS, objectIds, work));
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  }
}
