import { assertEquals, assertMatch } from "@std/assert";
import { openDatabase } from "../state/database.ts";
import { readiness } from "./readiness.ts";

const WITHOUT = { auditFolder: undefined };

Deno.test("readiness() says that all is well, and writes nothing new", async () => {
  const database = await openDatabase(":memory:");
  try {
    const before = await rowCount(database.kv);
    const ready = { ready: true };
    assertEquals(await readiness({ ...WITHOUT, database, isServing: () => true }), {
      ready: true,
      parts: { listeners: ready, database: ready, disk: ready },
    });
    assertEquals(await rowCount(database.kv), before);
  } finally {
    await database.close();
  }
});

Deno.test("readiness() names the part that is not ready, and why", async () => {
  const database = await openDatabase(":memory:");
  const full = { ...database, durable: true, place: "/data/trellis.kv" };
  const paths: string[] = [];
  try {
    const { ready, parts } = await readiness({
      ...{ ...WITHOUT, database: full },
      isServing: () => false,
      freeBytes(path) {
        paths.push(path);
        return Promise.resolve(5 * 1024 ** 2);
      },
    });
    assertEquals(ready, false);
    assertMatch(parts.listeners.reason ?? "", /starting or stopping/);
    assertEquals(parts.disk.reason, "Only 5 MiB are free where the database is.");
    assertEquals(parts.database, { ready: true });
    assertEquals(paths, ["/data"]);
  } finally {
    await database.close();
  }
});

Deno.test("readiness() looks at the disk of the audit log, too", async () => {
  const database = await openDatabase(":memory:");
  const full = { ...database, durable: true, place: "/data/trellis.kv" };
  try {
    const { parts } = await readiness({
      ...{ database: full, auditFolder: "/audit", isServing: () => true },
      freeBytes: (path) => Promise.resolve(path === "/audit" ? 0 : undefined),
    });
    assertEquals(parts.disk.reason, "Only 0 MiB are free where the audit log is.");
  } finally {
    await database.close();
  }
});

Deno.test("readiness() says when the database cannot be written", async () => {
  const database = await openDatabase(":memory:");
  await database.close();
  const { ready, parts } = await readiness({ ...WITHOUT, database, isServing: () => true });
  assertEquals(ready, false);
  assertEquals(parts.database, { ready: false, reason: "The database cannot be written." });
});

async function rowCount(kv: Deno.Kv): Promise<number> {
  return (await Array.fromAsync(kv.list({ prefix: [] }))).length;
}
