/**
 * `federation list | show`: the federations of a SuperLink.
 *
 * @module
 */

import type { Run } from "../proto/gen/flwr/proto/run_pb.ts";
import type { JsonValue } from "../terminal/json.ts";
import { renderTable, type TableOptions } from "../terminal/table.ts";
import type { Command, CommandGroup } from "./command_tree.ts";
import { withControl } from "./control.ts";
import type { FederationContents } from "./control_client.ts";
import { LIST_FORMAT_FLAG, reportList } from "./list_report.ts";
import { type ListedNode, listNodes, NODE_COLUMNS, nodeCells } from "./node_view.ts";
import { FORMAT_FLAG, report } from "./report.ts";
import { runApp, runSeconds, runStatus, runStatusCells } from "./run_view.ts";
import { findConnection, processContext, TARGET_FLAGS, TARGET_POSITIONALS } from "./target.ts";
import { timestampUs } from "./timestamp.ts";

const list: Command = {
  spec: {
    name: "trellis federation list",
    summary: "List the federations of a SuperLink.",
    positionals: TARGET_POSITIONALS,
    flags: [...TARGET_FLAGS, LIST_FORMAT_FLAG],
  },
  aliases: ["ls"],
  run: ({ flags, positionals }, terminal) =>
    reportList(LIST_FORMAT_FLAG.of(flags), terminal, async (say) => {
      const connection = await findConnection(positionals, processContext(flags));
      say("📄 Listing federations...");
      const names = await withControl(connection, (control) => control.listFederations());
      const records = names.map((name) => ({ "name": name }));
      return {
        json: records,
        records,
        columns: ["name"],
        view: renderTable(
          [{ header: "Federation", keepWhole: true }],
          names.map((name) => [{ text: name }]),
          { paint: terminal.paint, maxWidth: terminal.columns },
        ),
      };
    }),
};

const show: Command = {
  spec: {
    name: "trellis federation show",
    summary: "Show the members, SuperNodes and runs of a federation.",
    positionals: TARGET_POSITIONALS,
    flags: [...TARGET_FLAGS, FORMAT_FLAG],
  },
  run: ({ flags, positionals }, terminal) =>
    report(FORMAT_FLAG.of(flags), terminal, async (say) => {
      const connection = await findConnection(positionals, processContext(flags));
      say(`📄 Showing '${connection.federation}' federation ...`);
      const answer = await withControl(
        connection,
        (control) => control.showFederation(connection.federation),
      );
      const contents = contentsOf(answer);
      return {
        json: contentsJson(contents),
        view: contentsView(contents, { paint: terminal.paint, maxWidth: terminal.columns }),
      };
    }),
};

/** `trellis federation`. */
export const federationCommands: CommandGroup = {
  name: "trellis federation",
  summary: "Look at the federations of a SuperLink.",
  commands: [list, show],
};

interface Contents {
  readonly members: FederationContents["members"];
  readonly nodes: readonly ListedNode[];
  readonly runs: readonly Run[];
  readonly now: string;
}

function contentsOf({ members, nodes, runs, now }: FederationContents): Contents {
  return {
    members,
    nodes: listNodes(nodes),
    runs: runs.toSorted((a, b) =>
      (timestampUs(a.pendingAt) ?? 0) - (timestampUs(b.pendingAt) ?? 0)
    ),
    now,
  };
}

/** Three lists, their names with underscores: Flower 1.25.0's shape. */
function contentsJson({ members, nodes, runs, now }: Contents): JsonValue {
  return [
    members.map(({ id, role }) => ({ "member_id": id, "role": role })),
    nodes.map(({ info, status }) => ({
      "node_id": String(info.nodeId),
      "owner": info.ownerName,
      "status": status,
    })),
    runs.map((run) => ({
      "run_id": String(run.runId),
      "app": runApp(run),
      "status": runStatus(run),
      "elapsed": runSeconds(run, now),
    })),
  ];
}

function contentsView({ members, nodes, runs, now }: Contents, options: TableOptions): string {
  const shown = nodes.filter(({ status }) => status !== "unregistered");
  return [
    renderTable(
      [{ header: "Account ID", keepWhole: true }, { header: "Role" }],
      members.map(({ id, role }) => [{ text: id }, { text: role }]),
      { ...options, title: "Federation Members" },
    ),
    renderTable(NODE_COLUMNS, shown.map((node) => nodeCells(node)), {
      ...options,
      title: "SuperNodes in the Federation",
    }),
    renderTable(
      [
        { header: "Run ID", keepWhole: true },
        { header: "App" },
        { header: "Status" },
        { header: "Elapsed" },
      ],
      runs.map((run) => [
        { text: String(run.runId), styles: ["bold"] },
        { text: runApp(run) },
        ...runStatusCells(run, now),
      ]),
      { ...options, title: "Runs in the Federation" },
    ),
  ].join("\n");
}
