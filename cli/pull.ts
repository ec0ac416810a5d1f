/**
 * `pull`: where the artifacts of a run can be had.
 *
 * @module
 */

import { printable } from "../terminal/display_width.ts";
import { ExitError, UsageError } from "../terminal/errors.ts";
import { textFlag } from "../terminal/flags.ts";
import type { Command } from "./command_tree.ts";
import { withControl } from "./control.ts";
import { parseId, requireUint64 } from "./id.ts";
import {
  FEDERATION_CONFIG_FLAG,
  findConnection,
  processContext,
  TARGET_FLAGS,
  TARGET_POSITIONALS,
} from "./target.ts";

const RUN_ID_FLAG = textFlag("run-id", "RUN_ID", "The run, as `ls` shows it.");

/** `trellis pull`: `--run-id N [APP] [FEDERATION]`, or `RUN_ID [SUPERLINK]` as from Flower 1.26 on. */
export const pullCommand: Command = {
  spec: {
    name: "trellis pull",
    summary: "Get the address of a run's artifacts.",
    positionals: [
      { name: "RUN_ID", help: "As `ls` shows it, unless --run-id gives it", required: false },
      ...TARGET_POSITIONALS,
    ],
    flags: [RUN_ID_FLAG, ...TARGET_FLAGS, FEDERATION_CONFIG_FLAG],
  },
  async run({ flags, positionals }, terminal) {
    const flag = RUN_ID_FLAG.of(flags);
    const [id, ...target] = flag === undefined ? positionals : [flag, ...positionals];
    if (id === undefined) throw new UsageError("The argument RUN_ID is missing.");
    const runId = parseId(id, "RUN_ID");
    requireUint64(runId);
    const url = await withControl(
      await findConnection(target, processContext(flags)),
      (control) => control.pullArtifacts(runId),
    );
    if (url === "") {
      throw new ExitError(`The SuperLink has no address for the artifacts of run ${runId}.`);
    }
    terminal.print(`✅ Artifacts for run ${runId} can be downloaded from: ${printable(url)}`);
    return 0;
  },
};
