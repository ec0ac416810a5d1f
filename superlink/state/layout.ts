/**
 * Every key that the SuperLink keeps in Deno KV. Nothing else writes or reads raw keys.
 *
 * | key | value | there exactly when |
 * |---|---|---|
 * | `schema` | {@linkcode SchemaRow} | always: it marks the database as a SuperLink's |
 * | `restored` | microseconds | the database was restored from a backup, at that time |
 * | `node`, node id | {@linkcode NodeRow} | a node was registered and has not been reduced |
 * | `key`, key id | {@linkcode KeyRow} | the key was ever registered: a key is never used twice |
 * | `burned`, fingerprint | `null` | a key was used after the backup that was restored, and is not any more |
 * | `lease`, node id | {@linkcode LeaseRow} | the node's row says `online` |
 * | `mark`, key id | microseconds | the key owns a node that has called since it was registered |
 * | `keyless-gone`, unregistered at, node id | `null` | a keyless node is unregistered, not reduced |
 * | `key-expiry`, valid until, node id, key id | `null` | the node is not unregistered, and has this earlier key |
 * | `node-expiry`, expires at, node id | `null` | the node is not unregistered, and has this expiry |
 * | `import`, import id | see `registry/imports.ts` | many nodes are being registered or changed as one |
 * | `import-node`, import id, index | see there | the node of an import is left to do, or the import was not accepted |
 * | `run`, run id | {@linkcode RunRow} | a run was started |
 * | `open-run`, run id | `null` | the run is not finished |
 * | `ending-run`, run id | `null` | the run is finished and its messages are not all deleted |
 * | `token`, token hash | {@linkcode TokenRow} | the run's app holds this token |
 * | `log`, run id, at | text | the ServerApp wrote it; `at` grows strictly within a run |
 * | `round`, run id, phase, number | `Round` | messages of that round of the run came; written behind |
 * | `event`, run id, number | {@linkcode EventRow} | the ServerApp reported it; counted within a run |
 * | `message`, run id, message id | {@linkcode MessageRow} | a message is stored, complete or not |
 * | `part`, run id, message id, n | bytes | its message and tree, cut to fit a value |
 * | `inbox`, node id, number, run id, message id | `null` | a complete instruction waits for its node |
 * | `reply`, run id, instruction id | message id | a reply to the instruction is stored |
 * | `object`, run id, object id | {@linkcode ObjectRow} | a stored message needs the object |
 * | `branch`, run id, branch id, message id | `null` | that message needs the branch's objects |
 * | `holder`, run id, object id, branch or message id | `null` | that branch has the object, or it is that message's own |
 *
 * | `handed-out`, node id, run id, message id | `null` | the instruction is with its node, which has not confirmed it |
 * | `grant`, grant id | `GrantRow` | an API token was created, or a login approved; until long after it ended |
 * | `grant-used`, grant id | microseconds | the grant was used |
 * | `secret`, token hash | `SecretRow` | the token belongs to a grant |
 * | `login`, user code | `LoginRow` | a CLI waits for its login; expires |
 * | `device`, device code hash | user code | the same |
 *
 * Where several SuperLinks share the database there is also:
 *
 * | key | value | there while |
 * |---|---|---|
 * | `proof`, key id, r | `null` | the proof could be used again |
 * | `nonce`, text | `null` | a SuperExec's proof could be used again |
 * | `registrations`, host | {@linkcode BucketRow} | a host registered nodes by itself lately |
 * | `bell`, topic | `null` | it was rung within the hour; others watch it |
 * | `turn`, run id | {@linkcode TurnRow} | its messages were changed; whoever changes them checks that nobody else did |
 * | `released`, run id, object id | `null` | the object was needed until a moment ago |
 * | `log-end`, run id | microseconds | the run's log has a chunk of that time and none after |
 * | `blob`, space, name | {@linkcode BlobRow} | the bytes are stored, in chunks |
 * | `chunk`, space, name, n | bytes | they belong to a blob, or to one that is being written |
 *
 * What belongs to messages goes when its run ends; only `run`, `log`, `event`,
 * `round` and `log-end` stay.
 *
 * A transition writes all of its rows in one atomic commit, so there is no row without its index
 * and no index without its row, whenever the process dies.
 *
 * @module
 */

