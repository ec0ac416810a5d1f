import type { Log } from "../terminal/log.ts";
import { loadServerTls, type ServerTls, type ServerTlsFiles } from "../wire/tls.ts";

/** What is done when the files have changed. */
export interface TlsWatchOptions {
  readonly changed: (tls: ServerTls) => Promise<void>;
  readonly log: Log;
  /** How often the files are read, in milliseconds. */
  readonly periodMs?: number;
}

const PERIOD_MS = 30_000;

/**
 * Looks whether the TLS files have changed, and hands on what they hold once it is good for use. While
 * they are not, halfway through being replaced, say, the server goes on with what it has.
 */
export function watchTlsFiles(
  files: ServerTlsFiles,
  current: ServerTls,
  { changed, log, periodMs = PERIOD_MS }: TlsWatchOptions,
): Disposable {
  let known = textOf(current);
  let told = "";
  let busy = false;
  const look = async () => {
    try {
      const { tls, warnings } = await loadServerTls(files);
      if (textOf(tls) === known) return;
      await changed(tls);
      known = textOf(tls);
      told = "";
      log.info("superlink.tls-changed", "New connections see the TLS certificate that changed.");
      for (const warning of warnings) log.warning("superlink.warning", warning);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (why === told) return;
      told = why;
      log.warning(
        "superlink.tls-not-changed",
        `The SuperLink goes on with the TLS certificate that it has. ${why}`,
      );
    }
  };
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    void look().finally(() => busy = false);
  }, periodMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function textOf({ certificatePem, keyPem, caPem }: ServerTls): string {
  return [certificatePem, keyPem, caPem].join("\n");
}
