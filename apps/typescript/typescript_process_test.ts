import { join } from "node:path";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ExitError } from "../../terminal/errors.ts";
import { isAlive, until } from "../testing/fake_flower.ts";
import { type AppPermissions, NO_PERMISSIONS } from "./app_permissions.ts";
import { fabOf } from "./testing/app_source.ts";
import { FakeServerAppIo, TOKEN } from "./testing/fake_server_app_io.ts";
import { TypeScriptApps } from "./typescript_apps.ts";

interface Stage {
  readonly superlink: FakeServerAppIo;
  readonly folder: string;
  start(permissions?: Partial<AppPermissions>): ReturnType<TypeScriptApps["start"]>;
}

/** Plays with the process of a ServerApp whose main function has this body. */
async function withApp(main: string, play: (stage: Stage) => Promise<void>): Promise<void> {
  const fab = await fabOf({
    serverapp: `return new ServerApp(async (grid, context) => {\n${main}\n});`,
  });
  await using superlink = await FakeServerAppIo.start({ fab });
  await using all = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir();
  try {
    await play({
      superlink,
      folder,
      start(permissions) {
        const options = { permissions: { ...NO_PERMISSIONS, ...permissions }, maxIdle: 0 };
        const apps = all.use(new TypeScriptApps(options));
        return apps.start({
          kind: "serverapp",
          apiAddress: superlink.address,
          token: TOKEN,
          flwrDirectory: join(folder, "flwr home"),
        });
      },
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const WAIT = 'console.log("READY"); await new Promise(() => {});';

Deno.test("the process of an app runs it with what it needs, and keeps the token to itself", () =>
  withApp('console.log("READY"); await grid.getNodeIds();', async ({ superlink, start }) => {
    const app = await start();
    await superlink.untilLogged("READY");
    assertEquals((await app.exited).code, 0);
    assertEquals(superlink.statuses.at(-1)?.subStatus, "completed");
  }));

Deno.test({
  name: "the token of an app is neither on its command line nor in its environment",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withApp(WAIT, async ({ superlink, start }) => {
      const app = await start();
      await superlink.untilLogged("READY");
      for (const file of ["cmdline", "environ"]) {
        const text = await Deno.readTextFile(`/proc/${app.pid}/${file}`);
        assert(!text.includes(TOKEN.slice(0, 16)), file);
      }
      await app.stop(10_000);
      assertMatch(superlink.statuses.at(-1)?.details ?? "", /was ended: SIGTERM/);
    }),
});

const PROBE = `const tries = {
  kv: () => typeof Deno.openKv,
  caches: () => typeof caches,
  read: () => Deno.readTextFileSync("/etc/hostname"),
  package: () => import("npm:trellis-no-such-package-" + "1"),
  self: () => Deno.readTextFileSync(new URL("sdk.js", import.meta.url)).length > 1000,
};
for (const [name, attempt] of Object.entries(tries)) {
  try { console.log(name, await attempt()); } catch (error) { console.log(name, String(error)); }
}`;

Deno.test("the process of an app reads its own folder, stores nothing, and asks no registry for packages", () =>
  withApp(PROBE, async ({ superlink, start }) => {
    assertEquals((await (await start()).exited).code, 0);
    assertMatch(superlink.log, /^kv undefined\ncaches undefined\n/);
    assertMatch(superlink.log, /^read NotCapable: Requires read access/m);
    assertMatch(superlink.log, /package TypeError: .*(not found in cache|cached-only)/s);
    assertStringIncludes(superlink.log, "self true");
  }));

Deno.test("the process of an app may do what is allowed", () =>
  withApp("", async ({ folder }) => {
    const file = join(folder, "rows 1.csv");
    await Deno.writeTextFile(file, "a,b");
    await withApp(
      `console.log(Deno.readTextFileSync(${JSON.stringify(file)}), Deno.env.get("HOME") !== "");`,
      async ({ superlink, start }) => {
        assertEquals((await (await start({ read: [file], env: ["HOME"] })).exited).code, 0);
        assertEquals(superlink.log, "a,b true\n");
      },
    );
  }));

Deno.test("a path that Deno's flags cannot express is refused", () =>
  withApp("", async ({ start }) => {
    await assertRejects(() => start({ read: ["/a,b"] }), ExitError, '"/a,b", which has a comma');
  }));

Deno.test("an app does not outlive its parent", () =>
  withApp(WAIT, async ({ superlink, folder }) => {
    const parentCode = `
      import { TypeScriptApps } from ${
      JSON.stringify(new URL("typescript_apps.ts", import.meta.url).href)
    };
      const permissions = ${JSON.stringify(NO_PERMISSIONS)};
      const app = await new TypeScriptApps({ permissions, maxIdle: 0 }).start(${
      JSON.stringify({
        kind: "serverapp",
        apiAddress: superlink.address,
        token: TOKEN,
        flwrDirectory: folder,
      })
    });
      console.log(app.pid);
      await app.exited;`;
    const file = join(folder, "parent.ts");
    await Deno.writeTextFile(file, parentCode);
    const parent = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--config", join(import.meta.dirname ?? "", "../../deno.json"), file],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const [pid = ""] = await Array.fromAsync(firstLine(parent.stdout));
    await superlink.untilLogged("READY");
    assert(await isAlive(Number(pid)));
    parent.kill("SIGKILL");
    await parent.status;
    await until("the app to end", async () => !await isAlive(Number(pid)));
  }));

async function* firstLine(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.includes("\n")) break;
  }
  yield text.trim();
}
