import type { Address } from "../address.ts";

/**
 * Where a program serves the processes that it starts on this machine, with less work for a call than
 * gRPC takes.
 */
export interface LocalApi {
  readonly address: Address;
  /** What a process must say first, for others on this machine can connect too. Never logged. */
  readonly key: Uint8Array<ArrayBuffer>;
}

/** The length of a {@linkcode LocalApi.key}. */
export const KEY_BYTES = 32;
