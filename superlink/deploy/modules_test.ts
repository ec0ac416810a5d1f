import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";

/** What Deno Deploy has no use for, and some of it not at all. */
const UNWANTED = [
  /^npm:\/?@grpc\//,
  /^node:(sqlite|child_process|http2)$/,
  /\/wire\/grpc\//,
  /\/(cli|supernode)\//,
];

interface Graph {
  readonly roots: readonly string[];
  readonly redirects: Readonly<Record<string, string>>;
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly { readonly code?: { readonly specifier?: string } }[];
  }[];
}

Deno.test("deploy.ts loads no gRPC, no SQLite, and nothing that starts processes", async () => {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "deploy.ts"],
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
  }).output();
  assert(success);
  const { roots, redirects, modules }: Graph = JSON.parse(new TextDecoder().decode(stdout));
  const dependencies = new Map(modules.map((module) => [module.specifier, module.dependencies]));
  const loaded = new Set<string>();
  const load = (specifier: string) => {
    const actual = redirects[specifier] ?? specifier;
    if (loaded.has(actual)) return;
    loaded.add(actual);
    // Types alone have no code.
    for (const { code } of dependencies.get(actual) ?? []) {
      if (code?.specifier !== undefined) load(code.specifier);
    }
  };
  for (const root of roots) load(root);
  assert(loaded.size > 50);
  const unwanted = [...loaded].filter((name) => UNWANTED.some((pattern) => pattern.test(name)));
  assertEquals(unwanted, []);
});
