/**
 * Reads what an app's worker says. The worker runs code that its host does not trust, so nothing of
 * it is taken for granted.
 *
 * @module
 */

import type { CarriedObject } from "../../records/carry_room.ts";
import type { Call, EncodedEnvelope, Failed, WorkerMessage } from "../../sdk/runtime/protocol.ts";

/** The message, or `undefined` when it is none of the protocol's. */
export function parseWorkerMessage(data: unknown): WorkerMessage | undefined {
  if (!isObject(data)) return undefined;
  switch (data.kind) {
    case "ready":
      return typeof data.protocol === "number"
        ? { kind: "ready", protocol: data.protocol }
        : undefined;
    case "loaded":
    case "spent":
      return { kind: data.kind };
    case "log":
      return typeof data.text === "string"
        ? { kind: "log", stream: data.stream === "stderr" ? "stderr" : "stdout", text: data.text }
        : undefined;
    case "finished":
      return isBytes(data.context) ? { kind: "finished", context: data.context } : undefined;
    case "failed":
      return parseFailed(data);
    case "call":
      return parseCall(data);
    default:
      return undefined;
  }
}

function parseFailed({ stage, name, message, stack, context }: Loose): Failed | undefined {
  if (typeof name !== "string" || typeof message !== "string" || typeof stack !== "string") {
    return undefined;
  }
  return {
    kind: "failed",
    stage: stage === "load" ? "load" : "run",
    name,
    message,
    stack,
    context: isBytes(context) ? context : undefined,
  };
}

function parseCall({ id, method, request, carried }: Loose): Call | undefined {
  if (typeof id !== "number") return undefined;
  switch (method) {
    case "getNodeIds":
      return { kind: "call", id, method, request: null };
    case "pushMessages":
      if (!isListOf(request, isEnvelope)) return undefined;
      if (carried === undefined) return { kind: "call", id, method, request };
      return isListOf(carried, isCarried)
        ? { kind: "call", id, method, request, carried }
        : undefined;
    case "pushObject":
      return isCarried(request)
        ? {
          kind: "call",
          id,
          method,
          request: { objectId: request.objectId, content: request.content },
        }
        : undefined;
    case "pullMessages":
      return isListOf(request, isString) ? { kind: "call", id, method, request } : undefined;
    case "pullObject":
    case "confirmMessage":
      return isString(request) ? { kind: "call", id, method, request } : undefined;
    default:
      return undefined;
  }
}

interface Loose {
  readonly [key: string]: unknown;
}

function isObject(value: unknown): value is Loose {
  return typeof value === "object" && value !== null;
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

function isEnvelope(value: unknown): value is EncodedEnvelope {
  return isObject(value) && isBytes(value.message) && isBytes(value.tree);
}

function isCarried(value: unknown): value is CarriedObject {
  return isObject(value) && isString(value.objectId) && isBytes(value.content);
}

function isListOf<T>(value: unknown, isItem: (item: unknown) => item is T): value is readonly T[] {
  return Array.isArray(value) && value.every(isItem);
}
