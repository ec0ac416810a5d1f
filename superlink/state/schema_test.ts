import { join } from "node:path";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Control } from "../../proto/gen/flwr/proto/control_pb.ts";
import { ExitError } from "../../terminal/errors.ts";
import { Grants } from "../access/grants.ts";
import { takeBackup } from "../backup/backup.ts";
import { checkDatabase } from "../backup/check_database.ts";
import { restoreBackup } from "../backup/restore.ts";
import { FAB_SPACE } from "../runs/fabs.ts";
import { FullDisk } from "../testing/full_disk.ts";
import { OperatorClient } from "../testing/operator_client.ts";
import { TestClock } from "../testing/test_clock.ts";
import { testFab } from "../testing/test_fab.ts";
import { startTestSuperLink } from "../testing/test_superlink.ts";
import { writeVersion1 } from "../testdata/databases.ts";
import { commit } from "./commit.ts";
import { type Database, openDatabase } from "./database.ts";
import { findingsIn } from "./integrity.ts";
import { keys, type RunRow, SCHEMA_VERSION, type SchemaRow } from "./layout.ts";
import { type Schema, stamp } from "./schema.ts";

/** When the fixture was written. */
const CLOCK_MICROS = Date.parse("2026-11-23T12:01:00Z") * 1_000;

