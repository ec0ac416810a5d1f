/**
 * Who calls the Fleet API: the rule by which a call's proof of possession is accepted.
 *
 * @module
 */

import type { PublicKey } from "../../keys/public_key.ts";
import { parseDerSignature } from "../../keys/ecdsa_signature.ts";
import { isInWindow, parseTimestamp, type TimestampWindow } from "../../keys/timestamp.ts";
import { verifySignature } from "../../keys/proof.ts";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { GrpcAdapter } from "../../proto/gen/flwr/proto/grpcadapter_pb.ts";
import type { Connection } from "../../wire/connection.ts";
import type { IncomingCall } from "../../wire/service.ts";
import { flowerError } from "../../wire/flower_error.ts";
import { StatusError } from "../../wire/status.ts";
import type { Clock } from "../clock.ts";
import type { Admission } from "../registry/admission.ts";
import type { NodeRow } from "../state/layout.ts";
import type { NodeProgram } from "../state/node_life.ts";
import type { CoreTurns } from "./core_turns.ts";
import type { FailedProofs } from "./failed_proofs.ts";
import type { Sessions } from "./http_sessions.ts";
import type { KnownKeys } from "./known_keys.ts";
import type { ProofGuard } from "./proof_guard.ts";
import type { Refusals } from "./refusals.ts";

/** A caller that proved to hold a private key. */
export interface FleetCaller {
  readonly key: PublicKey;
  /** The key as the header carried it. */
  readonly publicKeyPem: Uint8Array;
  /** What the caller signed, in microseconds since the epoch. */
  readonly timestampMicros: number;
  /** `address:port` that this call came from, or `unknown`. */
  readonly peer: string;
  /** What stands for the caller's process. */
  readonly connection: Connection;
  readonly program: NodeProgram;
  /** How long the caller waits for an answer, in milliseconds. */
  readonly patienceMs: number;
}

/** What the rule needs to know. */
export interface FleetAuthenticationOptions {
  readonly window: TimestampWindow;
  readonly clock: Clock;
  readonly guard: ProofGuard;
  readonly knownKeys: KnownKeys;
  readonly failedProofs: FailedProofs;
  readonly turns: CoreTurns;
  readonly nodeOfKey: (keyId: string) => Promise<NodeRow | undefined>;
  readonly httpSessions: Sessions;
  readonly refusals: Refusals;
  readonly admission: Admission;
}

/** What a key may ask for before it owns a node. */
const METHODS_FOR_ANY_KEY: ReadonlySet<string> = new Set([
  Fleet.method.registerNode.name,
  Fleet.method.activateNode.name,
  // What the adapter carries is known from its body only.
  GrpcAdapter.method.sendReceive.name,
]);

/** A key is some hundred bytes. */
const STRANGERS_BODY_BYTES = 16 * 1024;

/**
 * Judges a call's proof on its headers, at the time they arrive, and gives the caller.
 *
 * A proof is accepted when the key parses and is on an accepted curve, the signature over the
 * timestamp verifies, the timestamp is inside the window, and the proof was not seen before, also
 * not before a restart. One that was seen, or that cannot be judged, is `UNAVAILABLE`, on which a
 * SuperNode signs again; all else is `UNAUTHENTICATED`. The texts are Flower's where it has one.
 * A peer whose proofs keep failing is not verified any more, and `UNAVAILABLE` for a while.
 * A key that owns no node is turned away here too, where the method is for nodes only, and may send
 * a small body only where it is not; so is a node that is shut out.
 */
export async function authenticateFleetCall(
  call: IncomingCall,
  options: FleetAuthenticationOptions,
): Promise<FleetCaller> {
  const arrivedMicros = options.clock.nowMicros();
  const refuse = (reason: string, text: string, fingerprint?: string) => {
    options.refusals.refused({
      reason,
      method: call.method,
      peer: call.peer,
      fingerprint,
    });
    return flowerError("nodeNotAuthenticated", { grpcText: text });
  };

  const publicKeyPem = call.headers.bytes("flwr-public-key");
  const timestamp = call.headers.text("flwr-timestamp");
  const signature = call.headers.bytes("flwr-signature");
  if (!publicKeyPem || timestamp === undefined || !signature) {
    throw refuse("no proof", "Missing authentication metadata");
  }
  const known = await options.knownKeys.read(publicKeyPem);
  if (!known) throw refuse("unusable public key", "Invalid public key");
  const { key, verifyKey } = known;
  const timestampMicros = parseTimestamp(timestamp);
  if (
    timestampMicros === undefined || !isInWindow(arrivedMicros, timestampMicros, options.window)
  ) {
    throw refuse("timestamp outside the window", "Invalid timestamp", key.fingerprint);
  }
  const proved = await options.turns.run(async () => {
    const { failedProofs } = options;
    // Asked when its turn has come: its peer's that were before it may have failed meanwhile.
    if (!failedProofs.mayTry(call.peer, key.id)) {
      const { method, peer } = call;
      const reason = "too many proofs of this peer have failed";
      options.refusals.refused({ reason, method, peer, fingerprint: key.fingerprint });
      throw new StatusError("UNAVAILABLE", "Too many proofs have failed. Try again later.");
    }
    const parsed = parseDerSignature(signature, key.curve);
    if (!parsed || !await verifySignature(verifyKey, parsed.p1363, timestamp)) {
      failedProofs.failed(call.peer, key.id);
      throw refuse("signature does not verify", "Invalid signature", key.fingerprint);
    }
    failedProofs.proved(call.peer, key.id);
    return parsed;
  });

  const node = await options.nodeOfKey(key.id);
  const verdict = await options.guard.accept({
    keyId: key.id,
    owned: node !== undefined,
    timestampMicros,
    r: proved.r,
  });
  if (verdict !== "fresh") {
    options.refusals.refused({
      reason: verdict === "seen"
        ? "proof was used before"
        : "proof may have been used before a restart",
      method: call.method,
      peer: call.peer,
      fingerprint: key.fingerprint,
    });
    throw new StatusError(
      "UNAVAILABLE",
      "Sign again: this proof cannot be accepted a second time.",
    );
  }
  if (!node) {
    if (!METHODS_FOR_ANY_KEY.has(call.method)) {
      throw refuse("the key owns no SuperNode", "Invalid node ID", key.fingerprint);
    }
    call.limitBody(STRANGERS_BODY_BYTES);
  }
  if (node) {
    const { method, peer } = call;
    options.admission.require(node, { method, peer, fingerprint: key.fingerprint });
  }
  const connection = call.connection ?? options.httpSessions.of(key.id, node, call);
  const { peer, patienceMs } = call;
  const program = programOf(call);
  return { key, publicKeyPem, timestampMicros, peer, connection, program, patienceMs };
}

/** What the headers tell of the caller's program (Flower 1.30 and newer name their release). */
function programOf({ headers, connection }: IncomingCall): NodeProgram {
  const version = headers.text("flwr-package-version") ?? "";
  return {
    transport: connection ? "grpc" : "http",
    ...(/^[\w.+-]{1,40}$/.test(version) ? { version } : {}),
  };
}
