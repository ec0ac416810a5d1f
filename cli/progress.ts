import type { Terminal } from "../terminal/terminal.ts";

/** A slow step is worth a line that counts the seconds; a fast one is not. */
const PERIOD_MS = 700;

/** Shows on a terminal what is under way and for how long, as in `Uploading 12 MB`, until it ends. */
export async function withProgress<T>(
  terminal: Pick<Terminal, "progress">,
  doing: string,
  work: () => Promise<T>,
  { periodMs = PERIOD_MS } = {},
): Promise<T> {
  const start = performance.now();
  let shown = false;
  const timer = setInterval(() => {
    const seconds = (performance.now() - start) / 1000;
    terminal.progress(`${doing}, for ${seconds.toFixed(0)} s...`);
    shown = true;
  }, periodMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    if (shown) terminal.progress("");
  }
}
