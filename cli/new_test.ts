import { assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { buildAppFab } from "./app_fab.ts";
import { runCli } from "./testing/control_server.ts";
import { typescriptTemplate } from "./templates/typescript.ts";

async function inTempDir(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("new makes a Python app whose FAB has every module that it names", async () => {
  await inTempDir(async (directory) => {
    const outcome = await runCli(["new", "My-app", "--directory", directory]);
    assertEquals(outcome.code, 0);
    const { fab, warnings } = await buildAppFab(`${directory}/My-app`);
    assertEquals([fab.app.fabId, fab.app.runtime, warnings], ["example/My-app", "python", []]);
    assertEquals(fab.paths, [
      "README.md",
      "my_app/__init__.py",
      "my_app/client_app.py",
      "my_app/server_app.py",
      "my_app/task.py",
    ]);
  });
});

Deno.test("new makes a TypeScript app that can be bundled", async () => {
  await inTempDir(async (directory) => {
    const args = ["new", "app", "--template", "typescript", "--publisher", "acme"];
    const outcome = await runCli([...args, "--directory", directory]);
    assertEquals(outcome.code, 0);
    const { fab } = await buildAppFab(`${directory}/app`);
    assertEquals([fab.app.fabId, fab.app.runtime], ["acme/app", "typescript"]);
    assertEquals(fab.paths.filter((path) => path.endsWith("app.js")).length, 2);
  });
});

Deno.test("the model of the TypeScript template learns", async () => {
  const files = typescriptTemplate({ name: "app", module: "app", publisher: "acme" });
  const source = encodeURIComponent(files["task.ts"] ?? "");
  const task = await import(`data:application/typescript,${source}`);
  const data = task.loadData(1);
  const model = task.initialModel();
  assertLess(task.loss(task.fit(model, data, 100, 0.1), data), task.loss(model, data) / 100);
});

Deno.test("new overwrites nothing and refuses names that Flower does not take", async () => {
  await inTempDir(async (directory) => {
    await Deno.mkdir(`${directory}/app`);
    const cases: readonly (readonly [string[], string])[] = [
      [["app"], "exists already"],
      [["my_app"], "letters, digits and hyphens"],
      [["../app"], "letters, digits and hyphens"],
      [["@acme/app"], "fetched with `flwr new`"],
      [["b", "--publisher", "a/b"], "cannot be the publisher"],
    ];
    for (const [args, words] of cases) {
      const outcome = await runCli(["new", ...args, "--directory", directory]);
      assertEquals([outcome.code, outcome.stdout], [1, ""]);
      assertStringIncludes(outcome.stderr, words);
    }
    assertEquals(Array.from(Deno.readDirSync(directory), ({ name }) => name), ["app"]);
    assertEquals((await runCli(["new", "x", "--template", "torch"])).code, 2);
  });
});
