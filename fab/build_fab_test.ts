import { assertEquals, assertRejects } from "@std/assert";
import { unzipSync } from "fflate";
import { buildFab } from "./build_fab.ts";
import { FabError } from "./fab_error.ts";
import { readFab } from "./read_fab.ts";
import { IGNORING_APP, PLAIN_APP, type SampleApp, writeApp } from "./testing/sample_apps.ts";

async function inApp(
  app: SampleApp,
  test: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await writeApp(directory, app);
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function withFile(path: string, text: string): SampleApp {
  return { ...PLAIN_APP, files: { ...PLAIN_APP.files, [path]: text } };
}

Deno.test("buildFab gives the bytes that Flower 1.25.0 gives", async () => {
  for (const app of [PLAIN_APP, IGNORING_APP]) {
    await inApp(app, async (directory) => {
      const { content, hash, paths } = await buildFab(directory);
      assertEquals(hash, app.fabHash, paths.join(" "));
      assertEquals(readFab(content).hash, hash);
    });
  }
});

Deno.test("buildFab names the file by publisher, name, version and hash", async () => {
  await inApp(PLAIN_APP, async (directory) => {
    const { fileName, hash } = await buildFab(directory);
    assertEquals(fileName, `acme.plain.1-0-0.${hash.slice(0, 8)}.fab`);
  });
});

Deno.test("buildFab leaves the federations at home, whatever .gitignore says", async () => {
  await inApp(withFile(".gitignore", "!pyproject.toml\n"), async (directory) => {
    const { content } = await buildFab(directory);
    const packed = new TextDecoder().decode(unzipSync(content)["pyproject.toml"]);
    assertEquals(packed.includes("127.0.0.1:9093"), false);
    assertEquals(packed.includes("[tool.flwr.app]"), true);
  });
});

Deno.test("buildFab follows links to files, not to folders, and survives broken ones", async () => {
  await inApp(PLAIN_APP, async (directory) => {
    await Deno.symlink(`${directory}/README.md`, `${directory}/LINK.md`);
    await Deno.symlink(directory, `${directory}/loop`);
    await Deno.symlink(`${directory}/gone`, `${directory}/broken.md`);
    const { paths } = await buildFab(directory);
    assertEquals(paths.filter((path) => /LINK|loop|broken/.test(path)), ["LINK.md"]);
  });
});

Deno.test("buildFab says why a directory cannot be built", async () => {
  const required = PLAIN_APP.files["pyproject.toml"] ?? "";
  const cases: readonly (readonly [string, string])[] = [
    [required.replace('name = "plain"', ""), 'Property "name" missing in [project]'],
    [required.replace('publisher = "acme"', ""), 'Property "publisher" missing'],
    [required.replace("plain.server_app:app", "plain.server_app"), "must look like"],
    [required.replace("lr = 0.1", "lr = [0.1]"), 'The value of "lr"'],
    ["[project", "not valid TOML"],
  ];
  for (const [text, words] of cases) {
    await inApp(withFile("pyproject.toml", text), async (directory) => {
      await assertRejects(() => buildFab(directory), FabError, words);
    });
  }
  await inApp({ files: { "a.py": "" }, fabHash: "" }, async (directory) => {
    await assertRejects(() => buildFab(directory), FabError, "There is no pyproject.toml");
  });
  await inApp(withFile(".gitignore", "a\\"), async (directory) => {
    await assertRejects(() => buildFab(directory), FabError, "lone backslash");
  });
});

Deno.test("buildFab stops at the size that Flower accepts", async () => {
  await inApp(withFile("large.md", "x".repeat(10_485_760)), async (directory) => {
    await assertRejects(() => buildFab(directory), FabError, "larger than the 10485760 bytes");
  });
});
