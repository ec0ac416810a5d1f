import { assert, assertEquals, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { inDirectory } from "../../keys/testdata/scratch.ts";
import { ExitError } from "../../terminal/errors.ts";
import { findingsIn } from "./integrity.ts";
import { openDatabase } from "./database.ts";
import { keys, SCHEMA_VERSION } from "./layout.ts";

for (const name of [":memory:", ":flwr-in-memory:"]) {
  Deno.test(`openDatabase() keeps nothing under the name ${name}`, async () => {
    for (let start = 0; start < 2; start++) {
      const database = await openDatabase(name);
      assertEquals([database.durable, database.place], [false, "memory"]);
      assertEquals((await database.kv.get(["here"])).value, null);
      await database.kv.set(["here"], true);
      await database.close();
    }
  });
}

Deno.test("openDatabase() makes a file and its folders, and finds it again", () =>
  inDirectory(async (folder) => {
    const place = `${folder}/new/folders/state.kv`;
    for (let start = 0; start < 2; start++) {
      const database = await openDatabase(place);
      assertEquals([database.durable, database.place], [true, place]);
      assertEquals((await database.kv.get(["here"])).value, start === 0 ? null : true);
      await database.kv.set(["here"], true);
      await database.close();
    }
    for (const path of [`${folder}/new/folders`, place]) {
      assertEquals((await Deno.stat(path)).mode! & 0o077, 0, path);
    }
  }));

Deno.test("openDatabase() takes an empty file for a new one", () =>
  inDirectory(async (folder) => {
    const place = `${folder}/state.kv`;
    await Deno.writeTextFile(place, "");
    const database = await openDatabase(place);
    assertEquals(await findingsIn(database.kv), []);
    await database.close();
  }));

Deno.test("openDatabase() goes on where a first start was cut short", () =>
  inDirectory(async (folder) => {
    const place = `${folder}/state.kv`;
    sqlite(place, "create table migration_state (k integer primary key, version integer not null)");
    const database = await openDatabase(place);
    assertEquals(await findingsIn(database.kv), []);
    await database.close();
  }));

Deno.test("openDatabase() goes on where a process was killed in the middle of a write", () =>
  inDirectory(async (folder) => {
    const place = `${folder}/state.kv`;
    const writing = new DatabaseSync(`${folder}/writing.kv`);
    writing.exec("create table migration_state (k integer primary key, version integer not null)");
    // The cache is too small for the transaction, so that parts of it are in the file already.
    writing.exec("pragma cache_size = 1; begin; create table data_version (text)");
    const insert = writing.prepare("insert into data_version values (?)");
    for (let row = 0; row < 200; row++) insert.run("x".repeat(1000));
    for (const suffix of ["", "-journal"]) {
      await Deno.copyFile(`${folder}/writing.kv${suffix}`, `${place}${suffix}`);
    }
    writing.close();
    const database = await openDatabase(place);
    assertEquals(await findingsIn(database.kv), []);
    await database.close();
  }));

Deno.test("openDatabase() refuses a file that another SuperLink holds, by whatever name", () =>
  inDirectory(async (folder) => {
    const place = `${folder}/state.kv`;
    const holder = await openDatabase(place);
    await Deno.symlink(place, `${folder}/link.kv`);
    await Deno.symlink(folder, `${folder}/folder`);
    for (
      const name of [
        place,
        `${folder}/./state.kv`,
        `${folder}/link.kv`,
        `${folder}/folder/state.kv`,
      ]
    ) {
      const error = await assertRejects(() => openDatabase(name), ExitError);
      assertEquals(
        error.message.replace(/".*"/, "X"),
        "The database X is held by another SuperLink.",
      );
      assert(error.remedy?.startsWith("Stop that SuperLink first"));
    }
    await holder.kv.set(["still"], "well");
    await holder.close();
    const next = await openDatabase(place);
    assertEquals((await next.kv.get(["still"])).value, "well");
    await next.close();
  }));

/** Files that are not a SuperLink's: how each is made, and what is said of it. */
const FOREIGN: [name: string, make: (place: string) => void | Promise<void>, says: string][] = [
  [
    "a Flower SuperLink's",
    (place) =>
      sqlite(place, "create table message_ins (message_id text); create table node (id int)"),
    "is not a Trellis database: it is a Flower SuperLink's.",
  ],
  [
    "another program's SQLite file",
    (place) => sqlite(place, "create table cats (name text)"),
    "is not a Trellis database: it is another program's.",
  ],
  [
    "another program's SQLite file with a table called kv",
    (place) => sqlite(place, "create table kv (name text, value text)"),
    "is not a Trellis database: it is another program's.",
  ],
  [
    "text",
    (place) => Deno.writeTextFile(place, "hello ".repeat(1000)),
    "is not a Trellis database: it is not a database.",
  ],
  [
    "a few bytes",
    (place) => Deno.writeTextFile(place, "x"),
    "is not a Trellis database: it is not a database.",
  ],
  [
    "a directory",
    (place) => Deno.mkdir(place),
    "is not a Trellis database: it is not a file.",
  ],
  [
    "another program's Deno KV",
    (place) => kv(place, ["users", 1], { name: "Ada" }),
    "is not a Trellis database: its Deno KV data is another program's.",
  ],
  [
    "another program's Deno KV with a schema of its own",
    (place) => kv(place, keys.schema, { program: "other", version: 1 }),
    "is not a Trellis database: its Deno KV data is another program's.",
  ],
  [
    "another program's Deno KV with a text where the schema is",
    (place) => kv(place, keys.schema, "v1"),
    "is not a Trellis database: its Deno KV data is another program's.",
  ],
  [
    "a newer Trellis's",
    (place) =>
      kv(place, keys.schema, { program: "trellis-superlink", version: SCHEMA_VERSION + 1 }),
    `was written by a newer Trellis (its layout is version ${SCHEMA_VERSION + 1}, ` +
    `this one knows ${SCHEMA_VERSION}).`,
  ],
];

function sqlite(place: string, statements: string): void {
  const database = new DatabaseSync(place);
  database.exec(statements);
  database.close();
}

async function kv(place: string, key: Deno.KvKey, value: unknown): Promise<void> {
  const database = await Deno.openKv(place);
  await database.set(key, value);
  database.close();
}

for (const [name, make, says] of FOREIGN) {
  Deno.test(`openDatabase() refuses ${name}, and leaves it as it was`, () =>
    inDirectory(async (folder) => {
      const place = `${folder}/state`;
      await make(place);
      const before = await contentOf(place);
      const error = await assertRejects(() => openDatabase(place), ExitError);
      assertEquals(error.message, `The database "${place}" ${says}`);
      assert(error.remedy !== undefined);
      assertEquals(await contentOf(place), before);
    }));
}

async function contentOf(place: string): Promise<Uint8Array | undefined> {
  const { isFile } = await Deno.stat(place);
  return isFile ? await Deno.readFile(place) : undefined;
}

Deno.test("openDatabase() refuses a place where it cannot write, and a URL", () =>
  inDirectory(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    const below = `${folder}/file/state.kv`;
    const error = await assertRejects(() => openDatabase(below), ExitError);
    assertEquals(error.message, `The database "${below}" cannot be made or opened.`);
    assertEquals(
      error.remedy,
      "Check that its folder can be written to, or choose another with --database.",
    );
    for (const url of ["https://kv.example.org/", "sqlite:///state.db"]) {
      const { message } = await assertRejects(() => openDatabase(url), ExitError);
      assertEquals(message, `The database "${url}" is not a file.`);
    }
  }));
