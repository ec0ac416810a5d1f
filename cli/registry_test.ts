/** The commands for the registry, on a SuperLink of Trellis over both planes. */

import { basename } from "node:path";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { generateCredentials } from "../keys/key_files.ts";
import { PLANES } from "../superlink/testing/fleet_client.ts";
import { TestClock } from "../superlink/testing/test_clock.ts";
import { startTestSuperLink, type TestSuperLink } from "../superlink/testing/test_superlink.ts";
import { formatAddress } from "../wire/address.ts";
import { NODE_FIELDS } from "./node_view.ts";
import { type Outcome, runCli } from "./testing/control_server.ts";

interface Stage {
  readonly link: TestSuperLink;
  /** Public key files that were made for the test. */
  readonly keys: readonly string[];
  readonly folder: string;
  /** Runs `supernode …` for the SuperLink. */
  run(...args: string[]): Promise<Outcome>;
  /** Registers a key; gives the id. */
  register(...args: string[]): Promise<string>;
}

function onPlanes(name: string, play: (stage: Stage) => Promise<void>): void {
  for (const plane of PLANES) {
    Deno.test(`${name} over ${plane}`, async () => {
      const folder = await Deno.makeTempDir({ prefix: "trellis-registry-" });
      try {
        await using link = await startTestSuperLink();
        const address = plane === "HTTP" ? link.httpAddress : link.controlAddress;
        const target = ["--superlink", formatAddress(address), "--insecure"];
        const run = (...args: string[]) => runCli(["supernode", ...args, ...target]);
        const pairs = await generateCredentials(4, folder, "P-256");
        const register = async (...args: string[]) => {
          const { stdout, stderr, code } = await run("register", ...args, "--format", "json");
          assertEquals(code, 0, stderr + stdout);
          // Lists are in the order of registration.
          link.clock.advance({ seconds: 1 });
          return String(/"node-id": (\d+)/.exec(stdout)?.[1]);
        };
        const keys = pairs.map(({ publicKeyPath }) => publicKeyPath);
        await play({ link, keys, folder, run, register });
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    });
  }
}

onPlanes("What is said of a SuperNode is shown, changed and taken away", async (stage) => {
  const { run, register, keys: [key = ""] } = stage;
  const id = await register(key, "--name", "Ward 3", "--label", "site=berlin", "--expires", "90d");
  const shown = (await run("show", id)).stdout;
  for (const text of [id, "Ward 3", "site=berlin", "registered", "Expires @", "SHA256:"]) {
    assertStringIncludes(shown, text);
  }
  assertEquals(
    (await run("rename", id, "Ward 4")).stdout,
    `✅ SuperNode ${id} is called "Ward 4" now.\n`,
  );
  assertEquals(
    (await run("label", id, "site=bonn", "gpu=a100", "none-")).stdout,
    `✅ SuperNode ${id} has these labels now: gpu=a100, site=bonn\n`,
  );
  assertEquals(
    (await run("label", id, "gpu-", "site-")).stdout,
    `✅ SuperNode ${id} has no labels now.\n`,
  );
  assertEquals((await run("expire", id, "never")).stdout, `✅ SuperNode ${id} never expires.\n`);
  assertEquals(
    (await run("expire", id, "2001-02-03")).stdout,
    `✅ SuperNode ${id} is shut out now: its registration ended at 2001-02-03 00:00:00Z.\n`,
  );
  assertEquals((await run("rename", id, "")).stdout, `✅ SuperNode ${id} has no name now.\n`);
  const bare = JSON.parse((await run("show", id, "--format", "json")).stdout).node;
  assertEquals([bare["node-id"], bare.name, bare.labels], [id, undefined, {}]);
  assertMatch(bare["public-key"], /^-----BEGIN PUBLIC KEY-----\n/);
});

onPlanes("Lists are filtered, sorted and written for programs", async ({ run, register, keys }) => {
  const [a = "", b = "", c = "", d = ""] = keys;
  const ids = [
    await register(a, "--name", "ward-10", "--label", "site=berlin"),
    await register(b, "--name", "ward-2", "--label", "site=bonn", "--label", "gpu"),
    await register(c, "--name", 'a "b", c', "--expires", "1y"),
    await register(d),
  ];
  await run("suspend", ids[1]!);
  const listed = async (...flags: string[]) => {
    const { stdout } = await run("list", ...flags, "--format", "json");
    return JSON.parse(stdout).nodes.map((node: { "node-id": string }) =>
      ids.indexOf(node["node-id"])
    );
  };
  const table: [flags: string[], nodes: number[]][] = [
    [[], [0, 1, 2, 3]],
    [["--status", "suspended"], [1]],
    [["--status", "registered,suspended", "--label", "site"], [0, 1]],
    [["--label", "site=berlin"], [0]],
    [["--label", "site", "--label", "gpu"], [1]],
    [["--label", "gpu=x"], []],
    [["--name", "WARD-*"], [0, 1]],
    [["--name", "ward"], []],
    [["--sort", "name"], [2, 1, 0, 3]],
    [["--sort", "status"], [2, 0, 3, 1]],
    [["--sort", "expires"], [2, 0, 1, 3]],
  ];
  for (const [flags, nodes] of table) assertEquals(await listed(...flags), nodes, flags.join(" "));

  const csv = (await run("list", "--format", "csv", "--sort", "name")).stdout.split("\n");
  assertEquals(csv[0]?.split(","), NODE_FIELDS);
  // Programs find the columns where there is nothing to list, too.
  const none = await run("list", "--format", "csv", "--name", "nobody");
  assertEquals(none.stdout, `${csv[0]}\n`);
  assertStringIncludes(csv[1] ?? "", '"a ""b"", c"');
  const yaml = (await run("list", "--format", "yaml", "--name", "ward-2")).stdout;
  assertStringIncludes(yaml, `nodes:\n  - node-id: "${ids[1]}"\n`);
  assertStringIncludes(yaml, '    labels:\n      gpu: ""\n      site: "bonn"\n');
  assertStringIncludes((await run("list", "--format", "table")).stdout, "in 364 d");
  const wrong = await run("list", "--status", "suspnded");
  assertStringIncludes(wrong.stderr, "Did you mean suspended?");
  assertEquals(wrong.code, 2);
});

onPlanes(
  "SuperNodes are suspended and resumed, several at once",
  async ({ run, register, keys }) => {
    const [first = "", second = ""] = await Promise.all(
      keys.slice(0, 2).map((key) => register(key)),
    );
    assertEquals(
      (await run("suspend", first, second)).stdout,
      `✅ SuperNode ${first} suspended.\n✅ SuperNode ${second} suspended.\n`,
    );
    assertEquals(
      (await run("suspend", first, "--format", "json")).stdout,
      '{\n  "success": true,\n  "node-ids": []\n}\n',
    );
    assertStringIncludes((await run("list")).stdout, "suspended");
    assertEquals((await run("resume", second)).stdout, `✅ SuperNode ${second} resumed.\n`);
    assertEquals((await run("resume", second)).stdout, `SuperNode ${second} was not suspended.\n`);
    const unknown = await run("suspend", second, "5");
    assertEquals(unknown.code, 1);
    assertStringIncludes(unknown.stderr, "The SuperLink has no SuperNode with the ID 5");
  },
);

/** What a command line is told that is wrong. */
const WRONG: readonly [args: string[], told: string][] = [
  [["suspend", "one"], 'NODE_ID must be a whole number, not "one"'],
  [["suspend"], "The argument NODE_ID is missing"],
  [["label", "5", "site"], '"site" changes no label'],
  [["expire", "5", "soon"], '"soon" is no time'],
  [["expire", "5", "999999999y"], "is no time"],
  [["expire", "5", "2027-02-30"], "is no time"],
  [["label", "5", "=x"], '"=x" changes no label'],
];

onPlanes("A wrong command line is told what is wrong with it", async ({ run, register, keys }) => {
  for (const [args, told] of WRONG) {
    const { code, stderr } = await run(...args);
    assertEquals(code, 2, args.join(" "));
    assertStringIncludes(stderr, told);
  }
  const id = await register(keys[0] ?? "");
  const long = await run("rename", id, "x".repeat(200));
  assertEquals(long.code, 1);
  assertStringIncludes(long.stderr, "A name may have 128 characters, not 200.");
  await run("label", id, "kept=yes");
  const again = await run("register", keys[0] ?? "", "--label", "a=b");
  assertEquals(again.code, 1);
  assertStringIncludes(again.stderr, `is registered already, as SuperNode ${id}.`);
  assertStringIncludes((await run("show", id)).stdout, "kept=yes");
});

onPlanes("A SuperNode is given another key by its operator", async ({ run, register, keys }) => {
  const [first = "", second = "", third = ""] = keys;
  const id = await register(first, "--name", "kept");
  const { stdout } = await run("rotate", id, second, "--grace", "1d");
  assertMatch(stdout, /has the key SHA256:\S+ now\.\nSHA256:\S+ is good until \d{4}-/);
  const shown = (await run("show", id)).stdout;
  assertStringIncludes(shown, "kept");
  assertMatch(shown, /Earlier key +│ SHA256:\S+ until \d{4}-/);
  const again = JSON.parse((await run("rotate", id, second, "--format", "json")).stdout);
  assertEquals([again.success, String(again["node-id"]).length > 0], [true, true]);
  const used = await run("register", first);
  assertStringIncludes(used.stderr, "already in use");
  const wrong = await run("rotate", id, third, "--grace", "soon");
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.stderr, "Write 12h or 7d.");
  const long = await run("rotate", id, third, "--grace", "1y");
  assertStringIncludes(long.stderr, "90 days at most");
});

