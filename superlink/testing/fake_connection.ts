import type { Connection } from "../../wire/connection.ts";

/** A connection that a test closes. */
export class FakeConnection implements Connection {
  readonly peer: string;
  readonly #closing = new AbortController();

  constructor(peer = "192.0.2.1:1234") {
    this.peer = peer;
  }

  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  close(): void {
    this.#closing.abort();
  }
}
