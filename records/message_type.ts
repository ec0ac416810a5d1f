import { RecordError } from "./record_error.ts";

/** The categories of messages, each a message type of its own and the stem of others. */
export const MessageCategory = {
  TRAIN: "train",
  EVALUATE: "evaluate",
  QUERY: "query",
  SYSTEM: "system",
} as const;

/** Further message types, of Flower's legacy API. */
export const LegacyMessageType = {
  GET_PARAMETERS: "get_parameters",
  GET_PROPERTIES: "get_properties",
  RECONNECT: "reconnect",
} as const;

/** The action that a bare category stands for. */
export const DEFAULT_ACTION = "default";

/** A message type taken apart: `train` is `train` and `default`, `query.stats` is `query` and `stats`. */
export interface ParsedMessageType {
  readonly category: string;
  readonly action: string;
}

const CATEGORIES: ReadonlySet<string> = new Set(Object.values(MessageCategory));
const LEGACY: ReadonlySet<string> = new Set(Object.values(LegacyMessageType));
// Python's str.isidentifier.
const IDENTIFIER = /^[_\p{XID_Start}]\p{XID_Continue}*$/u;

/**
 * Reads a message type by the grammar that Flower 1.25 enforces when it decodes a message: a category,
 * optionally with `.` and a Python identifier, or a legacy type.
 *
 * @throws {RecordError} for anything else.
 */
export function parseMessageType(messageType: string): ParsedMessageType {
  if (LEGACY.has(messageType)) return { category: messageType, action: DEFAULT_ACTION };
  const [category = "", action = DEFAULT_ACTION, ...more] = messageType.split(".", 3);
  if (!CATEGORIES.has(category) || !IDENTIFIER.test(action) || more.length > 0) {
    throw new RecordError(`The message type '${messageType.slice(0, 80)}' is not one of Flower's.`);
  }
  return { category, action };
}
