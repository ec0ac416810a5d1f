import { assertEquals, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { type Zippable, zipSync } from "fflate";
import { FabError } from "./fab_error.ts";
import { MAX_FAB_BYTES, readFab } from "./read_fab.ts";
import { PLAIN_APP } from "./testing/sample_apps.ts";

const PYPROJECT = PLAIN_APP.files["pyproject.toml"] ?? "";

type Files = Readonly<Record<string, string>>;

/** A FAB of the files with a manifest that fits, or the one that is given. */
function fabOf(files: Files, manifest = manifestOf(files), level: 0 | 6 = 0): Uint8Array {
  const entries: Zippable = {};
  for (const [path, text] of Object.entries({ ...files, ".info/CONTENT": manifest })) {
    entries[path] = [new TextEncoder().encode(text), { level }];
  }
  return zipSync(entries);
}

function manifestOf(files: Files): string {
  return Object.entries(files).filter(([path]) => path !== "pyproject.toml").map(([path, text]) =>
    `${path},${createHash("sha256").update(text).digest("hex")},${8 * text.length}\n`
  ).join("");
}

Deno.test("readFab reads what Flower builds, stored or compressed, and hides the manifest", () => {
  const files = { "pyproject.toml": PYPROJECT, "a/b.py": "app = 1\n", "x,y.md": "# x" };
  for (const level of [0, 6] as const) {
    const content = fabOf(files, manifestOf(files), level);
    const fab = readFab(content);
    assertEquals(fab.hash, createHash("sha256").update(content).digest("hex"));
    assertEquals(fab.app.fabId, "acme/plain");
    assertEquals([...fab.files.keys()], Object.keys(files));
    assertEquals(new TextDecoder().decode(fab.files.get("a/b.py")), "app = 1\n");
  }
});

Deno.test("readFab reads the manifest of newer Flowers, which ends without a line end", () => {
  const files = { "pyproject.toml": PYPROJECT, "a.py": "" };
  const own = createHash("sha256").update(PYPROJECT).digest("hex");
  const manifest = `pyproject.toml,${own},1\n${manifestOf(files).trimEnd()}`;
  assertEquals(readFab(fabOf(files, manifest)).files.size, 2);
});

Deno.test("readFab refuses paths that leave the app's folder", () => {
  const paths = ["../a.py", "a/../../b.py", "/a.py", "a\\b.py", "C:/a.py", "./a.py", "a\0.py"];
  for (const path of paths) {
    const fab = fabOf({ "pyproject.toml": PYPROJECT, [path]: "" });
    assertThrows(() => readFab(fab), FabError, "which leaves it");
  }
});

Deno.test("readFab refuses files that are not those of the manifest", () => {
  const files = { "pyproject.toml": PYPROJECT, "a.py": "app = 1" };
  const manifest = manifestOf(files);
  const cases: readonly (readonly [Uint8Array, string])[] = [
    [fabOf({ ...files, "a.py": "app = 2" }, manifest), '"a.py" is not the one'],
    [fabOf({ "pyproject.toml": PYPROJECT }, manifest), '"a.py" is not the one'],
    [fabOf(files, "a.py\n"), "names no file and hash"],
    [fabOf(files, "a.py,0123,8\n"), "names no file and hash"],
  ];
  for (const [fab, words] of cases) assertThrows(() => readFab(fab), FabError, words);
});

Deno.test("readFab refuses what is no FAB", () => {
  const zip = (files: Files) =>
    zipSync(
      Object.fromEntries(
        Object.entries(files).map(([path, text]) => [path, new TextEncoder().encode(text)]),
      ),
    );
  const cases: readonly (readonly [Uint8Array, string])[] = [
    [new Uint8Array(), "not a zip file"],
    [new TextEncoder().encode("no zip"), "not a zip file"],
    [fabOf({ "pyproject.toml": PYPROJECT }).slice(0, -30), "not a zip file"],
    [zip({ "pyproject.toml": PYPROJECT }), "no .info/CONTENT"],
    [fabOf({}), "no pyproject.toml"],
    [fabOf({ "pyproject.toml": "[project" }), "not valid TOML"],
    [fabOf({ "pyproject.toml": "[project]\n" }), "Missing [tool.flwr.app] section"],
    [new Uint8Array(MAX_FAB_BYTES + 1), "at most 10485760 are accepted"],
  ];
  for (const [content, words] of cases) assertThrows(() => readFab(content), FabError, words);
});

/** Changes the uncompressed size that the central directory claims for each entry. */
function claimSizes(fab: Uint8Array, sizeBytes: number): Uint8Array {
  const view = new DataView(fab.buffer);
  for (let at = 0; at + 46 < fab.length; at++) {
    if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, sizeBytes, true);
  }
  return fab;
}

Deno.test("readFab unpacks nothing of a bomb, and believes no size that a FAB claims", () => {
  const files = { "pyproject.toml": PYPROJECT, "a.md": "a".repeat(100_000) };
  const bomb = claimSizes(fabOf(files, undefined, 6), 128 * 1024 ** 2);
  assertThrows(() => readFab(bomb), FabError, "more than is accepted");
  const liar = claimSizes(fabOf(files, undefined, 6), 1);
  assertThrows(() => readFab(liar), FabError);
});
