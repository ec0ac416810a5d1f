import { join } from "node:path";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { generatePrivateKey } from "../../keys/private_key.ts";
import { spkiPem } from "../../keys/public_key.ts";
import { Control } from "../../proto/gen/flwr/proto/control_pb.ts";
import { Access } from "../../proto/gen/trellis/v1/access_pb.ts";
import { ExitError } from "../../terminal/errors.ts";
import { auditFolderOf } from "../audit/audit_folder.ts";
import { readAudit } from "../audit/read_audit.ts";
import { verifyAudit } from "../audit/verify_audit.ts";
import { Grants } from "../access/grants.ts";
import { openDatabase } from "../state/database.ts";
import { onBackupStage as onStage } from "../testing/backup_stage.ts";
import { FleetClient, refusal } from "../testing/fleet_client.ts";
import { OperatorClient } from "../testing/operator_client.ts";
import { testFab } from "../testing/test_fab.ts";
import { startTestSuperLink, type TestSuperLink } from "../testing/test_superlink.ts";
import { filesBelow } from "./archive.ts";
import { takeBackup } from "./backup.ts";
import { checkDatabase } from "./check_database.ts";

/** Every row, but those that say until when or when something was restored. */
async function rowsOf(place: string): Promise<unknown[]> {
  const database = await openDatabase(place);
  try {
    const rows = await Array.fromAsync(database.kv.list({ prefix: [] }));
    return rows.filter(({ key }) => !["restored", "lease"].includes(String(key[0])))
      .map(({ key, value }) => [key, value]);
  } finally {
    await database.close();
  }
}

Deno.test("A backup that is taken while the SuperLink serves is restored whole and equal", () =>
  onStage(async ({ folder, database, clock, serve, take, restore }) => {
    await serve(async (link) => {
      using node = await FleetClient.create(link);
      using operator = new OperatorClient(link);
      await node.register();
      await node.activate();
      await operator.call(Control.method.startRun, { fab: { content: testFab() } });
      await take();
      // What comes after it is not in it.
      using later = await FleetClient.create(link);
      await later.register();
    });
    const elsewhere = join(folder, "elsewhere.kv");
    const { takenAt } = await restore({ database: elsewhere, withoutAuditLog: true });
    assertEquals(takenAt, new Date(clock.nowMicros() / 1000).toISOString());
    assertEquals(await checkDatabase(elsewhere), []);
    const restored = await rowsOf(elsewhere);
    const before = await rowsOf(database);
    const later = before.filter((row) => !restored.some((other) => isSame(row, other)));
    assertEquals(later.length, 3, "the later node, its key and its mark");
    assertEquals((await verifyAudit(auditFolderOf(elsewhere))).findings, []);
    await serve(async (link) => {
      using operator = new OperatorClient(link);
      const { runDict } = await operator.call(Control.method.listRuns, {});
      assertEquals(Object.keys(runDict).length, 1);
      assertEquals((await operator.call(Control.method.listNodes, {})).nodesInfo.length, 1);
    }, elsewhere);
  }));

/** What `supernode export` asks for: those that an operator registered. */
async function exported(link: TestSuperLink) {
  using operator = new OperatorClient(link);
  const { nodes } = await operator.call(operator.registry.listNodes, { publicKeys: true });
  return nodes.filter(({ keyless }) => !keyless);
}

Deno.test("A backup under load is one moment's state, whole, and equal by an export", () =>
  onStage(async ({ folder, serve, backup, take, restore }) => {
    const copies: string[] = [];
    const wanted: Awaited<ReturnType<typeof exported>>[] = [];
    await serve(async (link) => {
      using operator = new OperatorClient(link);
      const add = async (name: string) => {
        const { publicKey } = await generatePrivateKey("P-256");
        await operator.call(operator.registry.registerNodes, {
          nodes: [{
            publicKey: new TextEncoder().encode(spkiPem(publicKey)),
            name,
            labels: { labels: { of: name } },
          }],
        });
      };
      let goesOn = true;
      const workers = Array.from({ length: 4 }, async () => {
        while (goesOn) {
          using node = await FleetClient.create(link);
          const nodeId = await node.register();
          await node.activate();
          await node.deactivate(nodeId);
          await node.unregister(nodeId);
        }
      });
      for (let round = 0; round < 3; round++) {
        await add(`node ${round}`);
        wanted.push(await exported(link));
        await take();
        const database = join(folder, `copy-${round}.kv`);
        await restore({ database, backup, withoutAuditLog: true });
        assertEquals(await checkDatabase(database), []);
        copies.push(database);
      }
      goesOn = false;
      await Promise.all(workers);
    });
    for (const [round, copy] of copies.entries()) {
      await serve(async (link) => {
        const nodes = await exported(link);
        assertEquals([nodes, nodes.length], [wanted[round], round + 1]);
      }, copy);
    }
  }));

