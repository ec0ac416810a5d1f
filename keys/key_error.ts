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
