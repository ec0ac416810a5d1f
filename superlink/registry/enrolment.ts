/**
 * Many nodes registered in one call: all or nothing, and the same again changes nothing.
 *
 * @module
 */

import { StatusError } from "../../wire/status.ts";
import { callerText, type ControlCaller } from "../control/caller.ts";
import {
  cleanNewNode,
  type Enrolled,
  type EnrolmentOptions,
  enrolNode,
  type NewNode,
  requireEnrollable,
} from "./enrol_node.ts";
import type { Imports } from "./imports.ts";

/** Why one of them cannot be registered. */
export interface Fault {
  /** Its place in the call, from 0. */
  readonly index: number;
  readonly text: string;
  /** The place of the one before that has the same key. */
  readonly sameKeyAs?: number;
}

/** What registering many is done with. */
export interface EnrolOptions extends EnrolmentOptions {
  readonly imports: Imports;
  /** Looks for faults only. */
  readonly checkOnly: boolean;
}

/** The most nodes in one call. */
export const MAX_NEW_NODES = 20_000;

/**
 * Registers keys for the caller's account, and sets what is said of those that are registered. Looks
 * at all of them first, and changes nothing when one has a fault.
 */
export async function enrol(
  newNodes: readonly NewNode[],
  caller: ControlCaller,
  options: EnrolOptions,
): Promise<{ readonly enrolled: readonly Enrolled[]; readonly faults: readonly Fault[] }> {
  if (newNodes.length > MAX_NEW_NODES) {
    const sentence = `At most ${MAX_NEW_NODES} SuperNodes can be registered at once.`;
    throw new StatusError("INVALID_ARGUMENT", sentence);
  }
  const { account, peer } = caller;
  const by = { account, peer, by: callerText(caller) };
  const faults: Fault[] = [];
  const clean: ReturnType<typeof cleanNewNode>[] = [];
  const firstUse = new Map<string, number>();
  for (const [index, newNode] of newNodes.entries()) {
    try {
      const one = cleanNewNode(newNode);
      await requireEnrollable(one, account, options);
      const sameKeyAs = firstUse.get(one.key.id);
      if (sameKeyAs !== undefined) {
        const text = `It has the same key as number ${sameKeyAs + 1}.`;
        faults.push({ index, text, sameKeyAs });
        continue;
      }
      firstUse.set(one.key.id, index);
      clean.push(one);
    } catch (error) {
      if (!(error instanceof StatusError) || error.status !== "INVALID_ARGUMENT") throw error;
      faults.push({ index, text: error.message });
    }
  }
  if (faults.length > 0 || options.checkOnly) return { enrolled: [], faults };
  const [only] = clean;
  const enrolled = clean.length === 1 && only
    ? [await enrolNode(only, by, options)]
    : await options.imports.carryOut(clean.map(({ node }) => node), by);
  const left = enrolled.flatMap((one, index) => one ? [] : [index + 1]);
  if (left.length > 0) {
    const sentence = `Others unregistered or registered number ${left.join(", ")} meanwhile; ` +
      "the rest is done.";
    throw new StatusError("ABORTED", sentence);
  }
  return { enrolled: enrolled.filter((one) => one !== undefined), faults };
}
