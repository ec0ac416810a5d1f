import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { create, toBinary } from "@bufbuild/protobuf";
import { ContextSchema } from "../../proto/gen/flwr/proto/message_pb.ts";
import { type AppPermissions, NO_PERMISSIONS } from "./app_permissions.ts";
import { type AppEnding, AppWorker } from "./app_worker.ts";
import { bundlePath } from "./bundle_paths.ts";
import { bundlesOf } from "./testing/app_source.ts";

interface Outcome {
  readonly ending: AppEnding;
  readonly printed: string;
}

interface Options {
  readonly permissions?: Partial<AppPermissions>;
  readonly signal?: AbortSignal;
  /** Files in the app's folder, and, with `../`, beside it. */
  readonly files?: Record<string, string>;
}

/** Runs `code` as the body of a ServerApp, in a folder of its own that `{folder}` stands for. */
function runMain(code: string, options: Options = {}): Promise<Outcome> {
  return runModule(`return new ServerApp(async (grid, context) => {\n${code}\n});`, options);
}

async function runModule(code: string, options: Options = {}): Promise<Outcome> {
  return await runBundle(bundlesOf({ serverapp: code }), options);
}

async function runBundle(
  bundles: ReadonlyMap<string, Uint8Array>,
  { permissions, signal = new AbortController().signal, files = {} }: Options,
): Promise<Outcome> {
  const outside = await Deno.makeTempDir();
  const folder = join(outside, "app");
  const substitute = (text: string) =>
    text.replaceAll("{folder}", pathToFileURL(folder).href).replaceAll(
      "{outside}",
      pathToFileURL(outside).href,
    );
  try {
    const texts = Array.from(
      bundles,
      ([path, bytes]) => [path, new TextDecoder().decode(bytes)] as const,
    );
    for (const [path, text] of [...texts, ...Object.entries(files)]) {
      await Deno.mkdir(dirname(join(folder, path)), { recursive: true });
      await Deno.writeTextFile(join(folder, path), substitute(text));
    }
    let printed = "";
    const context = toBinary(ContextSchema, create(ContextSchema, { runId: 7n }));
    using worker = new AppWorker("serverapp", {
      folder,
      path: bundlePath("serverapp"),
      permissions: { ...NO_PERMISSIONS, ...permissions },
    });
    const ending = await worker.run(
      { message: { context } },
      {
        answer: () => Promise.reject(new Error("There is no SuperLink.")),
        print: (_stream, text) => printed += text,
      },
      signal,
    );
    return { ending, printed };
  } finally {
    await Deno.remove(outside, { recursive: true });
  }
}

function failureOf({ ending }: Outcome): AppEnding & { ok: false } {
  assert(!ending.ok);
  return ending;
}

const secret = {
  files: { "../secret.json": '"s3cret"', "../secret.js": "export default 's3cret'" },
};

