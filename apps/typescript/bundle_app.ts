/**
 * Bundles TypeScript apps: what goes into a FAB so that nodes need nothing but the FAB.
 *
 * @module
 */

import { join } from "node:path";
import type { OnResolveArgs, Plugin } from "esbuild-wasm/lib/browser.js";
import { SDK_MODULE } from "../../sdk/gen/sdk_module.ts";
import { BundleError, bundleModules } from "./esbuild.ts";
import type { AppKind } from "../app_process.ts";
import { bundlePath, pythonPaths, SDK_PATH } from "./bundle_paths.ts";

/** The bare name under which app code imports the SDK. */
const SDK = "@trellis/sdk";
const SDK_FROM_BUNDLE = "./sdk.js";
/** What goes into the FAB as it is, too. */
const SOURCE = /\.(ts|tsx|mts|js|mjs|jsx)$/;

/** What is bundled of an app: its components, as `pyproject.toml` names them. */
export interface Components {
  /** `package.module:attribute`: the export `attribute` of `package/module.ts`. */
  readonly serverApp: string;
  readonly clientApp: string;
}

/**
 * Bundles the components of the app in `folder` that are written in TypeScript; of others there must
 * be a Python module. Gives the files to add to the FAB, by path: a module of JavaScript for each
 * component, the SDK that they share, and, for those who want to read what their nodes run, the
 * sources. The same sources give the same bytes.
 *
 * App code may import its own files (TypeScript, JavaScript, JSON, and others as text or bytes with
 * `with { type: "text" }` or `"bytes"`), `@trellis/sdk`, and Deno's `node:` modules.
 *
 * @throws {BundleError} when a component's module is not there or cannot be bundled, or when there
 * is nothing to bundle.
 */
export async function bundleTypeScriptApp(
  folder: string,
  { serverApp, clientApp }: Components,
): Promise<Map<string, Uint8Array>> {
  const components: readonly Component[] = [
    { kind: "serverapp", reference: serverApp },
    { kind: "clientapp", reference: clientApp },
  ];
  const inTypeScript = components.filter((component) => isTypeScript(folder, component));
  if (inTypeScript.length === 0) {
    throw new BundleError(
      `The app in "${folder}" has no component in TypeScript, although its pyproject.toml says ` +
        'so: [tool.trellis] runtime = "typescript".',
    );
  }
  const files = new Map<string, Uint8Array>([[SDK_PATH, new TextEncoder().encode(SDK_MODULE)]]);
  const bundles = await bundleModules(inTypeScript.map((component) => ({
    entry: entryOf(component),
    plugin: appFiles(folder, files),
    banner: `// ${component.reference}, bundled by Trellis.`,
  })));
  inTypeScript.forEach(({ kind }, index) => {
    files.set(bundlePath(kind), bundles[index] ?? new Uint8Array());
  });
  return files;
}

interface Component {
  readonly kind: AppKind;
  readonly reference: string;
}

function isTypeScript(folder: string, { reference }: Component): boolean {
  const path = modulePath(reference);
  if (isFile(join(folder, path))) return true;
  if (pythonPaths(reference).some((python) => isFile(join(folder, python)))) return false;
  throw new BundleError(`The app's "${reference}" needs a file "${path}", which is not there.`);
}

/** The file of a reference such as `package.module:attribute`. */
function modulePath(reference: string): string {
  const [module = ""] = reference.split(":");
  return `${module.replaceAll(".", "/")}.ts`;
}

/**
 * The app's module is imported when the worker asks for it, so that an error in it is reported as the
 * app's. The bundler turns that import into a function in the same file.
 */
function entryOf({ reference }: Component): string {
  const [, attribute = ""] = reference.split(":");
  const module = JSON.stringify(`./${modulePath(reference)}`);
  return `import { serveApp } from ${JSON.stringify(SDK)};
serveApp(${JSON.stringify(reference)}, async () => (await import(${module}))[${
    JSON.stringify(attribute)
  }]);`;
}

/**
 * Resolves and reads what app code imports, and adds sources to `sources`. Paths are relative to
 * `folder`, and stay below it.
 */
function appFiles(folder: string, sources: Map<string, Uint8Array>): Plugin {
  return {
    name: "app",
    setup(build) {
      build.onResolve({ filter: /./ }, (args) => resolve(folder, args));
      build.onLoad({ filter: /./, namespace: "app" }, async ({ path, with: { type } }) => {
        const contents = await Deno.readFile(join(folder, path));
        if (SOURCE.test(path)) sources.set(path, contents);
        const loader = type === "text" ? "text" : type === "bytes" ? "binary" : "default";
        return { contents, loader };
      });
    },
  };
}

function resolve(folder: string, { path, importer }: OnResolveArgs) {
  if (path === SDK) return { path: SDK_FROM_BUNDLE, external: true };
  if (path.startsWith("node:")) return { path, external: true };
  if (!/^\.\.?\//.test(path)) {
    return refuse(
      `The app imports "${path}". It can import its own files ("./…"), "${SDK}" and "node:" ` +
        "modules; copy a library's module into the app's folder to use it.",
    );
  }
  // The root is a stand-in, to see where `..` leads.
  const root = new URL("file:///app/");
  const { href } = new URL(path, new URL(importer, root));
  if (!href.startsWith(root.href)) {
    return refuse(`The app imports "${path}", which is outside of its folder.`);
  }
  const inApp = decodeURIComponent(href.slice(root.href.length));
  if (!isFile(join(folder, inApp))) {
    return refuse(`The app imports "${path}", and there is no file "${inApp}".`);
  }
  return { path: inApp, namespace: "app" };
}

function refuse(text: string) {
  return { errors: [{ text }] };
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
