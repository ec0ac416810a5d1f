/** Why a key, a key file or a request for one was refused. */
export type KeyErrorReason =
  | "not-ec"
  | "unsupported-curve"
  | "encrypted"
  | "private-key"
  | "public-key"
  | "malformed"
  | "missing"
  | "unreadable"
  | "exists"
  | "unwritable"
  | "invalid-argument";

/**
 * A key or key file that cannot be used.
 *
 * `message` is one sentence for a person and holds no key material; `remedy`, where there is one,
 * is a second sentence that says what to do.
 */
export class KeyError extends Error {
  override readonly name = "KeyError";

  constructor(
    readonly reason: KeyErrorReason,
    message: string,
    readonly remedy?: string,
  ) {
    super(message);
  }
}

/** The remedy for a key of another kind. */
export const CURVE_HINT = "Use an ECDSA key on P-256, P-384 or P-521, as `keys generate` makes.";

/** A private key whose parts do not hold together. */
export function damagedPrivateKey(): KeyError {
  return new KeyError(
    "malformed",
    "The private key is damaged.",
    "Restore the file from a copy, or make a new key with `keys generate`.",
  );
}

/** A private key that needs a passphrase, which no program of a federation asks for. */
export function encryptedKey(): KeyError {
  return new KeyError(
    "encrypted",
    "The private key is protected by a passphrase.",
    'Write a copy without one: `ssh-keygen -p -N "" -f <copy of the file>`.',
  );
}
