/**
 * The Fleet API of a SuperLink, as one SuperNode key sees it.
 *
 * @module
 */

import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { type PrivateKey } from "../../keys/private_key.ts";
import { ProofSigner } from "../../keys/proof.ts";
import { spkiPem } from "../../keys/public_key.ts";
import type { Fab } from "../../proto/gen/flwr/proto/fab_pb.ts";
import {
  type ConfirmedMessage,
  Fleet,
  type PullMessagesResponse,
  type PushMessagesRequestSchema,
  type PushMessagesResponse,
} from "../../proto/gen/flwr/proto/fleet_pb.ts";
import type { PullObjectResponse } from "../../proto/gen/flwr/proto/message_pb.ts";
import type { Run } from "../../proto/gen/flwr/proto/run_pb.ts";
import { CARRY_BYTES } from "../../records/carry_room.ts";
import { StatusError, type StatusName } from "../../wire/status.ts";
import { versionMetadata } from "../../wire/version_metadata.ts";
import type { FleetConnection } from "./fleet_connection.ts";
import { readRefusal } from "./refusal.ts";
import { retry, type RetryOptions } from "./retry.ts";
import { isTransient } from "./retry_policy.ts";
import { proofHeaders } from "../../wire/proof_headers.ts";

/** A reply as it is pushed: its message without payload, and the tree of its objects. */
export type FleetReply = Omit<
  MessageInitShape<typeof PushMessagesRequestSchema>,
  "node" | "$typeName"
>;

/** One object of one run, as it travels. */
export interface ObjectAddress {
  readonly nodeId: bigint;
  readonly runId: bigint;
  /** Lower-case hex SHA-256 of its bytes. */
  readonly objectId: string;
}

/** A message that has arrived whole. */
export type Confirmation = Pick<ConfirmedMessage, "runId" | "messageId">;

/** Flower's heartbeat interval in seconds: the SuperLink waits twice as long for the next one. */
export const HEARTBEAT_INTERVAL_S = 30;
/** Flower's time limit for one heartbeat. */
const HEARTBEAT_TIMEOUT_MS = 5_000;
/** Nothing else tells yet that a connection is dead while a SuperNode joins. */
const JOIN_TIMEOUT_MS = 30_000;
/** A SuperNode that is told to stop does not wait for a SuperLink that is gone. */
const LEAVE_TIMEOUT_MS = 3_000;

interface Options {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly isBulk?: boolean;
}

/**
 * Makes the calls of the Fleet API, each try of each with a proof of its own. A call is repeated
 * until it is answered or the limits of the retry options are used up; it throws what
 * {@linkcode retry} throws, in particular a `StatusError` for a refusal.
 */
export class FleetClient {
  readonly #key: PrivateKey;
  readonly #publicKeyPem: Uint8Array;
  readonly #connection: FleetConnection;
  readonly #retry: RetryOptions;
  #signer: ProofSigner;

  private constructor(
    key: PrivateKey,
    connection: FleetConnection,
    retry: RetryOptions,
    signer: ProofSigner,
  ) {
    this.#key = key;
    this.#publicKeyPem = new TextEncoder().encode(spkiPem(key.publicKey));
    this.#connection = connection;
    this.#retry = retry;
    this.#signer = signer;
  }

  /** A client that proves to hold `key`. */
  static async create(
    key: PrivateKey,
    connection: FleetConnection,
    retry: RetryOptions,
  ): Promise<FleetClient> {
    return new FleetClient(key, connection, retry, await ProofSigner.create(key));
  }

