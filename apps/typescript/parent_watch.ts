/** How often the parent is looked for, as in Flower 1.25. */
const LOOK_EVERY_MS = 200;

/**
 * Calls `gone` once this process has another parent than `parentPid`: systems give the children of a
 * process that ends to another one. Stops looking when it is disposed.
 */
export function watchParent(parentPid: number, gone: () => void): Disposable {
  const timer = setInterval(() => {
    if (Deno.ppid === parentPid) return;
    clearInterval(timer);
    gone();
  }, LOOK_EVERY_MS);
  Deno.unrefTimer(timer);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
    },
  };
}
