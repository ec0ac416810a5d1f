/**
 * What a SuperLink means when it refuses a SuperNode. Flower up to 1.32 says it in words, later
 * versions with a code: in JSON over gRPC, and beside the words over HTTP.
 *
 * @module
 */

import type { StatusError } from "../../wire/status.ts";

/** Why a SuperLink refused a call. */
export type RefusalKind =
  /** RegisterNode: the key was registered before. */
  | "key-in-use"
  /** RegisterNode: only keys that were registered with the CLI are admitted. */
  | "managed-by-cli"
  /** ActivateNode: nobody registered the key, or it was unregistered. */
  | "unknown-key"
  /** ActivateNode: the node is online already. */
  | "already-online"
  /** ActivateNode of Flower 1.33 and later, which does not say which of the two before. */
  | "activation-failed"
  /** The node id is unknown, unregistered or not the key's. */
  | "unknown-node"
  /** The operator of a SuperLink of Trellis shut the node out, until it is let in again. */
  | "shut-out"
  /** The proof's timestamp is outside the window: the clocks differ. */
  | "clock"
  /** What answers serves no Fleet API. */
  | "no-fleet-api"
  | "other";

/** A refusal: what it means, and the SuperLink's own words for it. */
export interface Refusal {
  readonly kind: RefusalKind;
  readonly words: string;
}

/** Flower's codes of 1.33 and later for the Fleet API. */
const KINDS_BY_CODE: ReadonlyMap<number, RefusalKind> = new Map([
  [23, "key-in-use"],
  [2001, "managed-by-cli"],
  [2004, "activation-failed"],
]);

/** Status, the words of Flower 1.23 to 1.32, and what they mean; the first that fits. */
const KINDS_BY_WORDS: readonly (readonly [StatusError["status"], RegExp, RefusalKind])[] = [
  ["FAILED_PRECONDITION", /public key already in use/i, "key-in-use"],
  ["FAILED_PRECONDITION", /must be registered via the CLI/, "managed-by-cli"],
  ["FAILED_PRECONDITION", /No SuperNode found/, "unknown-key"],
  ["FAILED_PRECONDITION", /could not be activated/, "already-online"],
  ["UNAUTHENTICATED", /^Invalid timestamp/, "clock"],
  ["UNAUTHENTICATED", /^Invalid node ID/, "unknown-node"],
  ["PERMISSION_DENIED", /^This SuperNode(?: is suspended|'s registration has exp)/, "shut-out"],
  ["UNAVAILABLE", /^This SuperNode(?: is suspended|'s registration has exp)/, "shut-out"],
  ["UNKNOWN", /Node ID \d+ not found/, "unknown-node"],
  ["UNIMPLEMENTED", /(?:)/, "no-fleet-api"],
];

/** Reads a refusal. Words and codes that are not known are `other`. */
export function readRefusal(error: StatusError): Refusal {
  const told = readFlowerError(error.message);
  const { code = told.code, status: httpStatus, answeredAtMs } = error.http ?? {};
  const { words } = told;
  if (httpStatus === 401 && answeredAtMs !== undefined && !isInWindow(answeredAtMs)) {
    return { kind: "clock", words };
  }
  const kind = code === undefined
    ? KINDS_BY_WORDS.find(([status, pattern]) => status === error.status && pattern.test(words))
      ?.[2]
    : KINDS_BY_CODE.get(code);
  return { kind: kind ?? "other", words: words || error.status };
}

/** How far this clock may be ahead of the SuperLink's and behind it for a proof to be accepted. */
const MAX_AHEAD_MS = 5_000;
const MAX_BEHIND_MS = 305_000;

/** Over HTTP a refused proof is not explained; the time of the answer tells whether clocks differ. */
function isInWindow(answeredAtMs: number): boolean {
  const aheadMs = Date.now() - answeredAtMs;
  // The header has whole seconds.
  return aheadMs < MAX_AHEAD_MS + 1_000 && aheadMs > -MAX_BEHIND_MS;
}

/** `{"code": N, "public_message": "…", "public_details": null|"…"}`, or plain words. */
function readFlowerError(details: string): { code: number | undefined; words: string } {
  const plain = { code: undefined, words: details };
  if (!details.startsWith("{")) return plain;
  let parsed: unknown;
  try {
    parsed = JSON.parse(details);
  } catch {
    return plain;
  }
  const code: unknown = Reflect.get(Object(parsed), "code");
  const words: unknown = Reflect.get(Object(parsed), "public_message");
  return typeof code === "number" && typeof words === "string" ? { code, words } : plain;
}