import type { FinishingProcess } from "./handover.ts";

/**
 * The version of this layout. A higher one in the database means a newer Trellis wrote it; a lower one is
 * brought forward (`state/schema.ts`).
 */
export const SCHEMA_VERSION = 2;

/** Stamps a database as a SuperLink's. */
export interface SchemaRow {
  readonly program: "trellis-superlink";
  readonly version: number;
}

/** The life of a node (Flower's words). `unregistered` is for ever. */
export type NodeStatus = "registered" | "online" | "offline" | "unregistered";

/** A node. Times are microseconds since the epoch; intervals are seconds. */
export interface NodeRow {
  readonly nodeId: bigint;
  /** The identity of the public key (`PublicKey.id`). */
  readonly keyId: string;
  /** `SHA256:…` of the public key, for people. */
  readonly fingerprint: string;
  /** The PEM as it was received; the CLI is shown it unchanged. */
  readonly publicKeyPem: Uint8Array;
  /** The keys that it had before, for as long as they are good. */
  readonly earlierKeys?: readonly EarlierKey[];
  /** When it was given the key that it has, where that is not its first. */
  readonly rotatedAt?: number;
  /** Registered itself, without a key that an operator knows; its key lives in one process only. */
  readonly keyless: boolean;
  readonly ownerId: string;
  readonly ownerName: string;
  /** How people call it, and where it is; said when it was registered. */
  readonly name?: string;
  readonly location?: string;
  readonly status: NodeStatus;
  readonly registeredAt: number;
  /** When it last came online. */
  readonly activatedAt?: number;
  /** When a process last joined as this node: what an earlier one was working on is lost. */
  readonly joinedAt?: number;
  /** One that handed the node over: it may answer what it was handed before. */
  readonly finishing?: FinishingProcess;
  readonly deactivatedAt?: number;
  readonly unregisteredAt?: number;
  /** When the last lease ended. While the node is online its lease says when it will. */
  readonly onlineUntil?: number;
  readonly heartbeatIntervalS: number;
  /** Its operator has shut it out until it is resumed. Such a node is never online. */
  readonly suspendedAt?: number;
  /** From then on it is shut out, until its operator sets a later time. */
  readonly expiresAt?: number;
  /** What its operator notes of it. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The program that joined last: its release of Flower, where it says so, and how it calls. */
  readonly version?: string;
  readonly transport?: "grpc" | "http";
}

/** A key of a node that was replaced, and is good for a while yet. */
export interface EarlierKey {
  readonly keyId: string;
  readonly fingerprint: string;
  /** In microseconds since the epoch. */
  readonly validUntil: number;
}

/** A key that was registered. Without a node id it is burned and its node has been reduced to it. */
export interface KeyRow {
  readonly nodeId?: bigint;
}

/** Until when an online node counts as online, unless it speaks again. */
export interface LeaseRow {
  readonly onlineUntil: number;
  readonly heartbeatIntervalS: number;
  /** Which of the node's keys its process has. */
  readonly keyId?: string;
  /**
   * Where several SuperLinks share the database: nothing was heard since the node's activation, or
   * its process gave up a call that was held for it.
   */
  readonly session?: "joined" | "left";
}

/** The life of a run (Flower's words). */
export type RunStatus = "pending" | "starting" | "running" | "finished";

/** How a run ended. */
export type RunEnd = "completed" | "failed" | "stopped";