Deno.test("What was unregistered, suspended or revoked since the backup stays so", () =>
  onStage(async ({ database, clock, serve, take, restore }) => {
    const nodeIds: bigint[] = [];
    let tokenId = "";
    await serve(async (link) => {
      using operator = new OperatorClient(link);
      for (let count = 0; count < 4; count++) {
        using node = await FleetClient.create(link);
        nodeIds.push(await node.register());
      }
      const wanted = { name: "Ada", role: "viewer" };
      const { token } = await operator.call(Access.method.createToken, wanted);
      tokenId = token!.id;
      await take();
      const [gone = 0n, suspended = 0n, resumed = 0n] = nodeIds;
      await operator.call(Control.method.unregisterNode, { nodeId: gone });
      await operator.suspend(suspended, resumed);
      await operator.resume(resumed);
      await operator.call(Access.method.revokeToken, { id: tokenId });
    });
    // As if it had been killed before the line was written.
    await using killed = await startTestSuperLink({ database, clock });
    using operator = new OperatorClient(killed);
    await operator.call(Control.method.unregisterNode, { nodeId: nodeIds[3]! });
    await killed.stop();
    await assertRejects(() => restore(), ExitError, "There is a database");
    clock.advance({ seconds: 60 });
    const { applied, replaced } = await restore({ force: true });
    assertEquals(applied, { unregistered: 2, suspended: 1, changed: 0, revoked: 1, missing: 0 });
    assert(replaced !== undefined && (await Deno.stat(replaced)).isFile);
    await serve(async (link) => {
      using operator = new OperatorClient(link);
      const states = await Promise.all(nodeIds.map((nodeId) => operator.show(nodeId)));
      assertEquals(
        states.map(({ status, suspendedAt }) => [status, suspendedAt !== undefined]),
        [
          ["unregistered", false],
          ["suspended", true],
          ["registered", false],
          ["unregistered", false],
        ],
      );
    });
    const opened = await openDatabase(database);
    const [grant] = await new Grants(opened.kv, clock).list();
    await opened.close();
    assertEquals([grant?.id, grant?.revokedAt !== undefined], [tokenId, true]);
    const actions: string[] = [];
    for await (const { line } of readAudit(auditFolderOf(database))) actions.push(line.action);
    assert(actions.includes("database.restore"));
    assertEquals((await verifyAudit(auditFolderOf(database))).findings, []);
  }));

Deno.test("A restore is refused without the log that says what was unregistered since", () =>
  onStage(async ({ folder, database, serve, take, restore }) => {
    await serve(async (link) => {
      using node = await FleetClient.create(link);
      await node.register();
      await take();
      await assertRejects(() => restore({ force: true }), ExitError, "held by another SuperLink");
    });
    const nowhere = join(folder, "nowhere");
    const without = () => restore({ force: true, auditFolder: nowhere });
    assertStringIncludes((await assertRejects(without, ExitError)).message, "no audit log in");
    const audit = auditFolderOf(database);
    const [first] = [...Deno.readDirSync(audit)].filter(({ name }) => name.endsWith(".jsonl"));
    const path = join(audit, first!.name);
    await Deno.writeTextFile(path, (await Deno.readTextFile(path)).replace("node.reg", "node.rug"));
    await assertRejects(() => restore({ force: true }), ExitError, "is not whole");
    // Nothing was changed by any of them.
    assertEquals(await checkDatabase(database), []);
    assertEquals((await Deno.stat(database)).isFile, true);
  }));

Deno.test("After a restore no proof of the time before is accepted, and nodes sign again", () =>
  onStage(async ({ clock, serve, take, restore }) => {
    let key: FleetClient["key"] | undefined;
    let nodeId = 0n;
    await serve(async (link) => {
      using node = await FleetClient.create(link);
      key = node.key;
      nodeId = await node.register();
      await node.activate();
      await take();
    });
    // Accepted since, for which the backup has no mark.
    clock.advance({ seconds: 60 });
    await restore({ force: true });
    await serve(async (link) => {
      using node = await FleetClient.create(link, key ? { key } : {});
      assertEquals((await refusal(node.heartbeat(nodeId)))[0], "UNAVAILABLE");
      using stranger = await FleetClient.create(link);
      assertEquals((await refusal(stranger.register()))[0], "UNAVAILABLE");
      clock.advance({ seconds: 6 });
      assertEquals(await node.activate(), nodeId);
    });
  }));

