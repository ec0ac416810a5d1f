/**
 * `new`: a small app to start from, without a network.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { ExitError } from "../terminal/errors.ts";
import { choiceFlag, textFlag } from "../terminal/flags.ts";
import type { Command } from "./command_tree.ts";
import type { Template } from "./templates/app_files.ts";
import { numpyTemplate } from "./templates/numpy.ts";
import { typescriptTemplate } from "./templates/typescript.ts";

const TEMPLATES: Readonly<Record<"numpy" | "typescript", Template>> = {
  numpy: numpyTemplate,
  typescript: typescriptTemplate,
};

const TEMPLATE_FLAG = choiceFlag(
  "template",
  ["numpy", "typescript"],
  "What the app is written in.",
);
const PUBLISHER_FLAG = textFlag("publisher", "NAME", "Who publishes the app.", {
  defaultText: "example",
});
const DIRECTORY_FLAG = textFlag("directory", "DIRECTORY", "Where the app's directory is made.", {
  defaultText: ".",
});

/** `trellis new`. */
export const newCommand: Command = {
  spec: {
    name: "trellis new",
    summary: "Make a Flower app to start from.",
    positionals: [{ name: "NAME", help: "The app's name, and its directory's", required: true }],
    flags: [TEMPLATE_FLAG, PUBLISHER_FLAG, DIRECTORY_FLAG],
  },
  async run({ flags, positionals: [name = ""] }, terminal) {
    const publisher = PUBLISHER_FLAG.of(flags) ?? "example";
    checkName("name", name);
    checkName("publisher", publisher);
    const directory = join(DIRECTORY_FLAG.of(flags) ?? ".", name);
    await makeDirectory(directory);
    const module = name.toLowerCase().replaceAll("-", "_");
    const files = TEMPLATES[TEMPLATE_FLAG.of(flags)]({ name, module, publisher });
    try {
      for (const [path, text] of Object.entries(files)) {
        await Deno.mkdir(dirname(join(directory, path)), { recursive: true });
        await Deno.writeTextFile(join(directory, path), text, { createNew: true });
      }
    } catch (error) {
      // Half an app would be in the way of the next try.
      await Deno.remove(directory, { recursive: true }).catch(() => {});
      throw error;
    }
    terminal.print(terminal.paint(`🎊 Made the app ${name} in ${directory}.`, "bold", "green"));
    terminal.say(`Its README.md says how to run it: \`trellis run ${directory} --stream\`.`);
    return 0;
  },
};

/** Flower wants such names of apps, and files and modules are called after them. */
function checkName(what: string, name: string): void {
  if (/^[A-Za-z][A-Za-z0-9-]*$/.test(name)) return;
  throw new ExitError(`"${name}" cannot be the ${what} of an app.`, {
    remedy: name.startsWith("@")
      ? "Apps of Flower's platform are fetched with `flwr new`; this makes one of a template."
      : "Use letters, digits and hyphens, and a letter first.",
  });
}

async function makeDirectory(directory: string): Promise<void> {
  try {
    await Deno.mkdir(dirname(directory), { recursive: true });
    await Deno.mkdir(directory);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AlreadyExists)) throw cause;
    throw new ExitError(`"${directory}" exists already, and nothing in it is overwritten.`, {
      remedy: "Choose another name, or move it away first.",
    });
  }
}
