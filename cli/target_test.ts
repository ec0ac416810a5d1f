import { assertEquals, assertRejects } from "@std/assert";
import { generateCertificates } from "../keys/certificates.ts";
import { ExitError } from "../terminal/errors.ts";
import {
  appDirectory,
  findConnection,
  isApp,
  type NamedSuperLink,
  type TargetContext,
  targetWords,
} from "./target.ts";

/** The files of a test, by path: apps and Flower's home in one temporary directory. */
async function withFiles(
  files: Readonly<Record<string, string>>,
  test: (root: string, context: TargetContext) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    for (const directory of ["app", "home", "empty"]) await Deno.mkdir(`${root}/${directory}`);
    for (const [path, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${root}/${path}`, text);
    }
    await test(root, { workingDirectory: `${root}/empty`, home: `${root}/home` });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const PYPROJECT = `
[tool.flwr.federations]
default = "one"
[tool.flwr.federations.one]
address = "one:1"
insecure = true
federation = "fleet"
[tool.flwr.federations.two]
address = "two:2"
insecure = true
options.num-supernodes = 10
options.backend.client-resources.num-cpus = 1.5
`;

const CONFIG = `
[superlink]
default = "site"
[superlink.site]
address = "site:3"
insecure = true
[superlink.two]
address = "other-two:4"
insecure = true
`;

Deno.test("[APP] [FEDERATION] and [SUPERLINK] are told apart by what the argument is", async () => {
  const files = { "app/pyproject.toml": PYPROJECT, "home/config.toml": CONFIG };
  await withFiles(files, async (root, { home }) => {
    const app = `${root}/app`;
    const inApp = { workingDirectory: app, home };
    const elsewhere = { workingDirectory: `${root}/empty`, home };
    const cases: readonly (readonly [string[], TargetContext, string])[] = [
      [[app, "one"], elsewhere, "one"],
      [[app, "two"], elsewhere, "two"],
      [[app], elsewhere, "one"],
      [[app, "site"], elsewhere, "site"],
      [["site"], elsewhere, "site"],
      [["two"], elsewhere, "other-two"],
      [["two"], inApp, "other-two"],
      [["one"], inApp, "one"],
      [[], inApp, "one"],
      [[], elsewhere, "site"],
    ];
    for (const [args, context, host] of cases) {
      const { address } = await findConnection(args, context);
      assertEquals(address.host, host, `${args.join(" ")} in ${context.workingDirectory}`);
    }
  });
});

Deno.test("a directory with a pyproject.toml is an app, and so is everything that looks like a path", async () => {
  await withFiles({ "app/pyproject.toml": "" }, async (root) => {
    for (const path of [".", "..", "./x", "a/b", `${root}/app`]) {
      assertEquals(await isApp(path), true);
    }
    for (const name of ["local-deployment", "app2"]) assertEquals(await isApp(name), false);
  });
});

Deno.test("a federation table gives the server's federation name and the flattened options", async () => {
  await withFiles({ "app/pyproject.toml": PYPROJECT }, async (root, context) => {
    const one = await findConnection([`${root}/app`, "one"], context);
    assertEquals([one.federation, one.security], ["fleet", { insecure: true }]);
    const two = await findConnection([`${root}/app`, "two"], context);
    assertEquals(two.federation, "default");
    assertEquals(Object.fromEntries(two.options), {
      "num-supernodes": 10n,
      "backend.client-resources.num-cpus": 1.5,
    });
  });
});

Deno.test("relative certificates start from the app, and must be absolute in config.toml", async () => {
  const table = (path: string) => `address = "h:1"\nroot-certificates = "${path}"\n`;
  const files = {
    "app/pyproject.toml": `[tool.flwr.federations.f]\n${table("ca.crt")}`,
    "home/config.toml": `[superlink.relative]\n${table("ca.crt")}`,
  };
  await withFiles(files, async (root, context) => {
    const { caCertificatePath } = await generateCertificates(`${root}/app`);
    const ca = await Deno.readTextFile(caCertificatePath);
    const { security } = await findConnection([`${root}/app`, "f"], context);
    assertEquals(security, { insecure: false, rootCertificatesPem: ca });
    await assertRejects(
      () => findConnection(["relative"], context),
      ExitError,
      "is a relative path",
    );
    await Deno.writeTextFile(
      `${root}/home/config.toml`,
      `[superlink.absolute]\n${table(`${root}/app/ca.crt`)}`,
    );
    assertEquals((await findConnection(["absolute"], context)).security, security);
  });
});

Deno.test("what is declared wrongly is refused with the key and the file", async () => {
  const cases: readonly (readonly [string, string])[] = [
    ["", "has no `address`"],
    ["options.num-supernodes = 2", "has no `address`"],
    ["address = 9093", "`address` in [tool.flwr.federations.f]"],
    ['address = "http://h:1"', '"http://h:1" is not the address'],
    ['address = "h"', '"h" is not the address'],
    ['address = "h:0"', '"h:0" is not the address'],
    ['address = "h:99999"', "is not the address"],
    ['address = ":local:"', "that Flower starts by itself"],
    ['address = "h:1"\ninsecure = "yes"', "must be true or false"],
    ['address = "h:1"\ninsecure = 1', "must be true or false"],
    ['address = "h:1"\ninsecure = true\nroot-certificates = "ca.crt"', "and `insecure = true`"],
    ['address = "h:1"\nroot-certificates = true', "must be a text in quotes"],
    ['address = "h:1"\ninsecure = true\nfederation = 1', "must be a text in quotes"],
  ];
  for (const [table, words] of cases) {
    const pyproject = `[tool.flwr.federations.f]\n${table}\n`;
    await withFiles({ "app/pyproject.toml": pyproject }, async (root, context) => {
      await assertRejects(() => findConnection([`${root}/app`, "f"], context), ExitError, words);
    });
  }
});

Deno.test("certificates that cannot be used are refused with the file", async () => {
  const pyproject = '[tool.flwr.federations.f]\naddress = "h:1"\nroot-certificates = "ca.crt"\n';
  await withFiles({ "app/pyproject.toml": pyproject }, async (root, context) => {
    const find = () => findConnection([`${root}/app`, "f"], context);
    await assertRejects(find, Error, "does not exist");
    await Deno.writeTextFile(`${root}/app/ca.crt`, "not a certificate");
    await assertRejects(find, Error, "is not a PEM file");
  });
});

Deno.test("a name that is not declared is answered with those that are", async () => {
  const files = { "app/pyproject.toml": PYPROJECT, "home/config.toml": CONFIG };
  await withFiles(files, async (root, context) => {
    const remedyOf = async (...args: string[]) => {
      const error = await assertRejects(() => findConnection(args, context), ExitError);
      return `${error.message} ${error.remedy}`;
    };
    assertEquals(
      await remedyOf(`${root}/app`, "onee"),
      `There is no federation or connection "onee" in "${root}/app/pyproject.toml" or ` +
        `"${root}/home/config.toml". Did you mean "one"? Declared are: one, two, site, two.`,
    );
    assertEquals(
      await remedyOf("site2"),
      `There is no federation or connection "site2" in "${root}/home/config.toml". ` +
        'Did you mean "site"? Declared are: site, two.',
    );
  });
});

Deno.test("an app that declares a default which is not there does not fall back on another one", async () => {
  const files = {
    "app/pyproject.toml": '[tool.flwr.federations]\ndefault = "gone"\n',
    "home/config.toml": CONFIG,
  };
  await withFiles(files, async (root, context) => {
    await assertRejects(() => findConnection([`${root}/app`], context), ExitError, '"gone"');
  });
});

Deno.test("no default, no app and broken files each have their sentence", async () => {
  await withFiles({ "app/pyproject.toml": "a = [" }, async (root, context) => {
    const cases: readonly (readonly [string[], string])[] = [
      [[], "No SuperLink was named"],
      [[`${root}/empty`], "There is no pyproject.toml"],
      [[`${root}/empty`, "x"], "There is no pyproject.toml"],
      [[`${root}/app`], "is not valid TOML"],
    ];
    for (const [args, words] of cases) {
      await assertRejects(() => findConnection(args, context), ExitError, words);
    }
    await Deno.mkdir(`${root}/home/config.toml`);
    await assertRejects(() => findConnection(["x"], context), ExitError, "cannot be read");
  });
});

Deno.test("--superlink names a connection, or an address that is in no file", async () => {
  const files = { "app/pyproject.toml": PYPROJECT, "home/config.toml": CONFIG };
  await withFiles(files, async (root, context) => {
    const app = `${root}/app`;
    const { caCertificatePath } = await generateCertificates(`${root}/empty`);
    const caPem = await Deno.readTextFile(caCertificatePath);
    const cases: [string[], NamedSuperLink, string, unknown][] = [
      [[], { superlink: "site" }, "site:3", { insecure: true }],
      [[app], { superlink: "two" }, "other-two:4", { insecure: true }],
      [[], { superlink: "link.example:8000" }, "link.example:8000", { insecure: false }],
      [[app], { superlink: "[::1]:9093", insecure: true }, "::1:9093", { insecure: true }],
      [["."], { superlink: "x:1", rootCertificates: "ca.crt" }, "x:1", {
        insecure: false,
        rootCertificatesPem: caPem,
      }],
    ];
    for (const [target, named, expected, security] of cases) {
      const found = await findConnection(target, { ...context, named });
      const { host, port } = found.address;
      assertEquals([`${host}:${port}`, found.security], [expected, security]);
    }
    const refused: [string[], NamedSuperLink, string][] = [
      [["site"], { superlink: "x:1" }, "Give one"],
      [[app, "one"], { superlink: "x:1" }, "Give one"],
      [[], { superlink: "x:1", insecure: true, rootCertificates: "ca.crt" }, "not both"],
      [[], { superlink: "site", insecure: true }, "is no address"],
      [[], { superlink: "https://x:1" }, "no federation or connection"],
      [[], { superlink: "x:0" }, "not the address"],
      [[], { superlink: "x:1", rootCertificates: "gone.crt" }, "gone.crt"],
    ];
    for (const [target, named, words] of refused) {
      await assertRejects(() => findConnection(target, { ...context, named }), Error, words);
    }
  });
});

Deno.test("targetWords() gives what a person writes to mean the same SuperLink", () => {
  const flags = (words: Record<string, string[]>) => new Map(Object.entries(words));
  assertEquals(targetWords([".", "site"], flags({})), [".", "site"]);
  const insecure = { superlink: ["x:1"], insecure: [] };
  assertEquals(targetWords(["."], flags(insecure)), ["--superlink", "x:1", "--insecure"]);
  const tls = { superlink: ["x:1"], "root-certificates": ["ca.crt"] };
  const words = ["--superlink", "x:1", "--root-certificates", "ca.crt"];
  assertEquals(targetWords([], flags(tls)), words);
});

Deno.test("a folder that is no app is the one that was meant, where this one is none either", async () => {
  // The tests run in the repository's folder.
  assertEquals(await appDirectory(["docs"]), "docs");
  assertEquals(await appDirectory(["local-deployment"]), ".");
});
