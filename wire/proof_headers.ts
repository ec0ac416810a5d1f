import type { Proof } from "../keys/proof.ts";

/** The metadata that carries a proof with a Fleet request (Flower 1.23 and newer). */
export function proofHeaders({ publicKeyPem, timestamp, signature }: Proof) {
  return {
    text: { "flwr-timestamp": timestamp },
    bytes: { "flwr-public-key": publicKeyPem, "flwr-signature": signature },
  };
}
