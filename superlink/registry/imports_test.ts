import { join } from "node:path";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { generatePrivateKey } from "../../keys/private_key.ts";
import { spkiPem } from "../../keys/public_key.ts";
import { Registry } from "../../proto/gen/trellis/v1/registry_pb.ts";
import { NO_ACCOUNT } from "../accounts.ts";
import { openAuditLog } from "../audit/audit_log.ts";
import { readAudit } from "../audit/read_audit.ts";
import { type Database, openDatabase } from "../state/database.ts";
import { findingsIn } from "../state/integrity.ts";
import { NO_NODE_EVENTS } from "../state/node.ts";
import { Nodes } from "../state/nodes.ts";
import { FullDisk } from "../testing/full_disk.ts";
import { countKeys } from "../testing/leftovers.ts";
import { LogLines } from "../testing/log_lines.ts";
import { OperatorClient } from "../testing/operator_client.ts";
import { TestClock } from "../testing/test_clock.ts";
import { startTestSuperLink } from "../testing/test_superlink.ts";
import { NO_AUDIT } from "../audit/audit.ts";
import { type AuditTrail } from "../audit/audit.ts";
import type { NewNode } from "./enrol_node.ts";
import { Imports } from "./imports.ts";

const COUNT = 120;
/** Commits that write down what is wanted, and the one that accepts it. */
const STAGING_COMMITS = 3;
const BY = { account: NO_ACCOUNT, by: "Ada", peer: "127.0.0.1:1" };

const newNodes = await Promise.all(
  Array.from({ length: COUNT }, async (_, index): Promise<NewNode> => {
    const { publicKey } = await generatePrivateKey("P-256");
    const said = { name: `node ${index}`, labels: { number: String(index) } };
    return { publicKey: new TextEncoder().encode(spkiPem(publicKey)), ...said };
  }),
);

/** A process with a database that fails from a commit on, as if it had been killed before it. */
async function open(database: Database, shared: boolean, clock: TestClock, audit: AuditTrail) {
  const log = new LogLines().log;
  const { kv } = database;
  const nodes = await Nodes.open(kv, NO_NODE_EVENTS, log, clock.nowMicros());
  return { nodes, imports: new Imports({ kv, nodes, shared, clock, log, audit }) };
}

Deno.test("An import that is killed at any commit is done at the next start, or nothing of it", async () => {
  const folder = await Deno.makeTempDir();
  const clock = new TestClock();
  try {
    for (const commits of [0, 1, 2, 3, 4, 5, 60, STAGING_COMMITS + 1 + COUNT, 1_000]) {
      const place = join(folder, `${commits}.kv`);
      const audit = join(folder, `audit-${commits}`);
      {
        await using trail = await openAuditLog(audit, { clock, log: new LogLines().log });
        const database = await openDatabase(place);
        const disk = new FullDisk();
        let left = commits;
        disk.fails = () => left-- <= 0;
        const { imports } = await open(disk.under(database), false, clock, trail);
        const carried = imports.carryOut(newNodes, BY);
        if (commits < 1_000) await assertRejects(() => carried);
        else {assertEquals(
            (await carried).map((one) => one?.outcome),
            Array(COUNT).fill("registered"),
          );}
        await database.close();
      }
      const isAccepted = commits > STAGING_COMMITS;
      await using trail = await openAuditLog(audit, { clock, log: new LogLines().log });
      const database = await openDatabase(place);
      const { imports, nodes } = await open(database, false, clock, trail);
      for (let start = 0; start < 2; start++) await imports.finish();
      const rows = (await nodes.list(clock.nowMicros())).map(({ row }) => row);
      assertEquals(
        new Set(rows.map(({ name, labels }) => `${name} ${labels?.["number"]}`)),
        new Set(isAccepted ? newNodes.map(({ name }) => `${name} ${name?.slice(5)}`) : []),
        `after ${commits} commits`,
      );
      assertEquals(rows.length, isAccepted ? COUNT : 0);
      assertEquals(await findingsIn(database.kv), []);
      assertEquals(
        await countKeys(database, "import") + await countKeys(database, "import-node"),
        0,
      );
      let lines = 0;
      for await (const { line } of readAudit(audit, { action: "node.register" })) {
        assert(line.subject["fingerprint"] && line.subject["name"] && line.subject["labels"]);
        lines++;
      }
      // Those that were registered before it was killed get theirs when the log catches up.
      assert(isAccepted ? lines <= COUNT : lines === 0);
      await database.close();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("What was done since to a node of an interrupted import is not undone", async () => {
  const folder = await Deno.makeTempDir();
  const clock = new TestClock();
  try {
    const database = await openDatabase(join(folder, "state.kv"));
    const disk = new FullDisk();
    const { imports, nodes } = await open(disk.under(database), false, clock, NO_AUDIT);
    let left = STAGING_COMMITS + 1 + 40;
    disk.fails = () => left-- <= 0;
    await assertRejects(() => imports.carryOut(newNodes, BY));
    disk.fails = () => false;
    const [first, second] = await nodes.list(clock.nowMicros());
    await nodes.change(first!.row.nodeId, clock.micros, (row) => ({ ...row, name: "other" }));
    await nodes.unregister(second!.row.nodeId, clock.micros, () => true);
    await imports.finish();
    const rows = (await nodes.list(clock.micros)).map(({ row }) => row);
    assertEquals(rows.length, COUNT);
    assertEquals(rows.filter(({ name }) => name === "other").length, 1);
    assertEquals(rows.filter(({ status }) => status === "unregistered").length, 1);
    // And the same file once more says how all are to be, but for the one that is gone.
    const again = await imports.carryOut(newNodes, BY);
    assertEquals(again.filter((one) => one?.outcome === "updated").length, 1);
    assertEquals(again.filter((one) => one === undefined).length, 1);
    await database.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Where several share the database, none takes an import that another is at", async () => {
  const folder = await Deno.makeTempDir();
  const clock = new TestClock();
  try {
    const database = await openDatabase(join(folder, "state.kv"));
    const disk = new FullDisk();
    const { imports } = await open(disk.under(database), true, clock, NO_AUDIT);
    let left = STAGING_COMMITS + 1 + 40;
    disk.fails = () => left-- <= 0;
    await assertRejects(() => imports.carryOut(newNodes, BY));
    const other = await open(database, true, clock, NO_AUDIT);
    clock.advance({ seconds: 60 });
    await other.imports.finish();
    const count = async () => (await other.nodes.list(clock.micros)).length;
    assertEquals(await count(), 40);
    clock.advance({ seconds: 600 });
    await other.imports.finish();
    assertEquals(await count(), COUNT);
    await database.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("A SuperLink that starts has done what was left of an import before it serves", async () => {
  const folder = await Deno.makeTempDir();
  const place = join(folder, "state.kv");
  try {
    {
      const disk = new FullDisk();
      await using link = await startTestSuperLink({ database: place, between: disk.under });
      using operator = new OperatorClient(link);
      let left = STAGING_COMMITS + 1 + 40;
      disk.fails = () => left-- <= 0;
      const nodes = newNodes.map(({ publicKey }) => ({ publicKey }));
      await assertRejects(() => operator.call(Registry.method.registerNodes, { nodes }));
      disk.fails = () => false;
    }
    await using link = await startTestSuperLink({ database: place });
    using operator = new OperatorClient(link);
    const { nodes } = await operator.call(operator.registry.listNodes, {});
    assertEquals(nodes.length, COUNT);
    assertEquals(link.logged.of("node.import-finished").length, 1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
