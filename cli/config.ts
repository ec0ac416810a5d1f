/**
 * `config list`: the SuperLinks that are declared for this directory and this user.
 *
 * @module
 */

import { join } from "node:path";
import {
  type ConnectionFile,
  readAppConnections,
  readHomeConnections,
} from "../config/connection_files.ts";
import { flwrHome } from "../terminal/flwr_home.ts";
import { renderTable } from "../terminal/table.ts";
import type { Command, CommandGroup } from "./command_tree.ts";
import { LIST_FORMAT_FLAG, reportList } from "./list_report.ts";

const list: Command = {
  spec: {
    name: "trellis config list",
    summary: "List the SuperLinks that an app's pyproject.toml and config.toml declare.",
    positionals: [{
      name: "APP",
      help: "Directory of the Flower app (default: .)",
      required: false,
    }],
    flags: [LIST_FORMAT_FLAG],
  },
  aliases: ["ls"],
  run: ({ flags, positionals: [directory] }, terminal) =>
    reportList(LIST_FORMAT_FLAG.of(flags), terminal, async () => {
      const home = await readHomeConnections(flwrHome());
      const app = await appConnections(directory);
      const rows = (app ? [app, home] : [home]).flatMap(rowsOf);
      const records = rows.map(({ name, address, file, isDefault }) => ({
        "name": name,
        "address": address ?? null,
        "file": file,
        "default": isDefault,
      }));
      return {
        json: { "success": true, "connections": records },
        records,
        columns: ["name", "address", "file", "default"],
        view: renderTable(
          [{ header: "Name", keepWhole: true }, { header: "Address" }, { header: "Declared in" }],
          rows.map(({ name, address, file, isDefault }) => [
            { text: isDefault ? `${name} (default)` : name, styles: ["bold"] },
            { text: address ?? "none (simulation)" },
            { text: file },
          ]),
          { paint: terminal.paint, maxWidth: terminal.columns },
        ),
      };
    }),
};

/** `trellis config`. */
export const configCommands: CommandGroup = {
  name: "trellis config",
  summary: "Look at the declared connections to SuperLinks.",
  commands: [list],
};

/** The app's connections; without an argument, a directory that is no app has none. */
async function appConnections(directory: string | undefined): Promise<ConnectionFile | undefined> {
  if (directory !== undefined) return await readAppConnections(directory);
  try {
    await Deno.stat(join(".", "pyproject.toml"));
  } catch {
    return undefined;
  }
  return await readAppConnections(".");
}

function rowsOf({ connections, defaultName, file }: ConnectionFile) {
  return Array.from(connections, ([name, { address }]) => ({
    name,
    address: typeof address === "string" ? address : undefined,
    file,
    isDefault: name === defaultName,
  }));
}
