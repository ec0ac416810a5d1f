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

/** Why a file cannot be used, as the end of a sentence. */
export function whyNot(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "it or its directory does not exist";
  if (error instanceof Deno.errors.PermissionDenied) return "permission is denied";
  if (error instanceof Deno.errors.NotCapable) return "Deno was not given the permission";
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  if (error instanceof Deno.errors.NotADirectory) return "a part of its path is not a directory";
  return error instanceof Error ? `of "${error.message}"` : "of an unknown error";
}
