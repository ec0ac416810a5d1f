/**
 * A proxy that ends TLS, as a platform does in front of what it runs.
 *
 * @module
 */

import type { Certificates } from "./credentials.ts";
import { freePort } from "./ports.ts";

/** A proxy in the test's own process; the end of its `await using` block closes all connections. */
export class TlsProxy implements AsyncDisposable {
  readonly address: string;
  readonly #listener: Deno.TlsListener;
  readonly #target: Deno.ConnectOptions;
  readonly #open = new Set<Deno.Conn>();
  readonly #working = new Set<Promise<void>>();

  private constructor(listener: Deno.TlsListener, address: string, target: Deno.ConnectOptions) {
    this.#listener = listener;
    this.address = address;
    this.#target = target;
    this.#work(this.#accept());
  }

  /** Listens on a free port for connections to `target` (`host:port`). */
  static async start(target: string, { certificate, key }: Certificates): Promise<TlsProxy> {
    const [hostname = "", targetPort = ""] = target.split(":");
    const port = freePort();
    const listener = Deno.listenTls({
      hostname: "127.0.0.1",
      port,
      cert: await Deno.readTextFile(certificate),
      key: await Deno.readTextFile(key),
    });
    return new TlsProxy(listener, `127.0.0.1:${port}`, { hostname, port: Number(targetPort) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) close(connection);
    await Promise.all(this.#working);
  }

  async #accept(): Promise<void> {
    for (;;) {
      let connection: Deno.TlsConn;
      try {
        connection = await this.#listener.accept();
      } catch (error) {
        if (error instanceof Deno.errors.BadResource) return;
        // A handshake that failed.
        continue;
      }
      this.#work(this.#carry(connection));
    }
  }

  async #carry(from: Deno.Conn): Promise<void> {
    this.#open.add(from);
    let to: Deno.Conn | undefined;
    try {
      to = await Deno.connect(this.#target);
      this.#open.add(to);
      await Promise.all([copy(from, to), copy(to, from)]);
    } catch {
      // Nothing listens, or one of the two is gone: so is the other.
    }
    for (const connection of [from, to]) {
      if (!connection) continue;
      this.#open.delete(connection);
      close(connection);
    }
  }

  #work(task: Promise<void>): void {
    const working = task.finally(() => this.#working.delete(working));
    this.#working.add(working);
  }
}

/** Copies until `from` ends; then both are closed, as half-open connections serve nobody here. */
async function copy(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  try {
    for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
      for (let done = 0; done < count;) done += await to.write(buffer.subarray(done, count));
    }
  } finally {
    close(from);
    close(to);
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
