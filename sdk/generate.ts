/**
 * Generates `sdk/gen`: the SDK as one module of JavaScript, in the form in which it goes into the
 * FABs of TypeScript apps. It is made here and not when an app is built, because that takes seconds
 * and because an executable does not hold its own sources.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { bundleModules } from "../apps/typescript/esbuild.ts";

const ROOT = new URL("../", import.meta.url);
const OUTPUT = new URL("gen/sdk_module.ts", import.meta.url);
const PROTOBUF = "@bufbuild/protobuf";
const PROTOBUF_ROOT = new URL("../../", import.meta.resolve(PROTOBUF));

const BANNER =
  `// The Trellis SDK (Apache-2.0), with @bufbuild/protobuf: Copyright 2021-2026 Buf Technologies, Inc.,
// Apache-2.0, and, in its wire format code, Copyright 2008 Google Inc., BSD-3-Clause.`;

/** Where the modules of a namespace are. */
const ROOTS = new Map([["trellis", ROOT], ["protobuf", PROTOBUF_ROOT]]);

/** The text of `sdk/gen/sdk_module.ts`, for the sources as they are. Takes seconds. */
export async function generateSdkModule(): Promise<string> {
  const [bundle] = await bundleModules([{
    entry: 'export * from "trellis:sdk/bundled.ts";',
    banner: BANNER,
    plugin: {
      name: "trellis",
      setup(build) {
        build.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, external: true }));
        build.onResolve({ filter: /^trellis:/ }, ({ path }) => ({
          path: path.slice("trellis:".length),
          namespace: "trellis",
        }));
        build.onResolve({ filter: /^@bufbuild\/protobuf/ }, ({ path }) => ({
          path: below(PROTOBUF_ROOT, new URL(import.meta.resolve(path))),
          namespace: "protobuf",
        }));
        build.onResolve({ filter: /^\./ }, ({ path, importer, namespace }) => {
          const root = rootOf(namespace);
          return { path: below(root, new URL(path, new URL(importer, root))), namespace };
        });
        build.onLoad({ filter: /./ }, async ({ path, namespace }) => ({
          contents: await Deno.readFile(new URL(path, rootOf(namespace))),
          loader: path.endsWith(".ts") ? "ts" : "js",
        }));
      },
    },
  }]);
  const source = new TextDecoder().decode(bundle);
  const literal = source.replaceAll("\\", "\\\\").replaceAll("`", "\\`").replaceAll("${", "\\${");
  return [
    "// Generated from sdk/bundled.ts by `deno task gen`. Do not edit.",
    "",
    "/** The SDK as one module of JavaScript. */",
    `export const SDK_MODULE = \`${literal}\`;`,
    "",
    "/** Hex SHA-256 over the sources that the module names, to see whether it is up to date. */",
    `export const SDK_SOURCES_HASH = "${await hashSources(source)}";`,
    "",
  ].join("\n");
}

/** Hashes the sources that a bundle names in its comments. */
export async function hashSources(bundle: string): Promise<string> {
  const hash = createHash("sha256");
  for (const [, namespace = "", path = ""] of bundle.matchAll(/^\/\/ (trellis|protobuf):(.+)$/gm)) {
    hash.update(`${path}\0`).update(await Deno.readFile(new URL(path, rootOf(namespace))));
  }
  return hash.digest("hex");
}

function rootOf(namespace: string): URL {
  const root = ROOTS.get(namespace);
  if (root === undefined) throw new Error(`There are no modules in "${namespace}".`);
  return root;
}

function below(root: URL, url: URL): string {
  if (!url.href.startsWith(root.href)) throw new Error(`"${url}" is not below "${root}".`);
  return url.href.slice(root.href.length);
}

if (import.meta.main) {
  await Deno.mkdir(new URL(".", OUTPUT), { recursive: true });
  await Deno.writeTextFile(OUTPUT, await generateSdkModule());
}
