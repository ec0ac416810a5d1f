import { importVerifyKey, type PublicKey, readPublicKey } from "../../keys/public_key.ts";
import { KeyError } from "../../keys/key_error.ts";
import { GONE_MS, Recent } from "./recent.ts";

/** A key that was read from a header, ready to verify with. */
export interface KnownKey {
  readonly key: PublicKey;
  readonly verifyKey: CryptoKey;
}

/** A P-521 key's PEM has 268 bytes; twice that leaves room for other line ends. */
const MAX_PEM_BYTES = 600;
/** About 2 KiB each. */
const CACHE_LIMIT = 10_000;

/**
 * Reads the public keys of headers, and keeps those that were used lately: parsing and importing one
 * costs as much as half a verification.
 */
export class KnownKeys {
  readonly #cache = new Recent<string, KnownKey>(CACHE_LIMIT, GONE_MS);

  /** The key of a PEM; `undefined` when it cannot be used. */
  async read(pem: Uint8Array): Promise<KnownKey | undefined> {
    if (pem.length > MAX_PEM_BYTES) return undefined;
    const text = new TextDecoder().decode(pem);
    const cached = this.#cache.get(text);
    if (cached) return cached;
    const key = readSpkiPem(text);
    if (!key) return undefined;
    const known = { key, verifyKey: await importVerifyKey(key) };
    this.#cache.set(text, known);
    return known;
  }
}

/** The key of an SPKI PEM, the only form that travels; `undefined` for all else. */
export function readSpkiPem(text: string): PublicKey | undefined {
  if (!text.trimStart().startsWith("-----BEGIN PUBLIC KEY-----")) return undefined;
  try {
    return readPublicKey(text);
  } catch (error) {
    if (error instanceof KeyError) return undefined;
    throw error;
  }
}
