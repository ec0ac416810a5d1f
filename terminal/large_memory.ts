/**
 * Memory for messages of megabytes.
 *
 * The C library of most Linux systems, glibc, gives a large piece of memory back to the system when it
 * is freed, and takes that as a reason to keep the next one of its size: from then on large pieces lie
 * on its heap, between small ones that live long, and what is free there stays with the process. The
 * same holds of the 16 to 64 KiB in which sockets and HTTP/2 hand a message on, which it never gives
 * back by itself. 100 MB of objects left a SuperLink with 270 to 330 MB so, of which it used 120.
 *
 * @module
 */

/** `M_MMAP_THRESHOLD` of `malloc.h`; setting it keeps glibc from moving it. */
const MMAP_THRESHOLD = -3;
/** Below what sockets read and write at once; it is 128 KiB in glibc. */
const THRESHOLD_BYTES = 8 * 1024;

/**
 * Has large pieces of memory always given back. Does nothing where there is no glibc, or where this
 * program may not call it.
 */
export function giveBackLargeMemory(): void {
  if (Deno.build.os !== "linux") return;
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return;
  try {
    const glibc = Deno.dlopen("libc.so.6", {
      mallopt: { parameters: ["i32", "i32"], result: "i32" },
    });
    glibc.symbols.mallopt(MMAP_THRESHOLD, THRESHOLD_BYTES);
    glibc.close();
  } catch {
    // Another C library has its own way.
  }
}
