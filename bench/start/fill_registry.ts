/**
 * Fills a SuperLink's database with registered nodes, as an operator would over the years.
 *
 * @module
 */

import { createLog } from "../../terminal/log.ts";
import { NO_ACCOUNT } from "../../superlink/accounts.ts";
import { openDatabase } from "../../superlink/state/database.ts";
import { NO_NODE_EVENTS } from "../../superlink/state/node.ts";
import { Nodes } from "../../superlink/state/nodes.ts";

/** Registrations under way at once. */
const AT_ONCE = 64;
/** A P-384 key's PEM has as many bytes. */
const PEM_BYTES = 215;

/** Registers `count` nodes in the database at `path`, which no SuperLink may hold. */
export async function fillRegistry(path: string, count: number): Promise<void> {
  const database = await openDatabase(path);
  const log = createLog({ format: "text", write: () => {} });
  const nodes = await Nodes.open(database.kv, NO_NODE_EVENTS, log, Date.now() * 1000);
  let next = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next < count) {
      const number = next++;
      const keyId = number.toString(16).padStart(64, "0");
      await nodes.register({
        keyId,
        fingerprint: `SHA256:${keyId.slice(21)}`,
        publicKeyPem: new Uint8Array(PEM_BYTES).fill(number),
        keyless: false,
        ownerId: NO_ACCOUNT.id,
        ownerName: NO_ACCOUNT.name,
        heartbeatIntervalS: 0,
      }, Date.now() * 1000);
    }
  }));
  await database.close();
}
