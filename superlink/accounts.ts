/**
 * The account of a caller. The open Flower has no accounts: every caller is this one, and so is the
 * owner of every node.
 *
 * @module
 */

/** An account as Flower's messages name it. */
export interface Account {
  readonly id: string;
  readonly name: string;
}

/** Who calls when account authentication is off (Flower 1.24 and 1.25). */
export const NO_ACCOUNT: Account = { id: "<id:none>", name: "<name:none>" };

/** The one federation of the open Flower, as 1.24 and 1.25 name it. */
export const FEDERATION = "default";

/** Names by which other versions mean {@linkcode FEDERATION}: none at all (1.23), and 1.26's. */
export function isFederation(name: string): boolean {
  return name === FEDERATION || name === "" || name === "@none/default";
}
