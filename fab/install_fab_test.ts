import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { buildFab } from "./build_fab.ts";
import { FabError } from "./fab_error.ts";
import { checkFabFileName, installFab } from "./install_fab.ts";
import { type Fab, readFab } from "./read_fab.ts";
import { IGNORING_APP, writeApp } from "./testing/sample_apps.ts";

async function withFab(test: (fab: Fab, home: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await writeApp(`${root}/app`, IGNORING_APP);
    await test(readFab((await buildFab(`${root}/app`)).content), `${root}/home`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("installFab unpacks to the directory in which Flower looks, without the manifest", async () => {
  await withFab(async (fab, home) => {
    const { directory, wasInstalled } = await installFab(fab, home);
    const name = `acme.ignoring.0.1.${fab.hash.slice(0, 8)}`;
    assertEquals([directory, wasInstalled], [`${home}/apps/${name}`, false]);
    assertEquals(Array.from(Deno.readDirSync(`${home}/apps`), (entry) => entry.name), [name]);
    assertEquals(
      Array.from(Deno.readDirSync(directory), (entry) => entry.name).sort(),
      ["a.py", "docs", "pyproject.toml", "sub", "y.py", "ü.py"],
    );
    assertEquals(await Deno.readTextFile(`${directory}/sub/venv/lib.py`), "kept");
  });
});

Deno.test("installFab leaves an installed app alone, unless it is to be replaced", async () => {
  await withFab(async (fab, home) => {
    const { directory } = await installFab(fab, home);
    await Deno.writeTextFile(`${directory}/a.py`, "changed");
    assertEquals((await installFab(fab, home)).wasInstalled, true);
    assertEquals(await Deno.readTextFile(`${directory}/a.py`), "changed");
    assertEquals((await installFab(fab, home, { replace: true })).wasInstalled, true);
    assertEquals(await Deno.readTextFile(`${directory}/a.py`), "app = 1\n");
    assertEquals(Array.from(Deno.readDirSync(`${home}/apps`)).length, 1);
  });
});

Deno.test("installFab refuses names that would lead out of the directory, and writes nothing", async () => {
  await withFab(async (fab, home) => {
    for (const part of ["../x", "a/b", "a\\b", "", ".hidden", "a\0", "a:b"]) {
      for (const key of ["publisher", "name", "version"] as const) {
        const app = { ...fab.app, [key]: part };
        await assertRejects(() => installFab({ ...fab, app }, home), FabError, "file name");
      }
    }
    await assertRejects(() => Deno.stat(home), Deno.errors.NotFound);
  });
});

Deno.test("checkFabFileName takes the name that the content asks for, and no other", async () => {
  await withFab((fab) => {
    const short = fab.hash.slice(0, 8);
    checkFabFileName(`acme.ignoring.0-1.${short}.fab`, fab);
    for (
      const name of [
        `acme.ignoring.0-2.${short}.fab`,
        `other.ignoring.0-1.${short}.fab`,
        "acme.ignoring.0-1.00000000.fab",
        `acme.ignoring.0-1.${short}`,
        "app.fab",
      ]
    ) assertThrows(() => checkFabFileName(name, fab), FabError, "was changed or renamed");
    return Promise.resolve();
  });
});
