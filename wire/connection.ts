/**
 * What stands for the process on the other side of calls, for rules that ask whether it is gone.
 *
 * @module
 */

/** One peer's connection, the same object for every call that it carries. */
export interface Connection {
  /** `address:port` of the peer, or `unknown`. */
  readonly peer: string;
  /** Aborts when the connection is closed by either side or found dead. */
  readonly closed: AbortSignal;
  /**
   * Takes note that the peer gave up a call which was held for it, where that is all that tells of
   * its end (HTTP/1.1).
   */
  gaveUp?(): void;
}
