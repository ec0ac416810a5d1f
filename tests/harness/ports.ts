/**
 * Ports for programs that cannot be given port 0, as Flower's cannot.
 *
 * @module
 */

/** Below the range from which systems take the ports of outgoing connections. */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
const ATTEMPTS = 3;

const given = new Set<number>();

/** A port on which nothing listens, given out once for each test process. */
export function freePort(): number {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (given.has(port) || !isFree(port)) continue;
    given.add(port);
    return port;
  }
}

/** An address of the loopback interface with a free port. */
export function freeAddress(): string {
  return `127.0.0.1:${freePort()}`;
}

/**
 * Calls `start`, which picks free ports for what it starts, again when somebody else took one of
 * them in between.
 */
export async function retryOnPortClash<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await start();
    } catch (error) {
      const clash = error instanceof Error && /already in use/i.test(error.message);
      if (!clash || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Whether something accepts connections at the address. */
export async function accepts(address: string): Promise<boolean> {
  const [hostname = "", port = ""] = address.split(":");
  try {
    using _ = await Deno.connect({ hostname, port: Number(port) });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}

function isFree(port: number): boolean {
  try {
    using _ = Deno.listen({ hostname: "0.0.0.0", port });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
