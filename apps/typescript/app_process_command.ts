/**
 * `trellis app-process`: runs the ServerApp or ClientApp of a TypeScript app. A SuperLink or SuperNode
 * starts it; a person does so only with `--isolation process`.
 *
 * @module
 */

import { decodeHex } from "@std/encoding";
import { type CommandSpec, HELP_FLAG, helpText, parseCommand } from "../../terminal/command.ts";
import { UsageError } from "../../terminal/errors.ts";
import { type Flag, switchFlag, textFlag } from "../../terminal/flags.ts";
import { flwrHome } from "../../terminal/flwr_home.ts";
import { onStopSignals } from "../../terminal/stop_signals.ts";
import { processTerminal } from "../../terminal/terminal.ts";
import { parseAddress } from "../../wire/address.ts";
import type { AppKind } from "../app_process.ts";
import { appApi } from "./app_channel.ts";
import { appPermissionFlags, appPermissions } from "./app_permissions.ts";
import type { AppProcessOptions } from "./app_process_options.ts";
import { writeText } from "./output.ts";
import { formatReport } from "./process_report.ts";
import { TokenLines } from "./token_lines.ts";

const flags = {
  apiAddress: textFlag(
    "api-address",
    "HOST:PORT",
    "The SuperLink's ServerAppIo or the SuperNode's ClientAppIo API, without TLS.",
  ),
  local: switchFlag(
    "local",
    "That API serves processes of its own: its key is the first line of stdin, in hex.",
  ),
  keep: switchFlag(
    "keep",
    "Take another token after each app, and report on stdout; end when stdin does.",
  ),
  flwrDirectory: textFlag("flwr-dir", "DIR", "Where FABs are unpacked.", {
    defaultText: "FLWR_HOME",
  }),
  ...appPermissionFlags,
} as const;

const spec: CommandSpec = {
  name: "trellis app-process",
  summary: "Run the ServerApp or ClientApp of a TypeScript app. Its token is a line of stdin.",
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

  const isKept = valueOf(flags.keep);
  using stop = onStopSignals();
  const parentGone = new AbortController();
  const tokens = new TokenLines(Deno.stdin.readable, () => {
    // Whoever gives one token may close stdin behind it.
    if (isKept) parentGone.abort("its parent has ended");
  });
  const key = valueOf(flags.local) ? await tokens.next(stop.signal) : undefined;
  using app = await appOf(kind, {
    api: await appApi(apiAddress, key === undefined ? undefined : decodeHex(key)),
    flwrDirectory: valueOf(flags.flwrDirectory) ?? flwrHome(),
    permissions: appPermissions(
      valueOf(flags.allowAppRead),
      valueOf(flags.allowAppNet),
      valueOf(flags.allowAppEnv),
    ),
    show: writeText,
    signal: AbortSignal.any([stop.signal, parentGone.signal]),
  });
  if (isKept) return await runKept(app, tokens, stop.signal);
  const token = await tokens.next(stop.signal);
  if (token !== undefined) return await app.run(token);
  throw new UsageError("An app process reads its token from stdin, and there was none.");
}

/** What a process does for a token, and between two of them. */
interface App extends Disposable {
  run(token: string): Promise<number>;
  prepare(): void;
}

/** Only the part that is needed is loaded. */
async function appOf(kind: AppKind, options: AppProcessOptions): Promise<App> {
  if (kind === "clientapp") {
    const { ClientAppProcess } = await import("./client_app_process.ts");
    return new ClientAppProcess(options);
  }
  const { runServerAppProcess } = await import("./server_app_process.ts");
  return {
    run: (token) => runServerAppProcess(options, token),
    prepare() {},
    [Symbol.dispose]() {},
  };
}

/** Runs the app for each token until there are no more; a failure to run it ends the process. */
async function runKept(app: App, tokens: TokenLines, stop: AbortSignal): Promise<number> {
  for (;;) {
    const token = await tokens.next(stop);
    if (token === undefined) return 0;
    writeText("stdout", formatReport({ kind: "taken" }));
    const exitCode = await app.run(token);
    writeText("stdout", formatReport({ kind: "done", exitCode }));
    app.prepare();
  }
}
