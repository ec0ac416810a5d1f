import { join } from "node:path";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Control } from "../../proto/gen/flwr/proto/control_pb.ts";
import { ExitError } from "../../terminal/errors.ts";
import { auditFiles, auditFolderOf } from "../audit/audit_folder.ts";
import { readAudit } from "../audit/read_audit.ts";
import { verifyAudit } from "../audit/verify_audit.ts";
import { openDatabase } from "../state/database.ts";
import { keys } from "../state/layout.ts";
import { type BackupStage, onBackupStage } from "../testing/backup_stage.ts";
import { FleetClient } from "../testing/fleet_client.ts";
import { OperatorClient } from "../testing/operator_client.ts";
import { testFab } from "../testing/test_fab.ts";
import { checkDatabase } from "./check_database.ts";
import type { Step } from "./put_in_place.ts";
import { restoreBackup } from "./restore.ts";

/** A node and a run, a backup of them, and a second node since. */
async function begin({ serve, take }: BackupStage): Promise<void> {
  const add = async (operator: OperatorClient, link: Parameters<typeof FleetClient.create>[0]) => {
    using node = await FleetClient.create(link);
    await operator.call(Control.method.registerNode, { publicKey: node.publicKeyPem });
  };
  await serve(async (link) => {
    using operator = new OperatorClient(link);
    await add(operator, link);
    await operator.call(Control.method.startRun, { fab: { content: testFab() } });
    await take();
    await add(operator, link);
  });
}

async function nodeCount(place: string): Promise<number> {
  const database = await openDatabase(place);
  const nodes = await Array.fromAsync(database.kv.list({ prefix: keys.nodes }));
  await database.close();
  return nodes.length;
}

/** Does so many steps, and ends there as a process that is killed. */
const dyingAfter = (count: number) => async (steps: readonly Step[]) => {
  for (const step of steps.slice(0, count)) await step();
  if (count < steps.length) throw new Error("killed");
};

const LOGS: readonly [name: string, isKept: boolean][] = [
  ["goes on", true],
  ["is lost and comes back with the backup", false],
];

for (const [name, isKept] of LOGS) {
  Deno.test(`A restore that is cut short anywhere is gone on with, where the audit log ${name}`, async () => {
    let isCutShort = true;
    for (let count = 0; isCutShort; count++) {
      await onBackupStage(async (stage) => {
        await begin(stage);
        const { database, backup, clock } = stage;
        const auditFolder = auditFolderOf(database);
        if (!isKept) await Deno.remove(auditFolder, { recursive: true });
        const options = {
          ...{ database, backup, auditFolder, clock, force: true, withoutAuditLog: !isKept },
        };
        isCutShort = await restoreBackup(options, dyingAfter(count)).then(
          () => false,
          async (error) => {
            assertStringIncludes(String(error), "was cut short: killed.");
            await assertRejects(() => openDatabase(database), ExitError, "was cut short");
            await assertRejects(stage.take, ExitError);
            return true;
          },
        );
        clock.advance({ seconds: 60 });
        // What was allowed once need not be allowed again.
        const { replaced } = isCutShort
          ? await stage.restore({ withoutAuditLog: !isKept })
          : await stage.restore({ force: true });
        assertEquals(await checkDatabase(database), [], `after ${count} steps`);
        assertEquals([await nodeCount(database), await nodeCount(replaced ?? "")], [
          ...[1, isCutShort ? 2 : 1],
        ]);
        assert((await Deno.stat(join(`${database}.objects`, "fabs"))).isDirectory);
        assertEquals((await verifyAudit(auditFolder)).findings, []);
        const actions: string[] = [];
        for await (const { line } of readAudit(auditFolder)) actions.push(line.action);
        assertEquals(actions.at(-1), "database.restore");
        assertEquals((await auditFiles(auditFolder)).length, 1);
        const left = [...Deno.readDirSync(stage.folder)].map(({ name }) => name)
          .filter((name) => /restor/.test(name));
        assertEquals(left, []);
      });
    }
  });
}

Deno.test("A restore takes a place where objects of a lost database are left", () =>
  onBackupStage(async (stage) => {
    await begin(stage);
    const { database, restore } = stage;
    await Deno.remove(database);
    const { replaced } = await restore();
    assertEquals(replaced, undefined);
    assertEquals(await checkDatabase(database), []);
  }));

Deno.test("A damaged database is replaced, and a restore that finds no room changes nothing", () =>
  onBackupStage(async (stage) => {
    await begin(stage);
    const { database, restore } = stage;
    const bytes = await Deno.readFile(database);
    // All but the head of the file, so that it can be opened and not read.
    await Deno.writeFile(database, bytes.fill(0x55, 100));
    await Deno.mkdir(`${database}.unfinished-restore.new`);
    const error = await assertRejects(() => restore({ force: true }), ExitError);
    assertStringIncludes(error.message, "could not be restored");
    assertEquals(error.remedy?.includes("No database was changed."), true);
    assertEquals(await Deno.readFile(database), bytes);
    await Deno.remove(`${database}.unfinished-restore.new`);
    const { replaced } = await restore({ force: true });
    assertEquals(await checkDatabase(database), []);
    assertEquals(await Deno.readFile(replaced ?? ""), bytes);
  }));
