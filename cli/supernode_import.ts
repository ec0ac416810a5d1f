/**
 * `supernode import`: register the SuperNodes of a file or folder.
 *
 * @module
 */

import { printable } from "../terminal/display_width.ts";
import { ExitError } from "../terminal/errors.ts";
import { describeFailure } from "../terminal/failure.ts";
import type { Fault } from "../proto/gen/trellis/v1/registry_pb.ts";
import type { Command } from "./command_tree.ts";
import { withControl } from "./control.ts";
import { UPLOAD_TIMEOUT_MS } from "./control_client.ts";
import type { FileFault, FileNode } from "./registry_file.ts";
import { FORMAT_FLAG, report } from "./report.ts";
import { findConnection, processContext, TARGET_FLAGS, TARGET_POSITIONALS } from "./target.ts";
import { onlyTrellis } from "./trellis_only.ts";
import { withProgress } from "./progress.ts";

/** More wrong lines are counted, not shown. */
const FAULTS_SHOWN = 50;

/** `trellis supernode import`. */
export const importNodes: Command = {
  spec: {
    name: "trellis supernode import",
    summary: "Register the SuperNodes of a CSV file, or the keys of a folder: all or none of them.",
    positionals: [
      { name: "PATH", help: "CSV file with a head, or folder with .pub files", required: true },
      ...TARGET_POSITIONALS,
    ],
    flags: [...TARGET_FLAGS, FORMAT_FLAG],
    epilogue: "The columns are public-key or key-file, name, location, labels (as in a=b;c=d), " +
      "expires (90d, 2027-01-31,\nnever) and status; what `supernode export` writes can be read " +
      "again. SuperNodes that are registered\nbecome as the file says, and what it does not say " +
      "stays. Doing it again changes nothing.",
  },
  run: ({ flags, positionals: [path = "", ...target] }, terminal) =>
    report(FORMAT_FLAG.of(flags), terminal, async (say) => {
      const [{ readRegistryFile }, { Registry: { method } }] = await Promise.all([
        import("./registry_file.ts"),
        import("../proto/gen/trellis/v1/registry_pb.ts"),
      ]);
      const { nodes, faults } = await readRegistryFile(path, Date.now() * 1000);
      const connection = await findConnection(target, processContext(flags));
      const register = (checkOnly: boolean) => {
        const request = { nodes: nodes.map(({ node }) => node), checkOnly };
        return withControl(
          connection,
          (control) =>
            onlyTrellis(() => control.call(method.registerNodes, request, UPLOAD_TIMEOUT_MS)),
        );
      };
      if (faults.length > 0) {
        const told = await othersOf(nodes, () => register(true));
        throw wrong([...faults, ...told.faults], told.remedy);
      }
      say(`📄 Importing ${nodes.length} SuperNodes...`);
      const title = `Importing ${nodes.length} SuperNodes`;
      const answer = await withProgress(terminal, title, () => register(false));
      if (answer.faults.length > 0) throw wrong(placed(answer.faults, nodes));
      const count = (outcome: string) =>
        answer.nodes.filter((node) => node.outcome === outcome).length;
      return {
        json: {
          "success": true,
          "nodes": answer.nodes.map(({ nodeId, outcome }) => ({
            "node-id": String(nodeId),
            "outcome": outcome,
          })),
        },
        view: terminal.paint(
          `✅ ${count("registered")} registered, ${count("updated")} updated, ` +
            `${count("unchanged")} unchanged.`,
          "green",
        ),
      };
    }),
};

/** What the SuperLink finds wrong with those that could be read. */
async function othersOf(
  nodes: readonly FileNode[],
  check: () => Promise<{ readonly faults: readonly Fault[] }>,
): Promise<{ readonly faults: readonly FileFault[]; readonly remedy?: string }> {
  if (nodes.length === 0) return { faults: [] };
  try {
    return { faults: placed((await check()).faults, nodes) };
  } catch (error) {
    const { message } = describeFailure(error);
    return { faults: [], remedy: `The SuperLink was not asked about the others. ${message}` };
  }
}

/** What a SuperLink says of the nodes of a file, with their places there. */
function placed(faults: readonly Fault[], nodes: readonly FileNode[]): FileFault[] {
  return faults.map(({ index, text, sameKeyAs }) => {
    const { place = `number ${index + 1}`, order = index } = nodes[index] ?? {};
    const before = sameKeyAs === undefined ? undefined : nodes[sameKeyAs]?.place;
    const sentence = before === undefined ? text : `It has the same key as ${before}.`;
    return { place, order, text: sentence };
  });
}

function wrong(
  faults: readonly FileFault[],
  remedy = "Correct this and import it again.",
): ExitError {
  const more = faults.length - FAULTS_SHOWN;
  const sorted = faults.toSorted((a, b) => a.order - b.order);
  return new ExitError(
    [
      "Nothing was imported, because of:",
      ...sorted.slice(0, FAULTS_SHOWN).map(({ place, text }) =>
        `  ${printable(`${place}: ${text}`)}`
      ),
      ...(more > 0 ? [`  and ${more} more`] : []),
    ].join("\n"),
    { remedy },
  );
}
