/**
 * Many nodes registered in one call: all or nothing, and the same again changes nothing.
 *
 * @module
 */

import type { Log } from "../../terminal/log.ts";
import { StatusError } from "../../wire/status.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import { readSpkiPem } from "../auth/known_keys.ts";
import type { Clock } from "../clock.ts";
import { callerText, type ControlCaller } from "../control/caller.ts";
import type { NodeRow } from "../state/layout.ts";
import { suspended } from "../state/node_life.ts";
import type { Nodes } from "../state/nodes.ts";
import { cleanLabels, cleanName, requireLocation } from "./node_facts.ts";
import { changedNode, type SaidOfNode, updateTo } from "./node_update.ts";

/** A node that is to be registered, or to be as is said here when it is; what is absent stays. */
export interface NewNode extends SaidOfNode {
  /** SPKI PEM. */
  readonly publicKey: Uint8Array;
  /** Shut it out from the start; nobody is let in by saying that it is not. */
  readonly suspended?: boolean | undefined;
}

/** What became of one of them. */
export interface Enrolled {
  readonly nodeId: bigint;
  readonly outcome: "registered" | "updated" | "unchanged";
}

/** Why one of them cannot be registered. */
export interface Fault {
  /** Its place in the call, from 0. */
  readonly index: number;
  readonly text: string;
}

/** What enrolment works on. */
export interface EnrolmentOptions {
  readonly nodes: Nodes;
  readonly clock: Clock;
  readonly log: Log;
}

/** The most nodes in one call. */
export const MAX_NEW_NODES = 20_000;
/** As Flower notes it until a node has said its own, in seconds. */
const DEFAULT_HEARTBEAT_INTERVAL_S = 30;
/** Commits that are under way at once. */
const AT_ONCE = 16;

/** A new node that was read. */
interface Plan {
  readonly index: number;
  readonly key: PublicKey;
  readonly node: NewNode;
  /** The node that the key has already. */
  readonly row: NodeRow | undefined;
}

/**
 * Registers keys for the caller's account, and sets what is said of those that are registered. Looks
 * at all of them first, and changes nothing when one has a fault.
 */
export async function enrol(
  newNodes: readonly NewNode[],
  caller: ControlCaller,
  options: EnrolmentOptions,
): Promise<{ readonly enrolled: readonly Enrolled[]; readonly faults: readonly Fault[] }> {
  if (newNodes.length > MAX_NEW_NODES) {
    const sentence = `At most ${MAX_NEW_NODES} SuperNodes can be registered at once.`;
    throw new StatusError("INVALID_ARGUMENT", sentence);
  }
  const faults: Fault[] = [];
  const plans: Plan[] = [];
  const firstUse = new Map<string, number>();
  for (const [index, node] of newNodes.entries()) {
    try {
      const plan = await planOf(index, node, caller, options);
      const before = firstUse.get(plan.key.id);
      if (before !== undefined) throw invalid(`It has the same key as number ${before + 1}.`);
      firstUse.set(plan.key.id, index);
      plans.push(plan);
    } catch (error) {
      if (!(error instanceof StatusError) || error.status !== "INVALID_ARGUMENT") throw error;
      faults.push({ index, text: error.message });
    }
  }
  if (faults.length > 0) return { enrolled: [], faults };
  const enrolled = new Array<Enrolled>(plans.length);
  const left = plans.values();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const plan of left) enrolled[plan.index] = await carryOut(plan, caller, options);
  }));
  return { enrolled, faults };
}

async function planOf(
  index: number,
  node: NewNode,
  { account }: ControlCaller,
  { nodes, clock }: EnrolmentOptions,
): Promise<Plan> {
  const key = readSpkiPem(new TextDecoder().decode(node.publicKey));
  if (!key) throw invalid("It has no public key that can be used (P-256, P-384 or P-521).");
  const { name = "", location = "", labels = {} } = node;
  requireLocation(location);
  const clean = {
    ...node,
    ...(node.name === undefined ? {} : { name: cleanName(name) }),
    ...(node.labels === undefined ? {} : { labels: cleanLabels(labels) }),
  };
  const found = await nodes.findByKey(key, clock.nowMicros());
  if (found === "burned" || found && found.ownerId !== account.id) {
    throw invalid(`Its key ${key.fingerprint} was unregistered or replaced, and never comes back.`);
  }
  return { index, key, node: clean, row: found };
}

async function carryOut(
  { key, node, row }: Plan,
  caller: ControlCaller,
  { nodes, clock, log }: EnrolmentOptions,
): Promise<Enrolled> {
  if (row) {
    const { nodeId } = row;
    const { name, location, labels, expiresAt } = node;
    const said = { name, location, labels, expiresAt };
    const change = await nodes.change(
      nodeId,
      clock.nowMicros(),
      (row) => {
        const changed = changedNode(row, updateTo(row, said));
        return node.suspended ? suspended(changed, clock.nowMicros()) : changed;
      },
    );
    if (!change) {
      throw new StatusError("ABORTED", `SuperNode ${nodeId} was unregistered meanwhile.`);
    }
    return { nodeId, outcome: change.before === change.after ? "unchanged" : "updated" };
  }
  const { publicKey, name = "", location = "", labels = {}, expiresAt = "never" } = node;
  const made = await nodes.register({
    keyId: key.id,
    fingerprint: key.fingerprint,
    publicKeyPem: publicKey,
    keyless: false,
    ownerId: caller.account.id,
    ownerName: caller.account.name,
    heartbeatIntervalS: DEFAULT_HEARTBEAT_INTERVAL_S,
    ...(name === "" ? {} : { name }),
    ...(location === "" ? {} : { location }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(expiresAt === "never" ? {} : { expiresAt }),
    ...(node.suspended ? { suspendedAt: clock.nowMicros() } : {}),
  }, clock.nowMicros());
  if (!made) {
    throw new StatusError("ABORTED", `The key ${key.fingerprint} was registered meanwhile.`);
  }
  log.info(
    "node.registered",
    `SuperNode ${made.nodeId} was registered with key ${key.fingerprint} by ${callerText(caller)}.`,
    { nodeId: String(made.nodeId), fingerprint: key.fingerprint, peer: caller.peer },
  );
  return { nodeId: made.nodeId, outcome: "registered" };
}

function invalid(sentence: string): StatusError {
  return new StatusError("INVALID_ARGUMENT", sentence);
}
