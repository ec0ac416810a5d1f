/**
 * The bundler, esbuild in WebAssembly: it runs in this process on every machine, without a program
 * of its own, and so from a compiled executable too. It is loaded only when something is bundled.
 *
 * @module
 */

import type { BuildOptions, Message, Plugin } from "esbuild-wasm/lib/browser.js";

/** Source that cannot be bundled; the message lists each place and what is wrong there. */
export class BundleError extends Error {
  override readonly name = "BundleError";
}

/** What {@linkcode bundleModule} makes a module of. */
export interface BundleInput {
  /** The source that the bundle starts with. */
  readonly entry: string;
  /** Tells where imports lead and what is there. */
  readonly plugin: Plugin;
  /** A comment at the top. */
  readonly banner: string;
}

const OPTIONS = {
  bundle: true,
  write: false,
  format: "esm",
  platform: "neutral",
  target: "esnext",
  charset: "utf8",
  legalComments: "inline",
  logLevel: "silent",
} as const satisfies BuildOptions;

/**
 * Bundles each input into one module of JavaScript; the same sources give the same bytes.
 *
 * One call at a time. Throws a {@linkcode BundleError}.
 */
export async function bundleModules(inputs: readonly BundleInput[]): Promise<Uint8Array[]> {
  const { default: esbuild } = await import("esbuild-wasm/lib/browser.js");
  const wasm = await Deno.readFile(new URL(import.meta.resolve("esbuild-wasm/esbuild.wasm")));
  await esbuild.initialize({ wasmModule: await WebAssembly.compile(wasm), worker: false });
  try {
    const bundles: Uint8Array[] = [];
    for (const { entry, plugin, banner } of inputs) {
      const { outputFiles: [bundle] } = await esbuild.build({
        ...OPTIONS,
        stdin: { contents: entry, loader: "ts", sourcefile: "entry" },
        banner: { js: banner },
        plugins: [plugin],
      });
      if (bundle === undefined) throw new BundleError("The bundler gave no module.");
      bundles.push(bundle.contents);
    }
    return bundles;
  } catch (error) {
    throw error instanceof Error && "errors" in error && Array.isArray(error.errors)
      ? new BundleError(error.errors.map(describe).join("\n"), { cause: error })
      : error;
  } finally {
    await esbuild.stop();
  }
}

function describe({ text, location }: Message): string {
  if (location === null) return text;
  // The place without the plugin's namespace.
  const file = location.file.replace(/^[\w-]+:/, "");
  return `${file}:${location.line}:${location.column + 1}: ${text}`;
}