for (const plane of PLANES) {
  Deno.test(`keys rotate replaces the key that it has over ${plane}, and not another one's`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "trellis-rotate-" });
    try {
      await using link = await startTestSuperLink({ clock: new TestClock() });
      const [first, second, third] = await generateCredentials(3, folder, "P-256");
      assert(first && second && third);
      const control = ["--superlink", formatAddress(link.controlAddress), "--insecure"];
      const fleet = [
        ...["--superlink", formatAddress(plane === "HTTP" ? link.httpAddress : link.fleetAddress)],
        "--insecure",
      ];
      const { privateKeyPath: oldKey, publicKeyPath } = first;
      await runCli(["supernode", "register", publicKeyPath, ...control]);
      const rotate = (from: string, to: string) => runCli(["keys", "rotate", from, to, ...fleet]);
      const { stdout, stderr } = await rotate(oldKey, second.privateKeyPath);
      assertStringIncludes(stdout, `has the key ${second.publicKey.fingerprint} now.`, stderr);
      const stranger = await rotate(third.privateKeyPath, oldKey);
      assertStringIncludes(stranger.stderr, "does not know the key");
      const wrong = await runCli(["keys", "rotate", oldKey, second.privateKeyPath]);
      assertStringIncludes(wrong.stderr, "--superlink is missing.");
      const nowhere = [...["keys", "rotate", oldKey, second.privateKeyPath], "--insecure"];
      const gone = await runCli([...nowhere, "--superlink", "127.0.0.1:9"]);
      assertStringIncludes(gone.stderr, "Nothing listens on 127.0.0.1:9.\nStart the SuperLink");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

onPlanes(
  "What is exported is imported again, and the second time nothing changes",
  async (stage) => {
    const { run, register, keys: [a = "", b = "", c = ""], folder, link } = stage;
    await register(
      a,
      "--name",
      'Ward "3", east',
      "--label",
      "site=a;b",
      "--label",
      "p=100%",
      "--expires",
      "90d",
    );
    const suspended = await register(b, "--location", "52.5,13.4");
    await run("suspend", suspended);
    const gone = await register(c);
    await run("unregister", gone);
    const exported = (await run("export")).stdout;
    const file = `${folder}/supernodes.csv`;
    await Deno.writeTextFile(file, exported);
    assertStringIncludes(
      (await run("import", file)).stdout,
      "0 registered, 0 updated, 2 unchanged.",
    );

    await using other = await startTestSuperLink({ clock: link.clock });
    const target = ["--superlink", formatAddress(other.controlAddress), "--insecure"];
    const there = (...args: string[]) => runCli(["supernode", ...args, ...target]);
    assertStringIncludes((await there("import", file)).stdout, "✅ 2 registered, 0 updated");
    // The ids are the SuperLink's own.
    const withoutIds = (text: string) => text.replaceAll(/^\d+,/gm, "").split("\n").sort();
    assertEquals(withoutIds((await there("export")).stdout), withoutIds(exported));
    assertStringIncludes((await there("list", "--status", "suspended")).stdout, "suspended");
  },
);

onPlanes("A folder of keys is registered, once", async ({ run, folder, register, keys }) => {
  const id = await register(keys[0] ?? "", "--name", "known");
  assertStringIncludes(
    (await run("import", folder)).stdout,
    "3 registered, 0 updated, 1 unchanged.",
  );
  assertStringIncludes(
    (await run("import", folder)).stdout,
    "0 registered, 0 updated, 4 unchanged.",
  );
  assertStringIncludes((await run("show", id)).stdout, "known");
  // Paths are those of the file's folder, or whole.
  const file = `${folder}/keys.csv`;
  await Deno.writeTextFile(file, `key-file\n${keys[0]}\n${basename(keys[1] ?? "")}\n`);
  assertStringIncludes((await run("import", file)).stdout, "0 updated, 2 unchanged.");
  await Deno.writeTextFile(`${folder}/bad.pub`, "no key");
  const { code, stderr } = await run("import", folder);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "bad.pub: The public key file");
});