/** A run. Times are microseconds since the epoch. */
export interface RunRow {
  readonly runId: bigint;
  readonly accountId: string;
  readonly federation: string;
  readonly fabId: string;
  readonly fabVersion: string;
  /** Hex SHA-256 of the FAB, by which the object store keeps it. */
  readonly fabHash: string;
  /** Which programs run the app. */
  readonly runtime: "python" | "typescript";
  /** The overridden config as a serialized `StartRunRequest`. */
  readonly overrides: Uint8Array;
  readonly status: RunStatus;
  readonly end?: RunEnd;
  readonly details: string;
  readonly pendingAt: number;
  readonly startingAt?: number;
  readonly runningAt?: number;
  readonly finishedAt?: number;
  /** The ServerApp has handed in its outputs and has only its status left to report. */
  readonly outputsAt?: number;
  /** SHA-256 of the token that the ServerApp holds, or held until it handed in its outputs. */
  readonly tokenHash?: string;
  /** The process that the SuperLink started for it, whose parent is the SuperLink. */
  readonly launched: boolean;
  /** The run waits again when its app never starts (a task of Flower 1.30 and newer). */
  readonly requeues?: true;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly clientAppRuntimeS: number;
}

/** A token that an app holds. */
export interface TokenRow {
  readonly runId: bigint;
  /** Where several SuperLinks share the database: until when it holds. */
  readonly heldUntil?: number;
}

/** Something that a ServerApp reported of itself; `at` is in microseconds since the epoch. */
export interface EventRow {
  readonly at: number;
  /** What kind of event it is. */
  readonly event: string;
  /** A JSON object. */
  readonly data: string;
}

/** A message between a ServerApp and a node. The message itself and its tree are in its parts. */
export interface MessageRow {
  readonly messageId: string;
  readonly runId: bigint;
  readonly kind: "instruction" | "reply";
  /** The node that the instruction is for, or that the reply is from. */
  readonly nodeId: bigint;
  /** The instruction that a reply answers. */
  readonly instructionId?: string;
  readonly expiresAt: number;
  readonly partCount: number;
  /** All objects of its tree are stored. */
  readonly complete: boolean;
  /** Its place among the instructions of its node. */
  readonly number: number;
  readonly deliveredAt?: number;
  /** The receiver has fetched every object. */
  readonly confirmedAt?: number;
  /** How often it was handed out. */
  readonly deliveries: number;
}

/** An object that a message needs. What is too large for a value is in the blob store. */
export interface ObjectRow {
  readonly stored: boolean;
  readonly inline?: Uint8Array;
  /** The name of its blob where that is not the object's id. */
  readonly blobName?: string;
}

/** The turn of a run; see `messages/run_turns.ts`. */
export interface TurnRow {
  /** What belongs to its messages is being or was deleted. */
  readonly ended: boolean;
}

/** Bytes that are stored in chunks. */
export interface BlobRow {
  readonly chunkCount: number;
  readonly sizeBytes: number;
}

/** A host's bucket of registrations, as it was at a time. */
export interface BucketRow {
  readonly tokens: number;
  readonly updatedAt: number;
}

