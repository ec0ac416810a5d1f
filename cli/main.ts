/**
 * The CLI: everything that is neither `superlink` nor a SuperNode. A command is loaded when it is
 * called, because what one needs takes longer to load than another takes in all.
 *
 * @module
 */

import type { Terminal } from "../terminal/terminal.ts";
import { type CommandEntry, type CommandGroup, dispatch } from "./command_tree.ts";

/** The commands, in the order of the help text. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "trellis new",
    summary: "Make a Flower app to start from.",
    load: async () => (await import("./new.ts")).newCommand,
  },
  {
    name: "trellis run",
    summary: "Run a Flower app on a SuperLink.",
    load: async () => (await import("./run.ts")).runCommand,
  },
  {
    name: "trellis list",
    summary: "List runs, oldest first, or show everything of one. Short: ls.",
    aliases: ["ls"],
    load: async () => (await import("./list.ts")).listCommand,
  },
  {
    name: "trellis log",
    summary: "Show or follow the log of a run.",
    load: async () => (await import("./log.ts")).logCommand,
  },
  {
    name: "trellis stop",
    summary: "Stop a run.",
    load: async () => (await import("./stop.ts")).stopCommand,
  },
  {
    name: "trellis pull",
    summary: "Get the address of a run's artifacts.",
    load: async () => (await import("./pull.ts")).pullCommand,
  },
  {
    name: "trellis build",
    summary: "Build a Flower App Bundle (FAB) of an app.",
    load: async () => (await import("./build.ts")).buildCommand,
  },
  {
    name: "trellis install",
    summary: "Install a Flower App Bundle (FAB) after checking every file in it.",
    load: async () => (await import("./install.ts")).installCommand,
  },
  {
    name: "trellis supernode",
    summary: "Manage the SuperNodes of a federation. (With flags only, starts a SuperNode.)",
    load: async () => (await import("./supernode.ts")).supernodeCommands,
  },
  {
    name: "trellis federation",
    summary: "Look at the federations of a SuperLink.",
    load: async () => (await import("./federation.ts")).federationCommands,
  },
  {
    name: "trellis keys",
    summary: "Make and look at the keys with which SuperNodes prove who they are.",
    load: async () => (await import("./keys.ts")).keysCommands,
  },
  {
    name: "trellis certs",
    summary: "Make TLS certificates for a federation on one machine or network.",
    load: async () => (await import("./certs.ts")).certsCommands,
  },
  {
    name: "trellis login",
    summary: "Log in to a SuperLink, or approve a login.",
    load: async () => (await import("./login.ts")).loginCommands,
  },
  {
    name: "trellis token",
    summary: "Manage who may call the Control API of a SuperLink.",
    load: async () => (await import("./token.ts")).tokenCommands,
  },
  {
    name: "trellis audit",
    summary: "Look into the audit log of a SuperLink on this machine, and prove that it is whole.",
    load: async () => (await import("./audit.ts")).auditCommands,
  },
  {
    name: "trellis backup",
    summary: "Back up a SuperLink's state into one file, while it serves or not.",
    load: async () => (await import("./backup.ts")).backupCommand,
  },
  {
    name: "trellis restore",
    summary: "Bring back a SuperLink's state from a backup, where no SuperLink serves.",
    load: async () => (await import("./backup.ts")).restoreCommand,
  },
  {
    name: "trellis verify",
    summary: "Check that a SuperLink's database is whole, where no SuperLink serves it.",
    load: async () => (await import("./backup.ts")).verifyCommand,
  },
  {
    name: "trellis health",
    summary: "Exit with 0 when a SuperLink serves, and with 1 when it does not.",
    load: async () => (await import("./health.ts")).healthCommand,
  },
  {
    name: "trellis completion",
    summary: "Print a script that completes command lines in a shell.",
    load: async () => (await import("./completion.ts")).completionCommand,
  },
  {
    name: "trellis config",
    summary: "Look at the declared connections to SuperLinks.",
    load: async () => (await import("./config.ts")).configCommands,
  },
];

const cli: CommandGroup = {
  name: "trellis",
  summary: "A SuperLink, SuperNode and CLI for Flower federations.",
  commands: COMMANDS,
  otherWords: ["superlink"],
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
