/**
 * `run`: ships an app to a SuperLink and starts it.
 *
 * @module
 */

import type { SuperLinkConnection } from "../config/connection.ts";
import { fuseRunConfig } from "../config/run_config.ts";
import { readUserConfig, unpairedText, type UserConfig } from "../config/user_config.ts";
import type { BuiltFab } from "../fab/build_fab.ts";
import { ExitError, UsageError } from "../terminal/errors.ts";
import { listFlag, switchFlag, textFlag } from "../terminal/flags.ts";
import type { JsonValue } from "../terminal/json.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { buildAppFab } from "./app_fab.ts";
import type { Command } from "./command_tree.ts";
import { withControl } from "./control.ts";
import { followRun } from "./log.ts";
import { FORMAT_FLAG, report } from "./report.ts";
import {
  appDirectory,
  FEDERATION_CONFIG_FLAG,
  findConnection,
  processContext,
  TARGET_FLAGS,
  TARGET_POSITIONALS,
  targetWords,
} from "./target.ts";
import { withProgress } from "./progress.ts";
import { showBytes } from "./show_bytes.ts";

const RUN_CONFIG_FLAG = listFlag(
  "run-config",
  "PAIRS",
  `Override the app's config, as in 'rounds=5 name="x"', or name a TOML file.`,
  { alias: "c" },
);
const FEDERATION_FLAG = textFlag(
  "federation",
  "NAME",
  "The federation of the SuperLink to run in, as `federation list` shows it.",
  { defaultText: "what the connection says" },
);
const STREAM_FLAG = switchFlag("stream", "Follow the log of the run until it is finished.");

/** `trellis run`. */
export const runCommand: Command = {
  spec: {
    name: "trellis run",
    summary: "Run a Flower app on a SuperLink.",
    positionals: TARGET_POSITIONALS,
    flags: [
      RUN_CONFIG_FLAG,
      ...TARGET_FLAGS,
      FEDERATION_CONFIG_FLAG,
      FEDERATION_FLAG,
      STREAM_FLAG,
      FORMAT_FLAG,
    ],
    epilogue: "Example: trellis run . local-deployment --stream --run-config 'num-server-rounds=5'",
  },
  async run({ flags, positionals }, terminal) {
    const runConfig = RUN_CONFIG_FLAG.of(flags);
    requirePairs(runConfig);
    const [first] = positionals;
    const isRemote = first?.startsWith("@") ?? false;
    const target = isRemote ? [".", ...positionals.slice(1)] : positionals;
    let started: { connection: SuperLinkConnection; runId: bigint } | undefined;
    const code = await report(FORMAT_FLAG.of(flags), terminal, async (say) => {
      const overrides = await readUserConfig(runConfig);
      const app = isRemote
        ? remoteApp(first ?? "")
        : await localApp(await appDirectory(target), overrides, terminal, say);
      const declared = await findConnection(target, processContext(flags));
      const connection = {
        ...declared,
        federation: FEDERATION_FLAG.of(flags) ?? declared.federation,
      };
      say(app.talk);
      const runId = await withProgress(
        terminal,
        `Uploading ${showBytes(app.fab?.content.length ?? 0)}`,
        () => startRun(connection, overrides, app),
      );
      started = { connection, runId };
      return {
        json: { "success": true, "run-id": String(runId), ...app.json },
        view: terminal.paint(`🎊 Successfully started run ${runId}`, "green"),
      };
    });
    if (code !== 0 || started === undefined || !STREAM_FLAG.of(flags)) return code;
    return await followRun({ ...started, target: targetWords(target, flags) }, terminal);
  },
};

/** What is to be run: a FAB of ours, or an app that the SuperLink fetches. */
interface RunnableApp {
  readonly fab?: BuiltFab;
  readonly appSpec?: string;
  readonly talk: string;
  readonly json: { readonly [name: string]: JsonValue };
}

/** Text that belongs to no pair has no effect, so it is a mistake. */
function requirePairs(runConfig: readonly string[]): void {
  for (const text of runConfig.filter((text) => !text.endsWith(".toml"))) {
    const left = unpairedText(text);
    if (left === "") continue;
    throw new UsageError(
      `--run-config has "${left}", which is no key=value pair.`,
      "Write it without blanks around the equals sign, and texts with blanks in quotes.",
    );
  }
}

async function localApp(
  directory: string,
  overrides: UserConfig,
  terminal: Terminal,
  say: (line: string) => void,
): Promise<RunnableApp> {
  const build = () => buildAppFab(directory);
  const { fab, warnings } = await withProgress(terminal, "Building the app", build);
  for (const warning of warnings) say(warning);
  const { app, content, fileName, hash } = fab;
  fuseRunConfig(app.config, overrides);
  return {
    fab,
    talk: `Uploading ${fileName} (${showBytes(content.length)})...`,
    json: {
      "fab-id": app.fabId,
      "fab-name": app.name,
      "fab-version": app.version,
      "fab-hash": hash.slice(0, 8),
      "fab-filename": fileName,
    },
  };
}

function remoteApp(appSpec: string): RunnableApp {
  if (!/^@[\w.-]+\/[\w.-]+(==\d+\.\d+\.\d+)?$/.test(appSpec)) {
    throw new ExitError(`"${appSpec}" does not name an app on Flower's platform.`, {
      remedy: "Write @account/app, or @account/app==1.2.3 for a version.",
    });
  }
  return { appSpec, talk: `Asking the SuperLink to fetch ${appSpec}...`, json: {} };
}

async function startRun(
  connection: SuperLinkConnection,
  overrides: UserConfig,
  { fab, appSpec = "" }: RunnableApp,
): Promise<bigint> {
  const run = {
    fab,
    appSpec,
    overrides,
    federation: connection.federation,
    options: connection.options,
  };
  const runId = await withControl(connection, (control) => control.startRun(run));
  if (runId !== 0n) return runId;
  throw new ExitError("The SuperLink did not start the run, and did not say why.", {
    remedy: "Flower 1.25 answers so when a FAB is too large. Look at the SuperLink's log.",
  });
}
