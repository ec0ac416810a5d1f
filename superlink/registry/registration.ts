import type { PublicKey } from "../../keys/public_key.ts";
import type { Account } from "../accounts.ts";
import type { Registration } from "../state/node.ts";
import type { SaidOfNode } from "./node_update.ts";

/** As Flower notes it until a node has said its own, in seconds. */
const DEFAULT_HEARTBEAT_INTERVAL_S = 30;

/** How an operator registers a key: for an account, with what is said of the node. */
export function registrationOf(
  key: PublicKey,
  publicKeyPem: Uint8Array,
  account: Account,
  { name = "", location = "", labels = {}, expiresAt = "never" }: SaidOfNode,
): Registration {
  return {
    keyId: key.id,
    fingerprint: key.fingerprint,
    publicKeyPem,
    keyless: false,
    ownerId: account.id,
    ownerName: account.name,
    heartbeatIntervalS: DEFAULT_HEARTBEAT_INTERVAL_S,
    ...(name === "" ? {} : { name }),
    ...(location === "" ? {} : { location }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(expiresAt === "never" ? {} : { expiresAt }),
  };
}
