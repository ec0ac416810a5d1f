/** Turns Ctrl-C into an abort for as long as it is in use, instead of the end of the process. */
export function onInterrupt(): { readonly signal: AbortSignal } & Disposable {
  const interrupted = new AbortController();
  const abort = () => interrupted.abort();
  Deno.addSignalListener("SIGINT", abort);
  return {
    signal: interrupted.signal,
    [Symbol.dispose]: () => Deno.removeSignalListener("SIGINT", abort),
  };
}