/** What an app tries, and what it is told. */
const forbidden: [string, string, RegExp][] = [
  [
    "read a file outside of its folder",
    `Deno.readTextFileSync(new URL("{outside}/secret.json"))`,
    /read access/,
  ],
  ["read the system's files", `await Deno.readTextFile("/etc/hostname")`, /read access/],
  [
    "read through Node's API",
    `(await import("node:fs")).readFileSync(new URL("{outside}/secret.json"))`,
    /read access/,
  ],
  ["see whether a file is there", `Deno.statSync("/etc/hostname")`, /read access/],
  ["list a folder", `[...Deno.readDirSync("/")]`, /read access/],
  ["fetch a file", `await fetch("{outside}/secret.json")`, /read access/],
  ["import a file outside", `await import("{outside}/secret.js")`, /read access/],
  [
    "import JSON outside",
    `await import("{outside}/secret.json", { with: { type: "json" } })`,
    /read access/,
  ],
  [
    "require a file outside",
    `(await import("node:module")).createRequire("{outside}/")("./secret.json")`,
    /read access/,
  ],
  ["import from the web", `await import("https://deno.land/std/version.ts")`, /import access/],
  ["import from JSR", `await import("jsr:@std/assert")`, /import access/],
  ["connect", `await Deno.connect({ hostname: "127.0.0.1", port: 9 })`, /net access/],
  ["fetch", `await fetch("http://127.0.0.1:1234/")`, /net access/],
  [
    "open a WebSocket",
    `await new Promise((resolve, reject) => { const socket = new WebSocket("ws://127.0.0.1:9"); socket.onopen = resolve; socket.onerror = reject; })`,
    /net access/,
  ],
  [
    "connect through Node's API",
    `await new Promise((resolve, reject) => import("node:net").then((net) => net.connect(9, "127.0.0.1").on("connect", resolve).on("error", reject)))`,
    /net access|EPERM/,
  ],
  ["resolve a name", `await Deno.resolveDns("example.org", "A")`, /net access/],
  ["listen", `Deno.listen({ port: 0 })`, /net access/],
  ["read the environment", `Deno.env.get("HOME")`, /env access/],
  ["read all of the environment", `Deno.env.toObject()`, /env access/],
  [
    "read the environment through Node's API",
    `(await import("node:process")).default.env.HOME`,
    /env access/,
  ],
  ["write a file", `Deno.writeTextFileSync(new URL("{folder}/note"), "x")`, /write access/],
  ["write a temporary file", `Deno.makeTempFileSync()`, /write access/],
  ["start a program", `await new Deno.Command("true").output()`, /run access/],
  ["signal its parent", `Deno.kill(Deno.ppid, "SIGCONT")`, /run access/],
  ["load native code", `Deno.dlopen("libc.so.6", {})`, /ffi access/],
  ["learn the host's name", `Deno.hostname()`, /sys access/],
  [
    "give a worker more than it has",
    `new Worker("data:,", { type: "module", deno: { permissions: { read: true } } })`,
    /escalate/,
  ],
  [
    "ask for permission",
    `if ((await Deno.permissions.request({ name: "read" })).state !== "granted") throw new Error("denied")`,
    /denied/,
  ],
];

Deno.test("an app can do nothing that its host did not allow", async (test) => {
  const tries = forbidden.map(([what, code]) =>
    `try { ${code}; told[${JSON.stringify(what)}] = "It could." }
     catch (error) { told[${JSON.stringify(what)}] = String(error?.message ?? error); }`
  );
  const code = `const told = {};\n${tries.join("\n")}\nconsole.log(JSON.stringify(told));`;
  const { ending, printed } = await runMain(code, secret);
  assert(ending.ok);
  const told: Record<string, string> = JSON.parse(printed);
  for (const [what, , pattern] of forbidden) {
    await test.step(`it cannot ${what}`, () => assertMatch(told[what] ?? "", pattern));
  }
});

Deno.test("the modules that an app's module imports are held to its permissions, too", async () => {
  const smuggler = 'import secret from "{outside}/secret.js"; export default secret;';
  const outcome = await runMain(
    'console.log((await import("./smuggler.js")).default);',
    { files: { ...secret.files, "bundle/smuggler.js": smuggler } },
  );
  assertMatch(failureOf(outcome).message, /read access/);
  const bundles = bundlesOf({ serverapp: "" });
  bundles.set(bundlePath("serverapp"), new TextEncoder().encode(smuggler));
  assertMatch(failureOf(await runBundle(bundles, secret)).message, /read access/);
});

Deno.test("an app reads its own folder, and prints", async () => {
  const { ending, printed } = await runMain(
    `console.log(Deno.readTextFileSync(new URL("{folder}/data.txt")), context.runId);
     console.error("%s is %d", "two", 2);`,
    { files: { "data.txt": "flowers" } },
  );
  assertEquals([ending.ok, printed], [true, "flowers 7n\ntwo is 2\n"]);
});

