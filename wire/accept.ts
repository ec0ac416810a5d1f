import { delay } from "@std/async";

/** Until a process has room for another connection again. */
const PAUSE_MS = 100;

/**
 * Takes the connections of a listener until that is closed. A machine that is out of file descriptors
 * or memory for a moment does not end it.
 */
export async function acceptAll<C>(
  listener: { accept(): Promise<C> },
  take: (connection: C) => void,
): Promise<void> {
  for (;;) {
    try {
      take(await listener.accept());
    } catch (error) {
      const isClosed = error instanceof Deno.errors.BadResource ||
        error instanceof Deno.errors.Interrupted;
      if (isClosed) return;
      await delay(PAUSE_MS);
    }
  }
}
