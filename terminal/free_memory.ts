/**
 * Memory for messages of megabytes.
 *
 * The C library of most Linux systems, glibc, keeps what is freed between pieces that live on, as the
 * buffers of sockets and of HTTP/2 do: after 100 MB of objects a SuperLink had 270 to 330 MB, of which
 * it used 120. Here it is asked to give back what is free, a while after the process has grown. Pieces
 * that are given back one by one (`M_MMAP_THRESHOLD`) cost more than half of all time when models are
 * moved, because the system clears each page before it gives it out again.
 *
 * @module
 */

const EVERY_MS = 5_000;
/** A process that grew by this much since it was last looked at is given some rounds. */
const GROWTH_BYTES = 32 * 1024 * 1024;
/** What is garbage is not free before it is collected, which may take a minute. */
const ROUNDS = 12;

/**
 * Has free memory given back. Does nothing where there is no glibc, or where this program may not call
 * it.
 */
export function giveBackFreeMemory(everyMs = EVERY_MS): void {
  const trim = glibcTrim();
  if (!trim) return;
  let settledBytes = Deno.memoryUsage().rss;
  let rounds = 0;
  const look = async () => {
    const { rss } = Deno.memoryUsage();
    if (rss > settledBytes + GROWTH_BYTES) rounds = ROUNDS;
    if (rounds > 0) {
      rounds--;
      await trim();
    }
    settledBytes = Deno.memoryUsage().rss;
    Deno.unrefTimer(setTimeout(look, everyMs));
  };
  Deno.unrefTimer(setTimeout(look, everyMs));
}

/** `malloc_trim` of glibc, on another thread; none where it cannot be had. */
function glibcTrim(): (() => Promise<unknown>) | undefined {
  if (Deno.build.os !== "linux") return undefined;
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return undefined;
  try {
    const { symbols } = Deno.dlopen("libc.so.6", {
      malloc_trim: { parameters: ["usize"], result: "i32", nonblocking: true },
    });
    return () => symbols.malloc_trim(0n);
  } catch {
    // Another C library has its own way.
    return undefined;
  }
}
