import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { copyApp } from "../harness/app_cli.ts";
import { shown } from "../harness/cli.ts";
import { flower, TRELLIS } from "../harness/programs.ts";
import { scene } from "../harness/scene.ts";

const REAL = flower("1.25.0");
const NAME = /trellis\.regression\.1-0-0\.[0-9a-f]{8}\.fab/;

/** The files below a folder with their contents. */
async function tree(folder: string, prefix = ""): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) Object.assign(files, await tree(path, `${prefix}${name}/`));
    else files[prefix + name] = await Deno.readTextFile(path);
  }
  return files;
}

scene(
  "our CLI and flwr 1.25.0 build the same FAB of an app, and install each other's",
  [REAL.cli],
  async (scene) => {
    const app = await copyApp(scene, "regression");
    const built: { name: string; bytes: Uint8Array; path: string; installed: unknown }[] = [];
    for (
      const [builder, installer] of [[TRELLIS.cli, REAL.cli], [REAL.cli, TRELLIS.cli]] as const
    ) {
      const folder = await Deno.makeTempDir({ dir: scene.folder });
      const build = await scene.run(builder, {
        name: "build",
        args: ["build", "--app", app],
        cwd: folder,
      });
      assertEquals(build.code, 0, shown(build));
      const [name = ""] = build.stdout.match(NAME) ?? [];
      const path = join(folder, name);
      const home = join(folder, "home");
      await Deno.mkdir(home);
      const install = await scene.run(installer, {
        name: "install",
        args: ["install", path, "--flwr-dir", home],
      });
      assertEquals(install.code, 0, shown(install));
      assertStringIncludes(install.stdout, "Successfully installed", shown(install));
      const installed = await tree(join(home, "apps"));
      built.push({ name, bytes: await Deno.readFile(path), path, installed });
    }
    const [ours, real] = built;
    assert(ours && real);
    assertEquals(ours.name, real.name);
    assertEquals(ours.bytes, real.bytes);
    assertEquals(ours.installed, real.installed);
    assert(Object.keys(Object(ours.installed)).length > 4);
  },
);
