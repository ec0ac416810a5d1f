/**
 * `trellis app-process`: runs the ServerApp or ClientApp of a TypeScript app. A SuperLink or SuperNode
 * starts it; a person does so only with `--isolation process`.
 *
 * @module
 */

import { type CommandSpec, HELP_FLAG, helpText, parseCommand } from "../../terminal/command.ts";
import { UsageError } from "../../terminal/errors.ts";
import { type Flag, numberFlag, textFlag } from "../../terminal/flags.ts";
import { flwrHome } from "../../terminal/flwr_home.ts";
import { onStopSignals } from "../../terminal/stop_signals.ts";
import { processTerminal } from "../../terminal/terminal.ts";
import { parseAddress } from "../../wire/address.ts";
import { appPermissionFlags, appPermissions } from "./app_permissions.ts";
import type { AppProcessOptions } from "./app_process_options.ts";
import { runClientAppProcess } from "./client_app_process.ts";
import { watchParent } from "./parent_watch.ts";
import { runServerAppProcess } from "./server_app_process.ts";

const flags = {
  apiAddress: textFlag(
    "api-address",
    "HOST:PORT",
    "The SuperLink's ServerAppIo or the SuperNode's ClientAppIo API, without TLS.",
  ),
  parentPid: numberFlag(
    "parent-pid",
    "PID",
    "End when this process, which must be the parent, has ended.",
    { min: 1, max: 2 ** 31, integer: true },
  ),
  flwrDirectory: textFlag("flwr-dir", "DIR", "Where FABs are unpacked.", {
    defaultText: "FLWR_HOME",
  }),
  ...appPermissionFlags,
} as const;

const spec: CommandSpec = {
  name: "trellis app-process",
  summary: "Run the ServerApp or ClientApp of a TypeScript app. Its token is read from stdin.",
  positionals: [{ name: "KIND", help: "serverapp or clientapp.", required: true }],
  flags: Object.values(flags),
  epilogue: "The app may read its own folder, and do nothing else unless a flag allows it.",
};

/** Runs `app-process` and gives the exit code. Throws an `ExitError`. */
export async function appProcessCommand(args: readonly string[]): Promise<number> {
  const parsed = parseCommand(spec, args);
  if (HELP_FLAG.of(parsed.flags)) {
    processTerminal().print(helpText(spec));
    return 0;
  }
  const [kind] = parsed.positionals;
  if (kind !== "serverapp" && kind !== "clientapp") {
    throw new UsageError(`An app process runs a serverapp or a clientapp, not "${kind}".`);
  }
  const valueOf = <T>(flag: Flag<T>): T => flag.of(parsed.flags);
  const addressText = valueOf(flags.apiAddress) ?? "";
  const apiAddress = parseAddress(addressText);
  if (apiAddress === undefined) {
    throw new UsageError(`--api-address takes HOST:PORT, not "${addressText}".`);
  }

  using stop = onStopSignals();
  const parentGone = new AbortController();
  const parentPid = valueOf(flags.parentPid);
  using _ = parentPid === undefined
    ? undefined
    : watchParent(parentPid, () => parentGone.abort("its parent has ended"));
  const options: AppProcessOptions = {
    apiAddress,
    token: await readToken(),
    flwrDirectory: valueOf(flags.flwrDirectory) ?? flwrHome(),
    permissions: appPermissions(
      valueOf(flags.allowAppRead),
      valueOf(flags.allowAppNet),
      valueOf(flags.allowAppEnv),
    ),
    show: (stream, text) => writeAll(Deno[stream], text),
    signal: AbortSignal.any([stop.signal, parentGone.signal]),
  };
  return await (kind === "serverapp" ? runServerAppProcess : runClientAppProcess)(options);
}

/** The token comes by stdin, because the command line of a process can be seen by everybody. */
async function readToken(): Promise<string> {
  const token = (await new Response(Deno.stdin.readable).text()).trim();
  if (/^[0-9a-f]{16,1024}$/.test(token)) return token;
  throw new UsageError("An app process reads its token from stdin, and there was none.");
}

const encoder = new TextEncoder();

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = encoder.encode(text);
  try {
    for (let sent = 0; sent < bytes.length;) sent += stream.writeSync(bytes.subarray(sent));
  } catch (error) {
    // Nobody reads any more, which is no reason to end.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
