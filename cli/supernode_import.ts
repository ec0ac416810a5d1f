/**
 * `supernode import`: register the SuperNodes of a file or folder.
 *
 * @module
 */

import { printable } from "../terminal/display_width.ts";
import { ExitError } from "../terminal/errors.ts";
import type { Command } from "./command_tree.ts";
import { withControl } from "./control.ts";
import { UPLOAD_TIMEOUT_MS } from "./control_client.ts";
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
      const file = await readRegistryFile(path, Date.now() * 1000);
      if (file.faults.length > 0) throw wrong(file.faults);
      const connection = await findConnection(target, processContext(flags));
      say(`📄 Importing ${file.nodes.length} SuperNodes...`);
      const request = { nodes: file.nodes.map(({ node }) => node) };
      const answer = await withControl(
        connection,
        (control) =>
          withProgress(
            terminal,
            `Importing ${file.nodes.length} SuperNodes`,
            () => onlyTrellis(() => control.call(method.registerNodes, request, UPLOAD_TIMEOUT_MS)),
          ),
      );
      if (answer.faults.length > 0) {
        throw wrong(
          answer.faults.map(({ index, text }) =>
            `${file.nodes[index]?.place ?? `number ${index + 1}`}: ${printable(text)}`
          ),
        );
      }
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

function wrong(faults: readonly string[]): ExitError {
  const more = faults.length - FAULTS_SHOWN;
  return new ExitError(
    [
      "Nothing was imported, because of:",
      ...faults.slice(0, FAULTS_SHOWN).map((fault) => `  ${fault}`),
      ...(more > 0 ? [`  and ${more} more`] : []),
    ].join("\n"),
    { remedy: "Correct this and import it again." },
  );
}
