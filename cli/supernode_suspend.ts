/**
 * `supernode suspend | resume`: shut SuperNodes out for a while.
 *
 * @module
 */

import type { Command } from "./command_tree.ts";
import { withControl } from "./control.ts";
import { NODE_IDS_POSITIONALS, splitNodeIds } from "./node_ids.ts";
import { FORMAT_FLAG, report } from "./report.ts";
import { findConnection, processContext, TARGET_FLAGS } from "./target.ts";
import { onlyTrellis } from "./trellis_only.ts";

/** `trellis supernode suspend`. */
export const suspend: Command = action({
  word: "suspend",
  summary: "Shut SuperNodes out until they are resumed, at once and in running runs, too.",
  epilogue:
    "A suspended SuperNode waits: its process, its key and its ID stay good. Messages that " +
    "wait for it\nstay for as long as they live; for runs it is offline.",
  done: "suspended",
  already: "was suspended already",
});

/** `trellis supernode resume`. */
export const resume: Command = action({
  word: "resume",
  summary: "Let suspended SuperNodes in again.",
  epilogue: "A SuperNode that still runs comes back by itself within about 20 s.",
  done: "resumed",
  already: "was not suspended",
});

interface Action {
  readonly word: "suspend" | "resume";
  readonly summary: string;
  readonly epilogue: string;
  readonly done: string;
  /** What is said of a SuperNode that was left as it was. */
  readonly already: string;
}

function action({ word, summary, epilogue, done, already }: Action): Command {
  return {
    spec: {
      name: `trellis supernode ${word}`,
      summary,
      positionals: NODE_IDS_POSITIONALS,
      flags: [...TARGET_FLAGS, FORMAT_FLAG],
      epilogue,
    },
    run: ({ flags, positionals }, terminal) =>
      report(FORMAT_FLAG.of(flags), terminal, async () => {
        const { nodeIds, target } = splitNodeIds(positionals);
        const connection = await findConnection(target, processContext(flags));
        const { Registry: { method } } = await import("../proto/gen/trellis/v1/registry_pb.ts");
        const which = word === "suspend" ? method.suspendNodes : method.resumeNodes;
        const changed = await withControl(
          connection,
          (control) => onlyTrellis(() => control.call(which, { nodeIds: [...nodeIds] })),
        );
        const changedIds = new Set(changed.nodeIds);
        const lines = [...new Set(nodeIds)].map((nodeId) =>
          changedIds.has(nodeId)
            ? terminal.paint(`✅ SuperNode ${nodeId} ${done}.`, "green")
            : `SuperNode ${nodeId} ${already}.`
        );
        return {
          json: { "success": true, "node-ids": changed.nodeIds.map(String) },
          view: lines.join("\n"),
        };
      }),
  };
}
