/**
 * What accounts may do with SuperNodes, whichever Control API they call.
 *
 * @module
 */

import type { Log } from "../../terminal/log.ts";
import { flowerError } from "../../wire/flower_error.ts";
import { readSpkiPem } from "../auth/known_keys.ts";
import type { Clock } from "../clock.ts";
import { cleanName, locationFault, MAX_NAME_CHARACTERS } from "../registry/node_facts.ts";
import { registrationOf } from "../registry/registration.ts";
import type { NodeRow } from "../state/layout.ts";
import type { Node } from "../state/node.ts";
import type { Nodes } from "../state/nodes.ts";
import type { ControlCaller } from "./caller.ts";

/** What these actions work on. */
export interface NodeActionOptions {
  readonly nodes: Nodes;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is said of a SuperNode that is registered. */
export interface NewNode {
  readonly publicKey: Uint8Array;
  /** How people call it (Flower 1.38 and newer). */
  readonly name?: string | undefined;
  /** Where it is: latitude and longitude in decimal degrees, with a comma between. */
  readonly location?: string | undefined;
}

/** The actions, each for nodes of the caller's own account. */
export function nodeActions({ nodes, clock, log }: NodeActionOptions) {
  return {
    async ownNodes({ account }: ControlCaller): Promise<Node[]> {
      return (await nodes.list(clock.nowMicros())).filter(({ row }) => row.ownerId === account.id);
    },

    async registerNode(
      { publicKey, name, location }: NewNode,
      caller: ControlCaller,
    ): Promise<NodeRow> {
      const key = readSpkiPem(new TextDecoder().decode(publicKey));
      if (!key) throw flowerError("invalidPublicKey");
      requireLocation(location);
      const row = await nodes.register(
        registrationOf(key, publicKey, caller.account, {
          name: name && cleanName(name.slice(0, MAX_NAME_CHARACTERS)),
          location,
        }),
        clock.nowMicros(),
      );
      if (!row) throw flowerError("publicKeyInUse");
      log.info(
        "node.registered",
        `SuperNode ${row.nodeId} was registered with key ${key.fingerprint} by ${caller.peer}.`,
        { nodeId: String(row.nodeId), fingerprint: key.fingerprint, peer: caller.peer },
      );
      return row;
    },

    async unregisterNode(nodeId: bigint, caller: ControlCaller): Promise<void> {
      const row = await nodes.unregister(
        nodeId,
        clock.nowMicros(),
        ({ ownerId }) => ownerId === caller.account.id,
      );
      if (!row) throw flowerError("nodeNotFound");
      log.info(
        "node.unregistered",
        `SuperNode ${nodeId} was unregistered by ${caller.peer}; its key ${row.fingerprint} cannot ` +
          "be used again.",
        { nodeId: String(nodeId), fingerprint: row.fingerprint, peer: caller.peer },
      );
    },
  };
}

function requireLocation(location: string | undefined): void {
  const extra = location ? locationFault(location) : undefined;
  if (extra !== undefined) throw flowerError("invalidLocation", { extra });
}
