/**
 * `ls` and `list`: the runs of a federation, or one of them in full.
 *
 * @module
 */

import { printable } from "../terminal/display_width.ts";
import { UsageError } from "../terminal/errors.ts";
import { numberFlag, switchFlag, textFlag } from "../terminal/flags.ts";
import { renderSheet, renderTable, type TableOptions } from "../terminal/table.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { Command } from "./command_tree.ts";
import { withControl } from "./control.ts";
import type { ListedRuns } from "./control_client.ts";
import { parseId, requireUint64 } from "./id.ts";
import { LIST_FORMAT_FLAG, reportList } from "./list_report.ts";
import { RUN_COLUMNS, RUN_FIELDS, runJson, runRow, runSheet } from "./run_view.ts";
import {
  FEDERATION_CONFIG_FLAG,
  findConnection,
  processContext,
  TARGET_FLAGS,
  TARGET_POSITIONALS,
} from "./target.ts";
import { timestampUs } from "./timestamp.ts";
import { watch, WATCH_FLAG } from "./watch.ts";

const RUN_ID_FLAG = textFlag("run-id", "RUN_ID", "Show everything of this run.");
const LIMIT_FLAG = numberFlag(
  "limit",
  "N",
  "List the N runs only that were started last.",
  { min: 1, max: 1_000_000, integer: true, defaultText: "all" },
);
const RUNS_FLAG = switchFlag("runs", "List all runs (the default).", { hidden: true });

/** `trellis list`, and `ls` for short. */
export const listCommand: Command = {
  spec: {
    name: "trellis list",
    summary: "List runs, oldest first, or show everything of one. Short: ls.",
    positionals: TARGET_POSITIONALS,
    flags: [
      RUN_ID_FLAG,
      LIMIT_FLAG,
      RUNS_FLAG,
      ...TARGET_FLAGS,
      FEDERATION_CONFIG_FLAG,
      LIST_FORMAT_FLAG,
      WATCH_FLAG,
    ],
  },
  aliases: ["ls"],
  run({ flags, positionals }, terminal) {
    const id = RUN_ID_FLAG.of(flags);
    if (id !== undefined && RUNS_FLAG.of(flags)) {
      throw new UsageError("The options --runs and --run-id are mutually exclusive.");
    }
    const runId = id === undefined ? undefined : parseId(id, "--run-id");
    const show = (terminal: Terminal) =>
      reportList(LIST_FORMAT_FLAG.of(flags), terminal, async (say) => {
        if (runId !== undefined) requireUint64(runId);
        const connection = await findConnection(positionals, processContext(flags));
        say(
          runId === undefined
            ? "📄 Listing all runs..."
            : `🔍 Displaying information for run ID ${runId}...`,
        );
        const limit = LIMIT_FLAG.of(flags);
        const listed = await withControl(
          connection,
          (control) => control.listRuns({ runId, limit }),
        );
        const { now } = listed;
        const runs = listed.runs.toSorted((a, b) =>
          (timestampUs(a.pendingAt) ?? 0) - (timestampUs(b.pendingAt) ?? 0)
        );
        const options = { paint: terminal.paint, maxWidth: terminal.columns };
        const records = runs.map((run) => runJson(run, now));
        return {
          json: { "success": true, "runs": records },
          records,
          columns: RUN_FIELDS,
          view: runId === undefined
            ? allRuns({ runs, now }, options)
            : oneRun({ runs, now }, options),
        };
      });
    return WATCH_FLAG.of(flags) ? watch(show, terminal) : show(terminal);
  },
};

/** The table, and below it why runs failed: a reason is too long for a column. */
function allRuns({ runs, now }: ListedRuns, options: TableOptions): string {
  const reasons = runs.flatMap(({ runId, status }) =>
    status?.subStatus === "failed" && status.details !== ""
      ? [`Run ${runId} failed: ${printable(status.details)}`]
      : []
  );
  return [renderTable(RUN_COLUMNS, runs.map((run) => runRow(run, now)), options), ...reasons]
    .join("\n");
}

function oneRun({ runs, now }: ListedRuns, options: TableOptions): string {
  return runs.map((run) => renderSheet(runSheet(run, now), options)).join("\n");
}
