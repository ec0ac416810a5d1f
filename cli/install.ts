/**
 * `install`: a FAB into the directory from which apps are run.
 *
 * @module
 */

import { basename } from "node:path";
import { FabError } from "../fab/fab_error.ts";
import { checkFabFileName, installFab } from "../fab/install_fab.ts";
import { readFab } from "../fab/read_fab.ts";
import { switchFlag, textFlag } from "../terminal/flags.ts";
import { flwrHome } from "../terminal/flwr_home.ts";
import type { Command } from "./command_tree.ts";
import { FORMAT_FLAG, report } from "./report.ts";

const HOME_FLAG = textFlag("flwr-dir", "DIRECTORY", "Flower's home; the app goes below `apps`.", {
  defaultText: "$FLWR_HOME",
});
const FORCE_FLAG = switchFlag("force", "Replace the app if it is installed already.");

/** `trellis install`. */
export const installCommand: Command = {
  spec: {
    name: "trellis install",
    summary: "Install a Flower App Bundle (FAB) after checking every file in it.",
    positionals: [{ name: "FAB", help: "The file, with its own name", required: true }],
    flags: [HOME_FLAG, FORCE_FLAG, FORMAT_FLAG],
  },
  run: ({ flags, positionals: [file = ""] }, terminal) =>
    report(FORMAT_FLAG.of(flags), terminal, async () => {
      const fab = readFab(await readFile(file));
      checkFabFileName(basename(file), fab);
      const home = HOME_FLAG.of(flags) ?? flwrHome();
      const { directory, wasInstalled } = await installFab(fab, home, {
        replace: FORCE_FLAG.of(flags),
      });
      const isNew = !wasInstalled || FORCE_FLAG.of(flags);
      return {
        json: { "success": true, "fab-hash": fab.hash, "directory": directory, "installed": isNew },
        view: isNew
          ? terminal.paint(
            `🎊 Successfully installed ${fab.app.name} to ${directory}.`,
            "bold",
            "green",
          )
          : `${fab.app.name} ${fab.app.version} is already installed in ${directory}. ` +
            "Use --force to replace it.",
      };
    }),
};

async function readFile(file: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(file);
  } catch (cause) {
    const why = cause instanceof Deno.errors.NotFound ? "does not exist" : "cannot be read";
    throw new FabError(`The FAB "${file}" ${why}.`, { cause });
  }
}