onPlanes(
  "Of a file with wrong lines nothing is imported, and the lines are named",
  async (stage) => {
    const { run, folder, keys: [a = "", b = ""] } = stage;
    const [first, second] = [await Deno.readTextFile(a), await Deno.readTextFile(b)].map((key) =>
      key.trim()
    );
    const file = `${folder}/import.csv`;
    const attempt = async (...lines: string[]) => {
      await Deno.writeTextFile(file, lines.join("\n"));
      const { code, stderr } = await run("import", file);
      assertEquals([code, (await run("export")).stdout.split("\n").length], [1, 2]);
      return stderr;
    };
    const read = await attempt(
      "public-key,name,labels,expires",
      `${first},ward 1,a=b,90d`,
      "nonsense,ward 2,,",
      `${second},ward 3,=x,`,
      `${second},ward 4,,soon`,
      ",ward 5,,",
      `${second},ward 6,,,more`,
    );
    for (const part of ["line 3: ", "line 4: ", "line 5: ", "line 6: ", "line 7: "]) {
      assertStringIncludes(read, part);
    }
    assert(!read.includes("line 2: "));
    // What only the SuperLink knows.
    const refused = await attempt(
      "public-key,name",
      `${first},${"x".repeat(200)}`,
      `${second},well`,
      `${second},again`,
    );
    assertStringIncludes(refused, "line 2: A name may have 128 characters");
    assertStringIncludes(refused, "line 4: It has the same key as line 3.");
    // All of it at once.
    const both = await attempt(
      "public-key,name,status",
      `${first},${"x".repeat(200)},`,
      "nonsense,,",
      `${second},,suspnded`,
      `${second},well,online`,
      `${second},again,`,
    );
    assertEquals(
      [...both.matchAll(/line (\d+): /g)].map(([, line]) => line),
      ["2", "3", "4", "6"],
    );
    assertStringIncludes(both, "line 6: It has the same key as line 5.");
    assertStringIncludes(both, '"suspnded" is no status of a SuperNode.');
    assertStringIncludes(
      await attempt("public-key,colour", ""),
      "columns that are not known: colour",
    );
    assertStringIncludes(await attempt("name", ""), "no column public-key or key-file");
    assertStringIncludes(await attempt('public-key\n"'), "a quotation mark is not closed");
  },
);
