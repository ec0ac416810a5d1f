/**
 * `log`: what a run prints.
 *
 * @module
 */

import type { SuperLinkConnection } from "../config/connection.ts";
import { EXIT_CODES } from "../terminal/exit_codes.ts";
import { colourful } from "../terminal/colour.ts";
import { printable } from "../terminal/display_width.ts";
import { UsageError } from "../terminal/errors.ts";
import { switchFlag } from "../terminal/flags.ts";
import { LogTextFilter } from "../terminal/log_text.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { Command } from "./command_tree.ts";
import { withControl } from "./control.ts";
import { parseId, requireUint64 } from "./id.ts";
import { onInterrupt } from "./interrupt.ts";
import { followLog, readLog } from "./log_stream.ts";
import { runStatus } from "./run_view.ts";
import {
  FEDERATION_CONFIG_FLAG,
  findConnection,
  processContext,
  TARGET_FLAGS,
  TARGET_POSITIONALS,
  targetWords,
} from "./target.ts";

const STREAM_FLAG = switchFlag("stream", "Follow the log until the run is finished (the default).");
const SHOW_FLAG = switchFlag("show", "Show what there is now, and end.");

/** `trellis log`. */
export const logCommand: Command = {
  spec: {
    name: "trellis log",
    summary: "Show or follow the log of a run.",
    positionals: [
      { name: "RUN_ID", help: "As `ls` shows it", required: true },
      ...TARGET_POSITIONALS,
    ],
    flags: [STREAM_FLAG, SHOW_FLAG, ...TARGET_FLAGS, FEDERATION_CONFIG_FLAG],
  },
  async run({ flags, positionals: [id = "", ...target] }, terminal) {
    const runId = parseId(id, "RUN_ID");
    requireUint64(runId);
    if (STREAM_FLAG.of(flags) && SHOW_FLAG.of(flags)) {
      throw new UsageError("Give --stream or --show, not both.");
    }
    const connection = await findConnection(target, processContext(flags));
    if (SHOW_FLAG.of(flags)) {
      await readLog({ connection, runId }, logWriter(terminal));
      return 0;
    }
    const words = targetWords(target, flags);
    return await follow({ connection, runId, target: words }, terminal)
      ? EXIT_CODES.done
      : EXIT_CODES.interrupted;
  },
};

/** A run, how to reach its SuperLink, and how the command line said so. */
export interface FollowedRun {
  readonly connection: SuperLinkConnection;
  readonly runId: bigint;
  readonly target: readonly string[];
}

/**
 * Follows a run that was just started, and says how it ended. The exit code is 0 when the run was
 * completed, 1 when it failed or was stopped, 130 after Ctrl-C, which leaves the run going.
 */
export async function followRun(run: FollowedRun, terminal: Terminal): Promise<number> {
  if (!await follow(run, terminal)) return EXIT_CODES.interrupted;
  const { runId } = run;
  const { runs } = await withControl(run.connection, (control) => control.listRuns({ runId }));
  const ended = runs.find((listed) => listed.runId === runId);
  const status = ended ? runStatus(ended) : "";
  if (status === "finished:completed") return 0;
  const details = printable(ended?.status?.details ?? "");
  const reason = details === "" ? "" : `: ${details}`;
  terminal.say(terminal.paintTalk(`Run ${runId} is ${status}${reason}`, "bold", "red"));
  return 1;
}

async function follow(
  { connection, runId, target }: FollowedRun,
  terminal: Terminal,
): Promise<boolean> {
  using interrupt = onInterrupt();
  terminal.say(`Following the log of run ${runId}; Ctrl-C ends this, not the run.`);
  const isFinished = await followLog({ connection, runId }, {
    write: logWriter(terminal),
    say: terminal.say,
    signal: AbortSignal.any([interrupt.signal, terminal.unread]),
  });
  if (!isFinished) {
    const words = [runId, ...target].join(" ");
    terminal.say(
      `\nRun ${runId} goes on. Come back with \`trellis log ${words}\`, ` +
        `or end it with \`trellis stop ${words}\`.`,
    );
  }
  return isFinished;
}

function logWriter(terminal: Terminal): (text: string) => void {
  const filter = new LogTextFilter({ colours: terminal.paint === colourful });
  return (text) => terminal.write(filter.push(text));
}
