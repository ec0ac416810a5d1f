import { dirname, join } from "node:path";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { readAppConfig } from "../../fab/app_config.ts";
import { bundleTypeScriptApp } from "./bundle_app.ts";
import { componentRuntime } from "./bundle_paths.ts";
import { BundleError } from "./esbuild.ts";

const COMPONENTS = { serverApp: "server_app:app", clientApp: "client_app:app" };

const SERVER = `import { ServerApp } from "@trellis/sdk";
export const app = new ServerApp(() => console.log("hello"));
`;
const CLIENT = `import { ClientApp } from "@trellis/sdk";
export const app = new ClientApp();
`;

/** Bundles an app of these files. */
async function bundle(files: Record<string, string>, components = COMPONENTS) {
  const folder = await Deno.makeTempDir();
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(dirname(join(folder, path)), { recursive: true });
      await Deno.writeTextFile(join(folder, path), text);
    }
    const bundles = await bundleTypeScriptApp(folder, components);
    return new Map(
      Array.from(bundles, ([path, bytes]) => [path, new TextDecoder().decode(bytes)]),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("an app is bundled to a module for each component, the SDK, and its sources", async () => {
  const files = { "server_app.ts": SERVER, "client_app.ts": CLIENT };
  const bundles = await bundle(files);
  assertEquals([...bundles.keys()].sort(), [
    "bundle/clientapp.js",
    "bundle/sdk.js",
    "bundle/serverapp.js",
    "client_app.ts",
    "server_app.ts",
  ]);
  const server = bundles.get("bundle/serverapp.js") ?? "";
  assertStringIncludes(server, 'from "./sdk.js"');
  assertStringIncludes(server, 'serveApp("server_app:app"');
  assert(server.length < 2000);
  assertEquals(await bundle(files), bundles);
});

Deno.test("what an app imports of its own files is in the bundle", async () => {
  const bundles = await bundle({
    "apps/server.ts": `import { ServerApp } from "@trellis/sdk";
import { two } from "../lib/two.ts";
import flowers from "../data/flowers.json" with { type: "json" };
import text from "../data/rows.csv" with { type: "text" };
import { sep } from "node:path";
const wait: number = await Promise.resolve(two);
export const main = new ServerApp(() => console.log(wait, flowers, text, sep));
`,
    "lib/two.ts": "export const two = 2 as number;",
    "data/flowers.json": '{"iris":[1]}',
    "data/rows.csv": "a,b",
    "client_app.ts": CLIENT,
  }, { ...COMPONENTS, serverApp: "apps.server:main" });
  const server = bundles.get("bundle/serverapp.js") ?? "";
  for (const part of ["two = 2", "iris: [1]", '"a,b"', 'from "node:path"']) {
    assertStringIncludes(server, part);
  }
  assert(bundles.has("lib/two.ts"));
  assert(!bundles.has("data/rows.csv"));
});

Deno.test("a component in Python is left alone", async () => {
  const bundles = await bundle({ "server_app.py": "", "client_app.ts": CLIENT });
  assertEquals([...bundles.keys()].sort(), [
    "bundle/clientapp.js",
    "bundle/sdk.js",
    "client_app.ts",
  ]);
});

Deno.test("the programs that run a component are told by its bundle and its module", () => {
  const runtimes: [string, string[], string, string][] = [
    ["python", ["server_app.py", "client_app.py"], "python", "python"],
    ["python", ["bundle/serverapp.js"], "python", "python"],
    ["typescript", ["bundle/serverapp.js", "bundle/clientapp.js"], "typescript", "typescript"],
    ["typescript", ["bundle/serverapp.js", "client_app.py"], "typescript", "python"],
    ["typescript", ["server_app/__init__.py", "bundle/clientapp.js"], "python", "typescript"],
    [
      "typescript",
      ["bundle/clientapp.js", "client_app.py", "server_app.py"],
      "python",
      "typescript",
    ],
    // Its process tells what is missing.
    ["typescript", [], "typescript", "typescript"],
  ];
  for (const [runtime, paths, serverApp, clientApp] of runtimes) {
    const app = readAppConfig(`${PYPROJECT}\n[tool.trellis]\nruntime = "${runtime}"`);
    const files = new Map(paths.map((path) => [path, new Uint8Array()]));
    assertEquals(componentRuntime({ app, files }, "serverapp"), serverApp, String(paths));
    assertEquals(componentRuntime({ app, files }, "clientapp"), clientApp, String(paths));
  }
});

const PYPROJECT = `[project]
name = "tested"
version = "1.0.0"

[tool.flwr.app]
publisher = "trellis"

[tool.flwr.app.components]
serverapp = "server_app:app"
clientapp = "client_app:app"
`;

const refused: [string, Record<string, string>, string][] = [
  ["a component that is not there", { "client_app.ts": CLIENT }, 'a file "server_app.ts"'],
  [
    "an app without TypeScript",
    { "server_app.py": "", "client_app/__init__.py": "" },
    "no component in TypeScript",
  ],
  [
    "a package",
    { "server_app.ts": 'import "npm:left-pad";', "client_app.ts": CLIENT },
    'server_app.ts:1:8: The app imports "npm:left-pad".',
  ],
  [
    "a module from the web",
    { "server_app.ts": '\n  import "https://example.org/x.ts";', "client_app.ts": CLIENT },
    'server_app.ts:2:10: The app imports "https://example.org/x.ts".',
  ],
  [
    "a file outside of the app",
    { "server_app.ts": 'import "../x.ts";', "client_app.ts": CLIENT },
    'imports "../x.ts", which is outside',
  ],
  [
    "a file that is not there",
    {
      "lib/a.ts": 'import "./b.ts";',
      "server_app.ts": 'import "./lib/a.ts";',
      "client_app.ts": "",
    },
    'lib/a.ts:1:8: The app imports "./b.ts", and there is no file "lib/b.ts".',
  ],
  [
    "an import that names nothing",
    {
      "lib/a.ts": "export {};",
      "server_app.ts": 'import { b } from "./lib/a.ts"; b();',
      "client_app.ts": CLIENT,
    },
    'No matching export in "app:lib/a.ts" for import "b"',
  ],
  [
    "a syntax error",
    { "server_app.ts": "let x: = 1;", "client_app.ts": CLIENT },
    'server_app.ts:1:8: Unexpected "="',
  ],
];

for (const [what, files, text] of refused) {
  Deno.test(`${what} cannot be bundled`, async () => {
    await assertRejects(() => bundle(files), BundleError, text);
  });
}
