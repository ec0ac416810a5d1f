/** A port could not be listened on. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  /** What a person can do about it. */
  readonly remedy = "Stop the program that uses the port, or choose another address.";
}
