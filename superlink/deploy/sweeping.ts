/** When there is no `Deno.cron`; each isolate does it then. */
const PERIOD_MS = 10_000;
const EVERY_MINUTE = "* * * * *";

/**
 * Sweeps by the clock: by `Deno.cron`, which also runs when no isolate does, or by a timer where there is
 * none (it is there on Deno Deploy, and elsewhere with `--unstable-cron`).
 */
export function startSweeping(sweep: () => Promise<void>): void {
  const cron: unknown = Reflect.get(Deno, "cron");
  if (typeof cron === "function") {
    Reflect.apply(cron, Deno, ["trellis sweep", EVERY_MINUTE, sweep]);
    return;
  }
  let busy = false;
  const timer = setInterval(async () => {
    if (busy) return;
    busy = true;
    await sweep();
    busy = false;
  }, PERIOD_MS);
  Deno.unrefTimer(timer);
}
