/**
 * `stop`: ends a run.
 *
 * @module
 */

import { ExitError } from "../terminal/errors.ts";
import type { Command } from "./command_tree.ts";
import { withControl } from "./control.ts";
import { parseId, requireUint64 } from "./id.ts";
import { FORMAT_FLAG, report } from "./report.ts";
import {
  FEDERATION_CONFIG_FLAG,
  findConnection,
  processContext,
  TARGET_FLAGS,
  TARGET_POSITIONALS,
} from "./target.ts";

/** `trellis stop`. */
export const stopCommand: Command = {
  spec: {
    name: "trellis stop",
    summary: "Stop a run.",
    positionals: [
      { name: "RUN_ID", help: "As `ls` shows it", required: true },
      ...TARGET_POSITIONALS,
    ],
    flags: [...TARGET_FLAGS, FEDERATION_CONFIG_FLAG, FORMAT_FLAG],
  },
  run({ flags, positionals: [id = "", ...target] }, terminal) {
    const runId = parseId(id, "RUN_ID");
    return report(FORMAT_FLAG.of(flags), terminal, async (say) => {
      requireUint64(runId);
      const connection = await findConnection(target, processContext(flags));
      say(`✋ Stopping run ID ${runId}...`);
      const stopped = await withControl(connection, (control) => control.stopRun(runId));
      if (!stopped) throw new ExitError(`Run ${runId} could not be stopped.`);
      return {
        json: { "success": true, "run-id": String(runId) },
        view: terminal.paint(`✅ Run ${runId} successfully stopped.`, "green"),
      };
    });
  },
};
