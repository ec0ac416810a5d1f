import { join } from "node:path";
import { assertEquals } from "@std/assert";
import { Control } from "../../proto/gen/flwr/proto/control_pb.ts";
import { Access } from "../../proto/gen/trellis/v1/access_pb.ts";
import { Registry } from "../../proto/gen/trellis/v1/registry_pb.ts";
import { openDatabase } from "../state/database.ts";
import { FleetClient } from "../testing/fleet_client.ts";
import { LogLines } from "../testing/log_lines.ts";
import { OperatorClient } from "../testing/operator_client.ts";
import { TestClock } from "../testing/test_clock.ts";
import { startTestSuperLink } from "../testing/test_superlink.ts";
import { openAuditLog } from "./audit_log.ts";
import { catchUpAudit } from "./catch_up.ts";
import { readAudit } from "./read_audit.ts";

Deno.test("What was ended without its line gets it at the next start, once", async () => {
  const folder = await Deno.makeTempDir();
  const place = join(folder, "state.kv");
  const audit = join(folder, "audit");
  const clock = new TestClock();
  const log = new LogLines().log;
  try {
    const nodeIds: bigint[] = [];
    let tokenId = "";
    let newFingerprint = "";
    const endOne = async (operator: OperatorClient, index: number) =>
      await operator.call(Control.method.unregisterNode, { nodeId: nodeIds[index]! });
    {
      await using trail = await openAuditLog(audit, { clock, log });
      await using link = await startTestSuperLink({ database: place, clock, audit: trail });
      using operator = new OperatorClient(link);
      for (let count = 0; count < 4; count++) {
        using node = await FleetClient.create(link);
        const request = { publicKey: node.publicKeyPem };
        const { nodeId = 0n } = await operator.call(Control.method.registerNode, request);
        nodeIds.push(nodeId);
      }
      await endOne(operator, 0);
    }
    {
      // As if it had been killed before the lines were written.
      await using link = await startTestSuperLink({ database: place, clock });
      using operator = new OperatorClient(link);
      await endOne(operator, 1);
      using newKey = await FleetClient.create(link);
      const rotation = { nodeId: nodeIds[3]!, publicKey: newKey.publicKeyPem };
      await operator.call(Registry.method.rotateKey, rotation);
      newFingerprint = newKey.key.publicKey.fingerprint;
      const wanted = { name: "Ada", role: "viewer" };
      tokenId = (await operator.call(Access.method.createToken, wanted)).token!.id;
      await operator.call(Access.method.revokeToken, { id: tokenId });
    }
    for (let start = 0; start < 2; start++) {
      const database = await openDatabase(place);
      await using trail = await openAuditLog(audit, { clock, log });
      await catchUpAudit({ kv: database.kv, folder: audit, trail, clock });
      await database.close();
    }
    const ended: (string | undefined)[][] = [];
    for await (const { line: { action, subject, who } } of readAudit(audit)) {
      if (!/unregister|rotate|revoke/.test(action)) continue;
      ended.push([action, who["program"], subject["nodeId"] ?? subject["tokenId"]]);
      if (action === "node.rotate") assertEquals(subject["fingerprint"], newFingerprint);
    }
    assertEquals(ended[0], ["node.unregister", undefined, String(nodeIds[0])]);
    // Nodes are looked at in the order of their ids.
    assertEquals(
      ended.slice(1).sort(),
      [
        ["node.rotate", "superlink", String(nodeIds[3])],
        ["node.unregister", "superlink", String(nodeIds[1])],
        ["token.revoke", "superlink", tokenId],
      ],
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