Deno.test("an app may do what its host is told to allow, and no more", async () => {
  const folder = await Deno.makeTempDir();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  Deno.env.set("TRELLIS_TEST_VARIABLE", "seen");
  try {
    await Deno.writeTextFile(join(folder, "data.csv"), "rows");
    const accepted = listener.accept();
    const { port } = listener.addr;
    const permissions = {
      read: [folder],
      net: [`127.0.0.1:${port}`],
      env: ["TRELLIS_TEST_VARIABLE"],
    };
    const { ending, printed } = await runMain(
      `console.log(Deno.readTextFileSync(${JSON.stringify(join(folder, "data.csv"))}));
       console.log(Deno.env.get("TRELLIS_TEST_VARIABLE"));
       (await Deno.connect({ hostname: "127.0.0.1", port: ${port} })).close();
       Deno.env.get("HOME");`,
      { permissions },
    );
    (await accepted).close();
    assertEquals(printed, "rows\nseen\n");
    assertMatch(failureOf({ ending, printed }).message, /env access to "HOME"/);
  } finally {
    Deno.env.delete("TRELLIS_TEST_VARIABLE");
    listener.close();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("an app that throws fails with its error's name, text and stack", async () => {
  const failure = failureOf(await runMain('throw new RangeError("too far");'));
  assertEquals([failure.stage, failure.name, failure.message], ["run", "RangeError", "too far"]);
  assertMatch(failure.stack, /RangeError: too far\n\s+at .*bundle\/serverapp\.js/);
  assert(failure.context !== undefined);
});

Deno.test("an app that throws while it is imported fails, and says so", async () => {
  const failure = failureOf(await runModule('throw new Error("no licence");'));
  assertEquals([failure.stage, failure.message], ["run", "no licence"]);
});

Deno.test("an app that throws something other than an error fails, too", async () => {
  assertEquals(failureOf(await runMain('throw "a text";')).message, "a text");
});

Deno.test("a component that is missing, or of the wrong kind, cannot be loaded", async () => {
  for (const code of ["return undefined;", "return new ClientApp();"]) {
    const failure = failureOf(await runModule(code));
    assertEquals(failure.stage, "load");
    assertStringIncludes(failure.message, '"serverapp:app" is no ServerApp');
  }
});

const unloadable: [string, string, RegExp][] = [
  ["a syntax error", "export const = 1;", /Unexpected token|Expression expected/],
  ["a module that is not there", 'import "./nothing.js";', /Module not found/],
  ["a name that the SDK does not have", 'import { Nope } from "./sdk.js"; Nope();', /Nope/],
  ["nothing of an app", "export const app = 1;", /was not bundled by Trellis/],
  ["a later protocol", 'postMessage({ kind: "ready", protocol: 2 });', /newer than this one/],
];

for (const [what, module, pattern] of unloadable) {
  Deno.test(`a bundle with ${what} cannot be loaded`, async () => {
    const bundles = bundlesOf({ serverapp: "" });
    bundles.set(bundlePath("serverapp"), new TextEncoder().encode(module));
    const failure = failureOf(await runBundle(bundles, {}));
    assertEquals(failure.stage, "load");
    assertMatch(failure.message, pattern);
  });
}

const endings: [string, string, RegExp][] = [
  [
    "leaves a promise that is rejected",
    'Promise.reject(new Error("late")); await new Promise(() => {});',
    /late/,
  ],
  [
    "throws in a timer",
    'setTimeout(() => { throw new Error("tick"); }); await new Promise(() => {});',
    /tick/,
  ],
  ["exits", "Deno.exit(3);", /Deno\.exit\(3\)/],
  [
    "exits through Node's API",
    '(await import("node:process")).default.exit(4);',
    /Deno\.exit\(4\)/,
  ],
  ["closes its worker", "self.close();", /close\(\)/],
  [
    "says what is not in the protocol",
    'postMessage({ kind: "call", id: 1, method: "format" }); await new Promise(() => {});',
    /not in its protocol/,
  ],
  ["says nothing at all", "postMessage(null); await new Promise(() => {});", /not in its protocol/],
];

for (const [what, code, pattern] of endings) {
  Deno.test(`an app that ${what} fails`, async () => {
    assertMatch(failureOf(await runMain(code)).message, pattern);
  });
}

Deno.test("what the host refuses reaches the app as an error", async () => {
  const { printed } = await runMain(
    "await grid.getNodeIds().catch((error) => console.log(error.message));",
  );
  assertEquals(printed, "There is no SuperLink.\n");
});

Deno.test("an app that never returns is ended by the signal", async () => {
  const stop = new AbortController();
  const running = runMain("for (;;) {}", { signal: stop.signal });
  setTimeout(() => stop.abort(new Error("enough")), 500);
  await assertRejects(() => running, Error, "enough");
});
