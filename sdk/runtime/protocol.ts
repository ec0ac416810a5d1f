/**
 * What an app's worker and its host say to each other: structured-clone messages, in which Flower's
 * own messages are protobuf bytes. A bundle carries the SDK that it was built with, so hosts of later
 * versions must go on to understand a {@linkcode PROTOCOL_VERSION} that was ever released.
 *
 * @module
 */

import type { CarriedObject } from "../../records/carry_room.ts";

/** Named by the bundle when it is ready; a host refuses the ones that it does not know. */
export const PROTOCOL_VERSION = 1;

/** Which part of an app a worker runs. */
export type AppKind = "serverapp" | "clientapp";

/** A message without payload (`flwr.proto.Message`) and its `flwr.proto.ObjectTree`, as protobuf. */
export interface EncodedEnvelope {
  readonly message: Uint8Array;
  readonly tree: Uint8Array;
}

/** The host starts the app. */
export interface Start {
  readonly kind: "start";
  readonly app: AppKind;
  /** `flwr.proto.Context`, as protobuf. */
  readonly context: Uint8Array;
  /** For a ClientApp: the instruction's id and the contents of its objects. */
  readonly instruction?: {
    readonly messageId: string;
    readonly contents: Map<string, Uint8Array>;
  };
}

/** What the worker can ask the host for, and the answers. */
export interface Calls {
  readonly getNodeIds: { readonly request: null; readonly answer: readonly bigint[] };
  readonly pushMessages: {
    readonly request: readonly EncodedEnvelope[];
    readonly answer: {
      readonly messageIds: readonly string[];
      readonly objectsToPush: readonly string[];
    };
  };
  readonly pushObject: {
    readonly request: { readonly objectId: string; readonly content: Uint8Array };
    readonly answer: null;
  };
  readonly pullMessages: {
    readonly request: readonly string[];
    readonly answer: readonly EncodedEnvelope[];
  };
  readonly pullObject: { readonly request: string; readonly answer: Uint8Array | null };
  readonly confirmMessage: { readonly request: string; readonly answer: null };
}

/** A call of the worker, which the host answers under the same id. */
export type Call = {
  [M in keyof Calls]: {
    readonly kind: "call";
    readonly id: number;
    readonly method: M;
    readonly request: Calls[M]["request"];
    /** With `pushMessages`: objects that may travel with them. Earlier workers send none. */
    readonly carried?: readonly CarriedObject[];
  };
}[keyof Calls];

/** The host's answer to a call, or why there is none. */
export type Answer =
  | { readonly kind: "answer"; readonly id: number; readonly answer: unknown }
  | { readonly kind: "refusal"; readonly id: number; readonly reason: string };

/** What the host says. */
export type HostMessage = Start | Answer;

/** An app ended with an error. */
export interface Failed {
  readonly kind: "failed";
  /** `load`: the module has no such app; `run`: the app threw. */
  readonly stage: "load" | "run";
  /** The error's name, for example `TypeError`. */
  readonly name: string;
  readonly message: string;
  /** The error with its stack, for the log. */
  readonly stack: string;
  /** As the app left it; absent when it did not get one. */
  readonly context?: Uint8Array | undefined;
}

/** What the worker says. */
export type WorkerMessage =
  | { readonly kind: "ready"; readonly protocol: number }
  | { readonly kind: "loaded" }
  /** The host's own module in the worker says that it is not fit for another message. */
  | { readonly kind: "spent" }
  | { readonly kind: "log"; readonly stream: "stdout" | "stderr"; readonly text: string }
  | Call
  | { readonly kind: "finished"; readonly context: Uint8Array }
  | Failed;
