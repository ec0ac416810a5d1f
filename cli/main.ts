/**
 * The CLI: everything that is neither `superlink` nor a SuperNode.
 *
 * @module
 */

import type { Terminal } from "../terminal/terminal.ts";
import { certsCommands } from "./certs.ts";
import { configCommands } from "./config.ts";
import { buildCommand } from "./build.ts";
import { type CommandGroup, dispatch } from "./command_tree.ts";
import { federationCommands } from "./federation.ts";
import { installCommand } from "./install.ts";
import { keysCommands } from "./keys.ts";
import { listCommand } from "./list.ts";
import { logCommand } from "./log.ts";
import { newCommand } from "./new.ts";
import { pullCommand } from "./pull.ts";
import { runCommand } from "./run.ts";
import { stopCommand } from "./stop.ts";
import { supernodeCommands } from "./supernode.ts";

const cli: CommandGroup = {
  name: "trellis",
  summary: "A SuperLink, SuperNode and CLI for Flower federations.",
  commands: [
    newCommand,
    runCommand,
    listCommand,
    logCommand,
    stopCommand,
    pullCommand,
    buildCommand,
    installCommand,
    supernodeCommands,
    federationCommands,
    keysCommands,
    certsCommands,
    configCommands,
  ],
  epilogue: [
    "Servers:",
    "  superlink  The server of a federation (see `trellis superlink --help`)",
    "  supernode  With flags only: a node of a federation (see `trellis supernode --help`)",
    "",
    "Each command explains itself with --help.",
  ].join("\n"),
};

/** Runs a CLI command line and gives its exit code. Errors are thrown. */
export async function cliCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  return await dispatch(cli, args, terminal);
}
