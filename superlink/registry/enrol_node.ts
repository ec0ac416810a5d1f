/**
 * One node that is to be registered, or to be as is said when it is.
 *
 * @module
 */

import type { PublicKey } from "../../keys/public_key.ts";
import type { Log } from "../../terminal/log.ts";
import { StatusError } from "../../wire/status.ts";
import type { Account } from "../accounts.ts";
import { readSpkiPem } from "../auth/known_keys.ts";
import type { Clock } from "../clock.ts";
import { suspended } from "../state/node_life.ts";
import type { Nodes } from "../state/nodes.ts";
import { cleanLabels, cleanName, requireLocation } from "./node_facts.ts";
import { changedNode, type SaidOfNode, updateTo } from "./node_update.ts";
import { registrationOf } from "./registration.ts";

/** A node that is to be registered, or to be as is said here when it is; what is absent stays. */
export interface NewNode extends SaidOfNode {
  /** SPKI PEM. */
  readonly publicKey: Uint8Array;
  /** Shut it out from the start; nobody is let in by saying that it is not. */
  readonly suspended?: boolean | undefined;
  /** Nothing is changed when the key is registered already. */
  readonly mustBeNew?: boolean | undefined;
}

/** Who wants it. */
export interface EnrolledBy {
  readonly account: Account;
  /** In words, for the log. */
  readonly by: string;
  readonly peer: string;
}

/** What enrolment works on. */
export interface EnrolmentOptions {
  readonly nodes: Nodes;
  readonly clock: Clock;
  readonly log: Log;
}

/** What became of a node. */
export interface Enrolled {
  readonly nodeId: bigint;
  readonly outcome: "registered" | "updated" | "unchanged";
}

/** A node as it is kept. Throws `INVALID_ARGUMENT` for what a node cannot have. */
export function cleanNewNode(
  { publicKey, name, location, labels, expiresAt, suspended, mustBeNew }: NewNode,
): { readonly key: PublicKey; readonly node: NewNode } {
  const key = readSpkiPem(new TextDecoder().decode(publicKey));
  if (!key) throw invalid("It has no public key that can be used (P-256, P-384 or P-521).");
  requireLocation(location ?? "");
  const node: NewNode = {
    // A copy: Deno KV would store all of the buffer that the bytes lie in.
    publicKey: new Uint8Array(publicKey),
    ...(name === undefined ? {} : { name: cleanName(name) }),
    ...(location === undefined ? {} : { location }),
    ...(labels === undefined ? {} : { labels: cleanLabels(labels) }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(suspended ? { suspended } : {}),
    ...(mustBeNew ? { mustBeNew } : {}),
  };
  return { key, node };
}

/** Throws `INVALID_ARGUMENT` when a clean node cannot be this account's. */
export async function requireEnrollable(
  { key, node }: ReturnType<typeof cleanNewNode>,
  account: Account,
  { nodes, clock }: EnrolmentOptions,
): Promise<void> {
  const found = await nodes.findByKey(key, clock.nowMicros());
  if (found === "burned" || found && found.ownerId !== account.id) {
    throw invalid(`Its key ${key.fingerprint} was unregistered or replaced, and never comes back.`);
  }
  if (!found || !node.mustBeNew) return;
  throw invalid(`Its key ${key.fingerprint} is registered already, as SuperNode ${found.nodeId}.`);
}

/**
 * Registers a clean node, or makes it as is said; `also` is added to the commit that does it, if there
 * is one. `undefined` when its key was burned or became another account's meanwhile, or registered
 * where it must be new.
 */
export async function enrolNode(
  { key, node }: ReturnType<typeof cleanNewNode>,
  { account, by, peer }: EnrolledBy,
  options: EnrolmentOptions,
  also: (operation: Deno.AtomicOperation) => void = () => {},
): Promise<Enrolled | undefined> {
  const { nodes, clock, log } = options;
  const now = clock.nowMicros();
  const found = await nodes.findByKey(key, now);
  if (found === undefined) {
    const registration = {
      ...registrationOf(key, node.publicKey, account, node),
      ...(node.suspended ? { suspendedAt: now } : {}),
    };
    const made = await nodes.register(registration, now, also);
    if (!made) return undefined;
    log.info(
      "node.registered",
      `SuperNode ${made.nodeId} was registered with key ${key.fingerprint} by ${by}.`,
      { nodeId: String(made.nodeId), fingerprint: key.fingerprint, peer },
    );
    return { nodeId: made.nodeId, outcome: "registered" };
  }
  if (found === "burned" || found.ownerId !== account.id || node.mustBeNew) return undefined;
  const { nodeId } = found;
  const { publicKey: _, suspended: isSuspended, ...said } = node;
  const change = await nodes.change(nodeId, now, (row) => {
    const changed = changedNode(row, updateTo(row, said));
    return isSuspended ? suspended(changed, now) : changed;
  }, also);
  return change && { nodeId, outcome: change.before === change.after ? "unchanged" : "updated" };
}

function invalid(sentence: string): StatusError {
  return new StatusError("INVALID_ARGUMENT", sentence);
}
