/**
 * The signals that ask a program to stop.
 *
 * @module
 */

const STOP_SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGQUIT"];

/** A request to stop that may come from outside. */
export interface StopRequest extends Disposable {
  /** Aborts at the first signal; its reason is the signal's name. */
  readonly signal: AbortSignal;
  /** Gives the first signal's name. */
  readonly stopped: Promise<string>;
}

/**
 * Listens for SIGINT, SIGTERM and SIGQUIT (Flower's graceful endings) until it is disposed. A
 * second one ends the process at once, for a person who will not wait.
 */
export function onStopSignals(): StopRequest {
  const stop = new AbortController();
  const { promise: stopped, resolve } = Promise.withResolvers<string>();
  const listeners = STOP_SIGNALS.map((name) => {
    const listener = () => {
      if (stop.signal.aborted) Deno.exit(1);
      stop.abort(name);
      resolve(name);
    };
    Deno.addSignalListener(name, listener);
    return () => Deno.removeSignalListener(name, listener);
  });
  return {
    signal: stop.signal,
    stopped,
    [Symbol.dispose]() {
      for (const remove of listeners) remove();
    },
  };
}