export const keys = {
  schema: ["schema"],
  restored: ["restored"],
  node: (nodeId: bigint) => ["node", nodeId],
  nodes: ["node"],
  key: (keyId: string) => ["key", keyId],
  burned: (fingerprint: string) => ["burned", fingerprint],
  allBurned: ["burned"],
  lease: (nodeId: bigint) => ["lease", nodeId],
  leases: ["lease"],
  mark: (keyId: string) => ["mark", keyId],
  keylessGone: (unregisteredAt: number, nodeId: bigint) => ["keyless-gone", unregisteredAt, nodeId],
  keylessGoneAll: ["keyless-gone"],
  nodeExpiry: (expiresAt: number, nodeId: bigint) => ["node-expiry", expiresAt, nodeId],
  nodeExpiries: ["node-expiry"],
  keyExpiry: (validUntil: number, nodeId: bigint, keyId: string) => [
    "key-expiry",
    validUntil,
    nodeId,
    keyId,
  ],
  keyExpiriesBefore: (micros: number) => ["key-expiry", micros],
  keyExpiries: ["key-expiry"],
  import: (id: string) => ["import", id],
  imports: ["import"],
  importNode: (id: string, index: number) => ["import-node", id, index],
  importNodes: (id: string) => ["import-node", id],
  allImportNodes: ["import-node"],
  run: (runId: bigint) => ["run", runId],
  runs: ["run"],
  openRun: (runId: bigint) => ["open-run", runId],
  openRuns: ["open-run"],
  endingRun: (runId: bigint) => ["ending-run", runId],
  endingRuns: ["ending-run"],
  token: (tokenHash: string) => ["token", tokenHash],
  log: (runId: bigint, at: number) => ["log", runId, at],
  logs: (runId: bigint) => ["log", runId],
  round: (runId: bigint, phase: string, number: number) => ["round", runId, phase, number],
  rounds: (runId: bigint) => ["round", runId],
  allRounds: ["round"],
  event: (runId: bigint, id: number) => ["event", runId, id],
  events: (runId: bigint) => ["event", runId],
  message: (runId: bigint, messageId: string) => ["message", runId, messageId],
  messages: (runId: bigint) => ["message", runId],
  part: (runId: bigint, messageId: string, part: number) => ["part", runId, messageId, part],
  parts: (runId: bigint) => ["part", runId],
  inbox: ({ nodeId, number, runId, messageId }: MessageRow) => [
    "inbox",
    nodeId,
    number,
    runId,
    messageId,
  ],
  inboxes: (nodeId: bigint) => ["inbox", nodeId],
  handedOut: ({ nodeId, runId, messageId }: MessageRow) => [
    "handed-out",
    nodeId,
    runId,
    messageId,
  ],
  handedOutTo: (nodeId: bigint) => ["handed-out", nodeId],
  reply: (runId: bigint, instructionId: string) => ["reply", runId, instructionId],
  replies: (runId: bigint) => ["reply", runId],
  object: (runId: bigint, objectId: string) => ["object", runId, objectId],
  objects: (runId: bigint) => ["object", runId],
  allObjects: ["object"],
  branch: (runId: bigint, branchId: string, messageId: string) => [
    "branch",
    runId,
    branchId,
    messageId,
  ],
  branchHolders: (runId: bigint, branchId: string) => ["branch", runId, branchId],
  branches: (runId: bigint) => ["branch", runId],
  holder: (runId: bigint, objectId: string, holderId: string) => [
    "holder",
    runId,
    objectId,
    holderId,
  ],
  holders: (runId: bigint, objectId: string) => ["holder", runId, objectId],
  holdersOfRun: (runId: bigint) => ["holder", runId],
  grant: (id: string) => ["grant", id],
  grants: ["grant"],
  grantUsed: (id: string) => ["grant-used", id],
  secret: (hash: string) => ["secret", hash],
  secrets: ["secret"],
  login: (userCode: string) => ["login", userCode],
  logins: ["login"],
  device: (hash: string) => ["device", hash],
  proof: (keyId: string, r: bigint) => ["proof", keyId, r],
  nonce: (text: string) => ["nonce", text],
  registrations: (host: string) => ["registrations", host],
  bell: (topic: string) => ["bell", topic],
  turn: (runId: bigint) => ["turn", runId],
  released: (runId: bigint, objectId: string) => ["released", runId, objectId],
  releasedOfRun: (runId: bigint) => ["released", runId],
  logEnd: (runId: bigint) => ["log-end", runId],
  blob: (space: string, name: string) => ["blob", space, name],
  blobs: (space: string) => ["blob", space],
  chunk: (space: string, name: string, chunk: number) => ["chunk", space, name, chunk],
  chunksOf: (space: string, name: string) => ["chunk", space, name],
  chunks: (space: string) => ["chunk", space],
  allChunks: ["chunk"],
} as const;
