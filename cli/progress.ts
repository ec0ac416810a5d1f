import type { Terminal } from "../terminal/terminal.ts";

/** A slow step is worth a line that counts the seconds; a fast one is not. */
const PERIOD_MS = 700;
const BAR_LENGTH = 20;

/**
 * Shows on a terminal what is under way and for how long, as in `Uploading 12 MB`, until it ends; with
 * a bar where the work says how much of it is done.
 */
export async function withProgress<T>(
  terminal: Pick<Terminal, "progress">,
  doing: string,
  work: (advance: (done: number, total: number) => void) => Promise<T>,
  { periodMs = PERIOD_MS } = {},
): Promise<T> {
  const start = performance.now();
  let shown = false;
  let bar = "";
  const timer = setInterval(() => {
    const seconds = (performance.now() - start) / 1000;
    terminal.progress(`${doing}${bar}, for ${seconds.toFixed(0)} s...`);
    shown = true;
  }, periodMs);
  try {
    return await work((done, total) => bar = barOf(done, total));
  } finally {
    clearInterval(timer);
    if (shown) terminal.progress("");
  }
}

function barOf(done: number, total: number): string {
  if (total === 0) return "";
  const part = Math.min(done / total, 1);
  const length = Math.floor(part * BAR_LENGTH);
  return ` [${"#".repeat(length).padEnd(BAR_LENGTH, ".")}] ${Math.floor(part * 100)} %`;
}
