/**
 * `build`: an app as a Flower App Bundle.
 *
 * @module
 */

import { join } from "node:path";
import { textFlag } from "../terminal/flags.ts";
import { buildAppFab } from "./app_fab.ts";
import type { Command } from "./command_tree.ts";
import { withProgress } from "./progress.ts";
import { FORMAT_FLAG, report } from "./report.ts";

const APP_FLAG = textFlag("app", "DIRECTORY", "Directory of the Flower app.", { defaultText: "." });
const OUTPUT_FLAG = textFlag("output", "DIRECTORY", "Where the FAB goes.", { defaultText: "." });

/** `trellis build`. */
export const buildCommand: Command = {
  spec: {
    name: "trellis build",
    summary: "Build a Flower App Bundle (FAB) of an app.",
    flags: [APP_FLAG, OUTPUT_FLAG, FORMAT_FLAG],
    epilogue: "Files that the app's .gitignore names are left out. The FAB of a Python app has " +
      "the same bytes as the one that Flower 1.25 builds.",
  },
  run: ({ flags }, terminal) =>
    report(FORMAT_FLAG.of(flags), terminal, async (say) => {
      const { fab, warnings } = await withProgress(
        terminal,
        "Building the app",
        () => buildAppFab(APP_FLAG.of(flags) ?? "."),
      );
      for (const warning of warnings) say(warning);
      await writeWhole(join(OUTPUT_FLAG.of(flags) ?? ".", fab.fileName), fab.content);
      return {
        json: {
          "success": true,
          "fab-id": fab.app.fabId,
          "fab-version": fab.app.version,
          "fab-hash": fab.hash,
          "fab-filename": fab.fileName,
        },
        view: terminal.paint(`🎊 Successfully built ${fab.fileName}`, "bold", "green"),
      };
    }),
};

/** A FAB of an earlier build stays until there is another one. */
async function writeWhole(path: string, content: Uint8Array): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}`;
  try {
    await Deno.writeFile(temporary, content, { createNew: true });
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}
