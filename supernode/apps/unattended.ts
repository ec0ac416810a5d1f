import type { Log } from "../../terminal/log.ts";
import type { Clock } from "../clock.ts";
import type { Task } from "./task.ts";

/** When nobody starts ClientApps, the log says so after this long. */
const UNATTENDED_MS = 30_000;

/** Says once that nobody came for a message, when that is so after half a minute. */
export async function warnWhenUnattended(
  { run: { run }, ended }: Task,
  isUnattended: () => boolean,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<void> {
  const done = new AbortController();
  void ended.promise.then(() => done.abort());
  await clock.sleep(UNATTENDED_MS, done.signal);
  if (done.signal.aborted || !isUnattended()) return;
  log.warning(
    "app.unattended",
    `A message of run ${run.runId} waits for a ClientApp process, and none asks for it. ` +
      "Start `flower-superexec` for this SuperNode (up to Flower 1.37 with --plugin-type clientapp), " +
      "or use --isolation subprocess.",
    { runId: `${run.runId}` },
  );
}
