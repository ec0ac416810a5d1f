import { delay } from "@std/async";
import { describeFailure } from "../terminal/failure.ts";
import { switchFlag } from "../terminal/flags.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { onInterrupt } from "./interrupt.ts";

/** `--watch`. */
export const WATCH_FLAG = switchFlag("watch", "Show it again every 2 s until Ctrl-C.");

const PERIOD_MS = 2_000;
/** To the upper left corner, and nothing below it. */
const CLEAR = "\x1b[H\x1b[2J";

/**
 * Shows something again and again until Ctrl-C, or until nobody reads it: in place on a terminal, and
 * with a blank line between elsewhere. What fails is told, and tried again, but for the first time:
 * most likely the command line is wrong then. Gives the exit code.
 */
export async function watch(
  show: (terminal: Terminal) => Promise<number>,
  terminal: Terminal,
  {
    isTerminal = Deno.stdout.isTerminal(),
    interrupts = onInterrupt,
    periodMs = PERIOD_MS,
  } = {},
): Promise<number> {
  using interrupt = interrupts();
  const signal = AbortSignal.any([interrupt.signal, terminal.unread]);
  const quiet: Terminal = { ...terminal, say: () => {} };
  for (let times = 0; !signal.aborted; times++) {
    let shown = "";
    const print = (text: string) => void (shown += `${text}\n`);
    try {
      const code = await show({ ...quiet, print });
      if (times === 0 && code !== 0) {
        terminal.write(shown);
        return code;
      }
    } catch (error) {
      if (times === 0) throw error;
      shown = `${describeFailure(error).message}\n`;
    }
    terminal.write(isTerminal ? CLEAR + shown : times === 0 ? shown : `\n${shown}`);
    await delay(periodMs, { signal }).catch(() => {});
  }
  return 0;
}
