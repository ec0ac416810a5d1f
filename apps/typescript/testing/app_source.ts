/**
 * Apps for tests, already in JavaScript, as the bundler would leave them.
 *
 * @module
 */

import { join } from "node:path";
import type { AppConfig } from "../../../fab/app_config.ts";
import { buildFab } from "../../../fab/build_fab.ts";
import { SDK_MODULE } from "../../../sdk/gen/sdk_module.ts";
import type { AppKind } from "../../app_process.ts";
import { bundlePath, SDK_PATH } from "../bundle_paths.ts";

/** The source of each component that the app has. */
export type AppSource = { readonly [K in AppKind]?: string };

const encoder = new TextEncoder();

/**
 * The files of bundles. The source may use all that the SDK exports, and ends with the value of the
 * component's `app`.
 */
export function bundlesOf(source: AppSource): Map<string, Uint8Array> {
  const files = new Map([[SDK_PATH, encoder.encode(SDK_MODULE)]]);
  for (const kind of ["serverapp", "clientapp"] as const) {
    const code = source[kind];
    if (code !== undefined) files.set(bundlePath(kind), encoder.encode(bundleOf(kind, code)));
  }
  return files;
}

function bundleOf(kind: AppKind, code: string): string {
  return `import * as sdk from "./sdk.js";
const { ArrayRecord, ClientApp, ConfigRecord, FedAvg, MetricRecord, RecordDict, ServerApp } = sdk;
sdk.serveApp("${kind}:app", async () => {
${code}
});
`;
}

/** A FAB of an app, with settings for `[tool.flwr.app.config]`. */
export async function fabOf(source: AppSource, config = ""): Promise<Uint8Array> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(
      join(folder, "pyproject.toml"),
      `[project]
name = "tested"
version = "1.0.0"

[tool.flwr.app]
publisher = "trellis"

[tool.flwr.app.components]
serverapp = "serverapp:app"
clientapp = "clientapp:app"

[tool.flwr.app.config]
${config}

[tool.trellis]
runtime = "typescript"
`,
    );
    const bundle = (_folder: string, _app: AppConfig) => Promise.resolve(bundlesOf(source));
    return (await buildFab(folder, bundle)).content;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