  /** Enters the key with the SuperLink and gives its node id. */
  async registerNode(signal: AbortSignal): Promise<bigint> {
    const request = { publicKey: this.#publicKeyPem };
    const options = { signal, timeoutMs: JOIN_TIMEOUT_MS };
    return (await this.#call(Fleet.method.registerNode, request, options)).nodeId;
  }

  /** Takes the key's node online and gives its id. */
  async activateNode(signal: AbortSignal): Promise<bigint> {
    const request = { publicKey: this.#publicKeyPem, heartbeatInterval: HEARTBEAT_INTERVAL_S };
    const options = { signal, timeoutMs: JOIN_TIMEOUT_MS };
    return (await this.#call(Fleet.method.activateNode, request, options)).nodeId;
  }

  /** Takes the node offline. Tried once, for a few seconds. */
  async deactivateNode(nodeId: bigint): Promise<void> {
    await this.#attempt(Fleet.method.deactivateNode, { nodeId }, { timeoutMs: LEAVE_TIMEOUT_MS });
  }

  /** Gives the node and its key up for ever. Tried once, for a few seconds. */
  async unregisterNode(nodeId: bigint): Promise<void> {
    await this.#attempt(Fleet.method.unregisterNode, { nodeId }, { timeoutMs: LEAVE_TIMEOUT_MS });
  }

  /**
   * Renews the node's lease; `false` when the SuperLink does not know the node. Repeated also when
   * the SuperLink is in trouble, because the next one may be accepted.
   */
  async sendHeartbeat(nodeId: bigint, signal: AbortSignal): Promise<boolean> {
    const request = { node: { nodeId }, heartbeatInterval: HEARTBEAT_INTERVAL_S };
    const options = { signal, timeoutMs: HEARTBEAT_TIMEOUT_MS };
    return (await this.#call(Fleet.method.sendNodeHeartbeat, request, options, isRetriedInTrouble))
      .success;
  }

  /**
   * At most one message for the node. The SuperLink may hold the answer back until there is one.
   * Repeated also when the SuperLink is in trouble. `confirmedMessages` have arrived whole.
   */
  pullMessages(
    nodeId: bigint,
    confirmedMessages: readonly Confirmation[],
    signal: AbortSignal,
  ): Promise<PullMessagesResponse> {
    const request = {
      node: { nodeId },
      carryBytes: BigInt(CARRY_BYTES),
      confirmedMessages: [...confirmedMessages],
    };
    return this.#call(Fleet.method.pullMessages, request, { signal }, isRetriedInTrouble);
  }

  /** Announces a reply; the answer lists the objects that the SuperLink lacks. */
  pushMessages(
    nodeId: bigint,
    reply: FleetReply,
    signal: AbortSignal,
  ): Promise<PushMessagesResponse> {
    return this.#call(Fleet.method.pushMessages, { ...reply, node: { nodeId } }, { signal });
  }

  /** A run that the node has a message of. */
  async getRun(nodeId: bigint, runId: bigint, signal: AbortSignal): Promise<Run> {
    const answer = await this.#call(Fleet.method.getRun, { node: { nodeId }, runId }, { signal });
    if (answer.run) return answer.run;
    throw new StatusError("NOT_FOUND", `The SuperLink knows no run ${runId}.`);
  }

  /** The FAB with a hash, of a run that the node has a message of. */
  async getFab(nodeId: bigint, runId: bigint, hash: string, signal: AbortSignal): Promise<Fab> {
    const request = { node: { nodeId }, hashStr: hash, runId };
    const answer = await this.#call(Fleet.method.getFab, request, { signal });
    if (answer.fab) return answer.fab;
    throw new StatusError("NOT_FOUND", `The SuperLink has no FAB ${hash}.`);
  }

  /** An object, or word that it is not there yet. */
  pullObject(object: ObjectAddress, signal: AbortSignal): Promise<PullObjectResponse> {
    const { nodeId, runId, objectId } = object;
    const request = { node: { nodeId }, runId, objectId };
    return this.#call(Fleet.method.pullObject, request, { signal, isBulk: true });
  }

  /** Sends an object of an announced reply; `false` when the SuperLink did not take it. */
  async pushObject(
    object: ObjectAddress,
    content: Uint8Array,
    sessionId: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { nodeId, runId, objectId } = object;
    const request = { node: { nodeId }, runId, objectId, objectContent: content, sessionId };
    return (await this.#call(Fleet.method.pushObject, request, { signal, isBulk: true })).stored;
  }

  /** Says that all objects of a message have arrived, so that the SuperLink may drop them. */
  async confirmMessageReceived(message: ObjectAddress, signal: AbortSignal): Promise<void> {
    const { nodeId, runId, objectId } = message;
    const request = { node: { nodeId }, runId, messageObjectId: objectId };
    await this.#call(Fleet.method.confirmMessageReceived, request, { signal });
  }

  #call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: Options & { readonly signal: AbortSignal },
    isRetried = isTransient,
  ): Promise<MessageShape<O>> {
    const attempt = () => this.#attempt(method, request, options);
    return retry(attempt, this.#retry, options.signal, isRetried);
  }

  async #attempt<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: Options,
  ): Promise<MessageShape<O>> {
    const proof = await this.#signer.sign();
    const { text, bytes } = proofHeaders(proof);
    const headers = { text: { ...versionMetadata("SuperNode"), ...text }, bytes };
    try {
      return await this.#connection.unary(method, request, { ...options, headers });
    } catch (error) {
      if (error instanceof StatusError && readRefusal(error).kind === "clock") {
        // A signer never goes back in time; after a clock that was ahead was set right, it must.
        this.#signer = await ProofSigner.create(this.#key);
      }
      throw error;
    }
  }
}

/** For the calls that go on for as long as a node stays. */
function isRetriedInTrouble(error: StatusError): boolean {
  return isTransient(error) || isTrouble(error);
}

/** What passes: a SuperLink that fails rather than refuses, a wrong clock, and a node shut out. */
function isTrouble(error: StatusError): boolean {
  const { kind } = readRefusal(error);
  return kind === "clock" || kind === "shut-out" || kind === "other" && TROUBLE.has(error.status);
}

const TROUBLE: ReadonlySet<StatusName> = new Set([
  "UNKNOWN",
  "INTERNAL",
  "RESOURCE_EXHAUSTED",
  "ABORTED",
]);
