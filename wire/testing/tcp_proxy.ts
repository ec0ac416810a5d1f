import type { Address } from "../address.ts";

/**
 * Stands between two ends of TCP connections and can stop to pass anything on, as a network does
 * that is gone without a word. The end of its `await using` block closes everything.
 */
export class TcpProxy implements AsyncDisposable {
  readonly address: Address;
  readonly #listener: Deno.TcpListener;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #tasks = new Set<Promise<void>>();
  #frozen = false;

  constructor({ host: hostname, port }: Address) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.address = { host: "127.0.0.1", port: this.#listener.addr.port };
    this.#run(async () => {
      for await (const near of this.#listener) {
        const far = await Deno.connect({ hostname, port });
        this.#pass(near, far);
        this.#pass(far, near);
      }
    });
  }

  /** From now on neither end hears of the other, and neither is told. */
  freeze(): void {
    this.#frozen = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
    await Promise.all(this.#tasks);
  }

  #pass(from: Deno.TcpConn, to: Deno.TcpConn): void {
    this.#connections.add(from);
    this.#run(async () => {
      const bytes = new Uint8Array(16 * 1024);
      for (let size; (size = await from.read(bytes)) !== null;) {
        if (this.#frozen) continue;
        for (let sent = 0; sent < size;) sent += await to.write(bytes.subarray(sent, size));
      }
      if (!this.#frozen) await to.closeWrite();
    });
  }

  #run(task: () => Promise<void>): void {
    // An end that is closed, by a peer or by us, is the end of its task.
    const running = task().catch(() => {}).finally(() => this.#tasks.delete(running));
    this.#tasks.add(running);
  }
}