Deno.test("A backup that cannot be taken leaves the older one, and a damaged one is refused", () =>
  onStage(async ({ folder, database, backup, serve, take, restore }) => {
    await assertRejects(take, ExitError, "There is no database");
    await serve(async (link) => {
      using operator = new OperatorClient(link);
      await operator.call(Control.method.startRun, { fab: { content: testFab() } });
      await take();
    });
    const from = { database, auditFolder: undefined, nowMicros: 0 };
    await assertRejects(
      () => takeBackup({ ...from, output: folder }),
      ExitError,
      "is not a file",
    );
    const old = await Deno.readFile(backup);
    const kept = await Deno.readFile(database);
    const wrong: [content: string | Uint8Array<ArrayBuffer>, told: string][] = [
      ["no database".repeat(100), "is not a Trellis database"],
      ["", "No SuperLink has kept its state"],
      [kept.slice().fill(0x55, kept.length / 2), "could not be written"],
    ];
    for (const [content, told] of wrong) {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      await Deno.writeFile(database, bytes);
      await assertRejects(take, ExitError, told);
      assertEquals(await Deno.readFile(backup), old);
    }
    assertEquals([...Deno.readDirSync(folder)].filter(({ name }) => name.startsWith(".")), []);
    await Deno.writeFile(database, kept);

    const elsewhere = { database: join(folder, "elsewhere.kv"), withoutAuditLog: true };
    const other = join(folder, "other");
    await Deno.writeTextFile(other, "no backup");
    await assertRejects(
      () => restore({ ...elsewhere, backup: other }),
      ExitError,
      "is not a backup",
    );
    await assertRejects(
      () => restore({ ...elsewhere, backup: join(folder, "nowhere") }),
      ExitError,
      "does not exist",
    );
    const hurt = old.slice();
    const at = indexOf(hurt, testFab().subarray(0, 64));
    assert(at > 0);
    hurt[at + 40]! ^= 1;
    await Deno.writeFile(other, hurt);
    await assertRejects(() => restore({ ...elsewhere, backup: other }), ExitError, "is damaged");
    assertEquals(
      [...Deno.readDirSync(folder)].some(({ name }) => name.includes("restoring")),
      false,
    );
  }));

Deno.test("A backup takes away what one left that was killed, and nothing else", () =>
  onStage(async ({ folder, database, serve, take }) => {
    await serve(async (link) => {
      using node = await FleetClient.create(link);
      await node.register();
    });
    const named = (end: string) => join(folder, `.${crypto.randomUUID()}.trellis-backup${end}`);
    const left = [named(""), named(".database"), named(".database-journal")];
    // Another that is at it, and a file that is none of ours.
    const kept = [named(""), join(folder, ".other.trellis-backup")];
    for (const path of [...left, ...kept]) await Deno.writeTextFile(path, "x");
    const longAgo = new Date(Date.now() - 3 * 3_600_000);
    for (const path of [...left, kept[1]!]) await Deno.utime(path, longAgo, longAgo);
    const others = await filesIn(folder);
    await take();
    const hidden = [...Deno.readDirSync(folder)].map(({ name }) => join(folder, name))
      .filter((path) => path.includes("trellis-backup"));
    assertEquals(hidden.sort(), kept.sort());
    assertEquals(others.length + 1, (await filesIn(folder)).length);
    assertEquals(await checkDatabase(database), []);
  }));

Deno.test("A backup that was cut off or changed anywhere is refused, and nothing is changed", () =>
  onStage(async ({ folder, database, backup, serve, take, restore }) => {
    await serve(async (link) => {
      using operator = new OperatorClient(link);
      await operator.call(Control.method.startRun, { fab: { content: testFab() } });
      using node = await FleetClient.create(link);
      await node.register();
      await take();
    });
    const whole = await Deno.readFile(backup);
    const before = await filesIn(folder);
    const damages: [how: string, bytes: Uint8Array<ArrayBuffer>][] = [
      ["empty", new Uint8Array()],
      ...[100, 4096, whole.length / 4, whole.length / 2, whole.length - 4096, whole.length - 1]
        .map((size): [string, Uint8Array<ArrayBuffer>] => [
          `cut off after ${size} bytes`,
          whole.slice(0, size),
        ]),
      ...[0.1, 0.3, 0.5, 0.7, 0.9].map((part): [string, Uint8Array<ArrayBuffer>] => {
        const bytes = whole.slice();
        bytes.fill(0x55, bytes.length * part, bytes.length * part + 4096);
        return [`other bytes at ${part}`, bytes];
      }),
    ];
    for (const [how, bytes] of damages) {
      await Deno.writeFile(backup, bytes);
      await assertRejects(() => restore({ force: true }), ExitError, undefined, how);
      await Deno.writeFile(backup, whole);
      assertEquals(await filesIn(folder), before, how);
    }
    assertEquals(await checkDatabase(database), []);
    assertEquals((await restore({ force: true })).applied?.missing, 0);
  }));

/** The names and sizes of what is in a folder, without locks. */
async function filesIn(folder: string): Promise<string[]> {
  const files = (await filesBelow(folder)).filter((name) => !/(?:lock|-wal|-shm)$/.test(name));
  return files.map((name) => `${name} ${Deno.statSync(join(folder, name)).size}`).sort();
}

function isSame(a: unknown, b: unknown): boolean {
  try {
    assertEquals(a, b);
    return true;
  } catch {
    return false;
  }
}

function indexOf(bytes: Uint8Array, part: Uint8Array): number {
  for (let at = 0; at + part.length <= bytes.length; at++) {
    if (part.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}
