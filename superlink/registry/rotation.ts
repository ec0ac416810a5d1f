/**
 * Another key for a node that goes on living, whoever asks for it.
 *
 * @module
 */

import type { PublicKey } from "../../keys/public_key.ts";
import type { Log } from "../../terminal/log.ts";
import { StatusError } from "../../wire/status.ts";
import { readSpkiPem } from "../auth/known_keys.ts";
import type { Clock } from "../clock.ts";
import type { NodeRow } from "../state/layout.ts";
import { rotated } from "../state/node_keys.ts";
import type { Nodes } from "../state/nodes.ts";

/** What a rotation works on. */
export interface RotationOptions {
  readonly nodes: Nodes;
  readonly clock: Clock;
  readonly log: Log;
}

/** A rotation that is asked for. */
export interface Rotation {
  readonly nodeId: bigint;
  readonly newKey: PublicKey;
  readonly publicKeyPem: Uint8Array;
  /** How long the key that the node has stays good, in seconds. */
  readonly graceSeconds: number;
  /** Who asked, for the log. */
  readonly by: string;
}

/** The longest time that two keys are good. */
export const MAX_GRACE_SECONDS = 90 * 24 * 3_600;
/** More earlier keys than this are not good at a time. */
const MAX_EARLIER_KEYS = 3;

/** Reads the key that a node is to have. Throws `INVALID_ARGUMENT` when it cannot be used. */
export function readNewKey(publicKeyPem: Uint8Array): PublicKey {
  const key = readSpkiPem(new TextDecoder().decode(publicKeyPem));
  if (!key) throw invalid("The new public key cannot be used; use P-256, P-384 or P-521.");
  return key;
}

/**
 * Gives a node another key, and keeps the one that it has good for a while. Asking for the same again
 * changes nothing. Throws `NOT_FOUND` when there is no such living node, `FAILED_PRECONDITION` for a key
 * that was ever registered and a node without a key of an operator's, and `INVALID_ARGUMENT` for a
 * grace that is too long.
 */
export async function rotate(rotation: Rotation, options: RotationOptions): Promise<NodeRow> {
  const { nodeId, newKey, publicKeyPem, graceSeconds, by } = rotation;
  const { nodes, clock, log } = options;
  if (graceSeconds > MAX_GRACE_SECONDS) {
    throw invalid(`The old key may stay good for ${MAX_GRACE_SECONDS / 86_400} days at most.`);
  }
  const now = clock.nowMicros();
  const known = await nodes.findByKey(newKey, now);
  if (known !== undefined && known !== "burned" && known.nodeId === nodeId) return known;
  if (known !== undefined) {
    throw refused(`The key ${newKey.fingerprint} is or was in use. Make a new one.`);
  }
  const change = await nodes.change(nodeId, now, (row) => {
    if (row.keyless) throw refused("It registered itself, with a key that nobody else has.");
    if ((row.earlierKeys?.length ?? 0) >= MAX_EARLIER_KEYS) {
      throw refused(
        `It has ${MAX_EARLIER_KEYS} earlier keys that are good. Wait until one is not.`,
      );
    }
    const { id: keyId, fingerprint } = newKey;
    return rotated(row, { keyId, fingerprint, publicKeyPem }, now + graceSeconds * 1_000_000, now);
  });
  if (!change) throw new StatusError("NOT_FOUND", `There is no SuperNode ${nodeId}.`);
  log.info(
    "node.key-rotated",
    `SuperNode ${nodeId} has the key ${newKey.fingerprint} now, by ${by}; ` +
      `${change.before.fingerprint} is good for ${graceSeconds} s yet.`,
    { nodeId: String(nodeId), fingerprint: newKey.fingerprint, before: change.before.fingerprint },
  );
  return change.after;
}

function refused(sentence: string): StatusError {
  return new StatusError("FAILED_PRECONDITION", sentence);
}

function invalid(sentence: string): StatusError {
  return new StatusError("INVALID_ARGUMENT", sentence);
}
