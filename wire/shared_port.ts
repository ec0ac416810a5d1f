/**
 * One port for gRPC and HTTP/1.1 without TLS, for peers of different generations that expect either
 * at the same address.
 *
 * @module
 */

import { acceptAll } from "./accept.ts";
import type { Address } from "./address.ts";
import { ListenError } from "./listen_error.ts";
import { writeAll } from "./write_all.ts";

/** Where the two protocols are really served. */
export interface SharedPortTargets {
  /** What begins as HTTP/2 does (RFC 9113, section 3.4), as gRPC without TLS must. */
  readonly http2: Address;
  /** Everything else. */
  readonly http1: Address;
}

const HTTP2_PREFACE = new TextEncoder().encode("PRI * HTTP/2.0\r\n");
/** So many bytes tell it from every method of HTTP/1.1. */
const TELLING_BYTES = 3;
/** How long a connection may be silent before it says what it speaks. */
const SILENCE_MS = 10_000;
const CHUNK_BYTES = 64 * 1024;

/** A port that passes each connection on to the server of its protocol. */
export class SharedPort {
  readonly #targets: SharedPortTargets;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #tasks = new Set<Promise<void>>();
  #listener: Deno.TcpListener | undefined;

  constructor(targets: SharedPortTargets) {
    this.#targets = targets;
  }

  /** Listens on `address` and gives the address really used. Throws {@linkcode ListenError}. */
  listen(address: Address): Address {
    const { host: hostname, port } = address;
    try {
      const listener = Deno.listen({ hostname, port });
      this.#listener = listener;
      this.#run(() =>
        acceptAll(listener, (near) => {
          this.#connections.add(near);
          this.#run(() => this.#serve(near));
        })
      );
      return { host: hostname, port: listener.addr.port };
    } catch (cause) {
      throw new ListenError(address, cause);
    }
  }

  /** Takes no new connections, and closes those that have not ended within `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    this.#listener?.close();
    this.#listener = undefined;
    const timer = setTimeout(() => this.#closeAll(), graceMs);
    await Promise.all(this.#tasks);
    clearTimeout(timer);
  }

  async #serve(near: Deno.TcpConn): Promise<void> {
    let far: Deno.TcpConn | undefined;
    try {
      const first = await this.#firstBytes(near);
      const target = isHttp2(first) ? this.#targets.http2 : this.#targets.http1;
      far = await Deno.connect({ hostname: target.host, port: target.port });
      this.#connections.add(far);
      await writeAll(far, first);
      await Promise.all([pass(near, far), pass(far, near)]);
    } finally {
      this.#close(near);
      if (far) this.#close(far);
    }
  }

  /** What came first, enough to tell the protocol, or all there was. */
  async #firstBytes(near: Deno.TcpConn): Promise<Uint8Array> {
    const bytes = new Uint8Array(CHUNK_BYTES);
    const timer = setTimeout(() => this.#close(near), SILENCE_MS);
    let size = 0;
    try {
      while (size < TELLING_BYTES) {
        const read = await near.read(bytes.subarray(size));
        if (read === null) break;
        size += read;
      }
    } finally {
      clearTimeout(timer);
    }
    return bytes.subarray(0, size);
  }

  #close(connection: Deno.TcpConn): void {
    if (this.#connections.delete(connection)) connection.close();
  }

  #closeAll(): void {
    for (const connection of [...this.#connections]) this.#close(connection);
  }

  #run(task: () => Promise<void>): void {
    // An end that is closed, by a peer or by us, is the end of its task.
    const running = task().catch(() => {}).finally(() => this.#tasks.delete(running));
    this.#tasks.add(running);
  }
}

function isHttp2(first: Uint8Array): boolean {
  return first.length >= TELLING_BYTES &&
    first.subarray(0, TELLING_BYTES).every((byte, index) => byte === HTTP2_PREFACE[index]);
}

async function pass(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  const bytes = new Uint8Array(CHUNK_BYTES);
  for (let size; (size = await from.read(bytes)) !== null;) {
    await writeAll(to, bytes.subarray(0, size));
  }
  await to.closeWrite();
}
