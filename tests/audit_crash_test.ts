/**
 * The SuperLink is killed while operators register and unregister SuperNodes. What it had answered has
 * its line in the audit log, what was unregistered has one in any case, and the chain is whole after
 * each start.
 */

import { assert, assertEquals } from "@std/assert";
import { generatePrivateKey } from "../keys/private_key.ts";
import { spkiPem } from "../keys/public_key.ts";
import { Control } from "../proto/gen/flwr/proto/control_pb.ts";
import { auditFolderOf } from "../superlink/audit/audit_folder.ts";
import { readAudit } from "../superlink/audit/read_audit.ts";
import { verifyAudit } from "../superlink/audit/verify_audit.ts";
import { openDatabase } from "../superlink/state/database.ts";
import { keys, type NodeRow } from "../superlink/state/layout.ts";
import { MortalSuperLink } from "./harness/mortal_superlink.ts";

const KILLS = 6;
const ANSWERS_BEFORE_KILL = 40;
const OPERATORS = 4;

Deno.test("What was answered before kill -9 has its line, and the chain is whole", async () => {
  const folder = await Deno.makeTempDir();
  const link = new MortalSuperLink(folder, []);
  const audit = auditFolderOf(link.database);
  try {
    const answered: string[] = [];
    let goesOn = true;
    const operators = Array.from({ length: OPERATORS }, async () => {
      while (goesOn) {
        const { publicKey: key } = await generatePrivateKey("P-256");
        const publicKey = new TextEncoder().encode(spkiPem(key));
        const nodeId = await link.call(async ({ app }) => {
          const { nodeId = 0n } = await app.control(Control.method.registerNode, { publicKey });
          return nodeId;
        }).catch(() => undefined);
        // It was registered by a call that was not answered.
        if (nodeId === undefined) continue;
        answered.push(`node.register ${nodeId}`);
        await link.call(({ app }) => app.control(Control.method.unregisterNode, { nodeId }))
          .then(() => answered.push(`node.unregister ${nodeId}`), () => {});
      }
    });
    await link.start();
    for (let kill = 0; kill < KILLS; kill++) {
      await link.answers(ANSWERS_BEFORE_KILL);
      await link.kill();
      assertEquals((await verifyAudit(audit)).findings, []);
      await link.start();
    }
    goesOn = false;
    await Promise.all(operators);
    assertEquals((await verifyAudit(audit)).findings, []);
    await link.stop();
    const told = new Set<string>();
    for await (const { line } of readAudit(audit)) {
      if (line.outcome === "done") told.add(`${line.action} ${line.subject["nodeId"]}`);
    }
    assert(answered.length >= KILLS * ANSWERS_BEFORE_KILL);
    assertEquals(answered.filter((action) => !told.has(action)), []);
    const database = await openDatabase(link.database);
    for await (const { value } of database.kv.list<NodeRow>({ prefix: keys.nodes })) {
      const isGone = value.status === "unregistered";
      assert(!isGone || told.has(`node.unregister ${value.nodeId}`), `${value.nodeId} has no line`);
    }
    await database.close();
  } finally {
    await link.stop();
    await Deno.remove(folder, { recursive: true });
  }
});