async function inFolder(play: (folder: string, place: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await play(folder, join(folder, "state.kv"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function withDatabase(place: string, play: (database: Database) => Promise<void>) {
  const database = await openDatabase(place);
  try {
    await play(database);
  } finally {
    await database.close();
  }
}

const versionOf = async (kv: Deno.Kv) => (await kv.get<SchemaRow>(keys.schema)).value?.version;

/** Serves what the first layout held, and looks whether all of it is there. */
async function servesAll(place: string, isRestored: boolean): Promise<void> {
  await withDatabase(place, async ({ kv, blobs }) => {
    assertEquals(await versionOf(kv), SCHEMA_VERSION);
    assertEquals(await findingsIn(kv), []);
    for await (const { value } of kv.list<RunRow>({ prefix: keys.runs })) {
      await blobs.put(FAB_SPACE, value.fabHash, testFab());
    }
    const grants = await new Grants(kv, new TestClock(CLOCK_MICROS)).list();
    assertEquals(grants.map(({ name, revokedAt }) => [name, revokedAt !== undefined]).sort(), [
      ["Ada", false],
      ["Bob", true],
    ]);
  });
  assertEquals(await checkDatabase(place), []);
  await using link = await startTestSuperLink({
    ...{ database: place, clock: new TestClock(CLOCK_MICROS) },
  });
  using operator = new OperatorClient(link);
  const { nodes } = await operator.call(operator.registry.listNodes, { publicKeys: true });
  assertEquals(nodes.map(({ name, status }) => `${name} ${status}`).sort(), [
    " registered",
    "Ward 1 online",
    "Ward 2 suspended",
    "Ward 3 registered",
    "gone unregistered",
  ]);
  const named = (name: string) => nodes.find((node) => node.name === name)!;
  assertEquals([named("Ward 1").labels, named("Ward 1").location], [
    { site: "berlin" },
    "52.5,13.4",
  ]);
  assertEquals(named("Ward 3").expiresAt, 4105123200000000n);
  assertEquals(named("Ward 3").earlierKeys.length, 1);
  const burned = await operator.call(operator.registry.registerNodes, {
    nodes: [{ publicKey: named("gone").publicKey }],
  });
  assertEquals(burned.faults.length, 1);
  const { runDict } = await operator.call(Control.method.listRuns, {});
  assertEquals(Object.values(runDict).map(({ status }) => status?.status), ["finished"]);
  assertEquals(isRestored, (await link.database.kv.get(keys.restored)).value !== null);
}

Deno.test("A database of layout version 1 is brought forward with all that is in it", () =>
  inFolder(async (_, place) => {
    await writeVersion1(place);
    await servesAll(place, false);
  }));

Deno.test("A backup of layout version 1 is restored and brought forward", () =>
  inFolder(async (folder, place) => {
    await writeVersion1(place);
    const backup = join(folder, "backup");
    const clock = new TestClock(CLOCK_MICROS);
    const nowMicros = clock.nowMicros();
    await takeBackup({ database: place, auditFolder: undefined, output: backup, nowMicros });
    const old = await Deno.openKv(place);
    assertEquals(await versionOf(old), 1, "a backup changes nothing");
    old.close();
    const database = join(folder, "restored.kv");
    const auditFolder = `${database}.audit`;
    const options = { backup, database, auditFolder, clock, force: false };
    await restoreBackup({ ...options, withoutAuditLog: true });
    await servesAll(database, true);
  }));

Deno.test("A newer database is refused with a sentence by all that reads one", () =>
  inFolder(async (folder, place) => {
    await writeVersion1(place);
    const backup = join(folder, "backup");
    const clock = new TestClock(CLOCK_MICROS);
    const take = () =>
      takeBackup({ database: place, auditFolder: undefined, output: backup, nowMicros: 0 });
    const kv = await Deno.openKv(place);
    const newer: SchemaRow = { program: "trellis-superlink", version: SCHEMA_VERSION + 1 };
    await kv.set(keys.schema, newer);
    kv.close();
    const before = await Deno.readFile(place);
    const restored = join(folder, "restored.kv");
    const restore = () =>
      restoreBackup({
        ...{ backup, database: restored, auditFolder: `${restored}.audit`, clock, force: false },
        withoutAuditLog: true,
      });
    const refused = async (act: () => Promise<unknown>, what: string) => {
      const { message, remedy } = await assertRejects(act, ExitError, undefined, what);
      assert(message.includes(`was written by a newer Trellis (its layout is version`), message);
      assert(remedy?.startsWith("Use that Trellis or a newer one"), what);
    };
    await refused(() => startTestSuperLink({ database: place }), "superlink");
    await refused(() => checkDatabase(place), "verify");
    await refused(take, "backup");
    await assertRejects(() => Deno.stat(backup), Deno.errors.NotFound);
    assertEquals([...Deno.readDirSync(folder)].filter(({ name }) => name.startsWith(".")), []);
    assertEquals(await Deno.readFile(place), before);
    // A newer one took the backup.
    await writeVersion1(place);
    await take();
    await withNewerBackup(backup, folder);
    await refused(restore, "restore");
    await assertRejects(() => Deno.stat(restored), Deno.errors.NotFound);
  }));

/** Puts a newer database into a backup. */
async function withNewerBackup(backup: string, folder: string): Promise<void> {
  const { ArchiveReader, ArchiveWriter } = await import("../backup/archive.ts");
  const inside = join(folder, "inside");
  {
    using archive = new ArchiveReader(backup);
    await archive.extract(archive.files("database")[0]!, inside);
  }
  const kv = await Deno.openKv(inside);
  const newer: SchemaRow = { program: "trellis-superlink", version: SCHEMA_VERSION + 1 };
  await kv.set(keys.schema, newer);
  kv.close();
  const { DatabaseSync } = await import("node:sqlite");
  const sqlite = new DatabaseSync(inside);
  sqlite.exec("pragma wal_checkpoint(truncate); pragma journal_mode = delete");
  sqlite.close();
  await Deno.remove(backup);
  using archive = new ArchiveWriter(backup);
  archive.note("taken-at", "2030-01-01T00:00:00.000Z");
  await archive.add("database", inside);
}

/** Two steps, of which the first takes several commits and counts what it is done to. */
const LATER: Schema = {
  version: 3,
  migrations: new Map([
    [1, async (kv) => {
      for await (const { key, value } of kv.list<{ count?: number }>({ prefix: ["thing"] })) {
        if (value.count === undefined) await commit(kv.atomic().set(key, { count: 1 }));
      }
    }],
    [2, async (kv) => {
      for await (const { key, value } of kv.list<{ count: number }>({ prefix: ["thing"] })) {
        const item: Deno.KvKey = ["item", key[1]!];
        await commit(kv.atomic().set(item, value).delete(key));
      }
    }],
  ]),
};

Deno.test("A migration that is cut short at any commit is gone on with at the next start", async () => {
  const things = 5;
  for (let commits = 0; commits <= 2 * things + 2; commits++) {
    const database = await openDatabase(":memory:");
    const { kv } = database;
    const row: SchemaRow = { program: "trellis-superlink", version: 1 };
    await kv.set(keys.schema, row);
    for (let number = 0; number < things; number++) await kv.set(["thing", number], {});
    const disk = new FullDisk();
    const brittle = disk.under(database).kv;
    let left = commits;
    disk.fails = () => left-- <= 0;
    if (commits < 2 * things + 2) await assertRejects(() => stamp(brittle, "x", LATER));
    await stamp(kv, "x", LATER);
    assertEquals(await versionOf(kv), 3);
    const rows = (await Array.fromAsync(kv.list({ prefix: [] }))).map((
      { key, value },
    ) => [key, value]);
    assertEquals(rows, [
      ...Array.from({ length: things }, (_, number) => [["item", number], { count: 1 }]),
      [["schema"], { ...row, version: 3 }],
    ]);
    await database.close();
  }
});

Deno.test("Several SuperLinks that share a database bring it forward at once", async () => {
  const kv = await Deno.openKv(":memory:");
  await kv.set(keys.schema, { program: "trellis-superlink", version: 1 });
  for (let number = 0; number < 50; number++) await kv.set(["thing", number], {});
  await Promise.all([1, 2, 3].map(() => stamp(kv, "x", LATER)));
  assertEquals(await versionOf(kv), 3);
  assertEquals((await Array.fromAsync(kv.list({ prefix: ["item"] }))).length, 50);
  kv.close();
});
