import { assert, assertEquals } from "@std/assert";
import { Control } from "../../proto/gen/flwr/proto/control_pb.ts";
import { Registry } from "../../proto/gen/trellis/v1/registry_pb.ts";
import { Access } from "../../proto/gen/trellis/v1/access_pb.ts";
import { StatusError } from "../../wire/status.ts";
import { Grants } from "../access/grants.ts";
import { readSpkiPem } from "../auth/known_keys.ts";
import { FleetClient, PLANES, refusal } from "../testing/fleet_client.ts";
import { OperatorClient } from "../testing/operator_client.ts";
import { testFab } from "../testing/test_fab.ts";
import { startTestSuperLink } from "../testing/test_superlink.ts";
import type { AuditEntry, AuditTrail } from "./audit.ts";
import { actionOf } from "./operator_calls.ts";

/** Keeps what it is told. */
class ToldTrail implements AuditTrail {
  readonly entries: AuditEntry[] = [];
  isFull = false;

  ready(): Promise<void> {
    return this.isFull
      ? Promise.reject(new StatusError("RESOURCE_EXHAUSTED", "Nothing was done."))
      : Promise.resolve();
  }

  record(entry: AuditEntry): Promise<void> {
    this.entries.push(entry);
    return Promise.resolve();
  }

  note(entry: AuditEntry): void {
    this.entries.push(entry);
  }

  of(action: string): AuditEntry[] {
    return this.entries.filter((entry) => entry.action === action);
  }
}

Deno.test("What an operator and a node do has its lines", async () => {
  const audit = new ToldTrail();
  await using link = await startTestSuperLink({ audit, managed: true });
  using node = await FleetClient.create(link);
  using channel = new OperatorClient(link);
  const { nodeId = 0n } = await channel.call(Control.method.registerNode, {
    publicKey: node.publicKeyPem,
  });
  await node.activate();
  await node.heartbeat(nodeId);
  await node.deactivate(nodeId);
  const { runId = 0n } = await channel.call(Control.method.startRun, {
    fab: { content: testFab() },
  });
  await channel.call(Control.method.stopRun, { runId });
  await channel.call(Control.method.listNodes, {});
  await channel.call(Control.method.unregisterNode, { nodeId });
  await refusal(channel.call(Control.method.unregisterNode, { nodeId: 5n }));
  await refusal(node.heartbeat(nodeId));

  const fingerprint = readSpkiPem(new TextDecoder().decode(node.publicKeyPem))!.fingerprint;
  const told = audit.entries.map(({ who, action, subject, outcome }) =>
    [...Object.values(who), action, subject.nodeId ?? subject.runId, outcome].join(" ")
  );
  assertEquals(told, [
    `anybody node.register ${nodeId} done`,
    `${fingerprint} node.activate ${nodeId} done`,
    `${fingerprint} node.deactivate ${nodeId} done`,
    `anybody run.start ${runId} done`,
    `superlink run.end ${runId} done`,
    `anybody run.stop ${runId} done`,
    `anybody node.unregister ${nodeId} done`,
    "anybody node.unregister 5 refused",
    `${fingerprint} fleet.SendNodeHeartbeat  refused`,
  ]);
  assertEquals(audit.entries[0]?.subject.fingerprint, fingerprint);
  assertEquals(audit.of("node.unregister")[1]?.reason !== undefined, true);
  assert(
    audit.entries.every(({ who, from }) => "program" in who || from?.startsWith("127.0.0.1:")),
  );
});

for (const plane of PLANES) {
  Deno.test(`Each thing that is done, or refused, has its line over ${plane}`, async () => {
    const audit = new ToldTrail();
    await using link = await startTestSuperLink({ audit, managed: true });
    using node = await FleetClient.create(link, { plane });
    using stranger = await FleetClient.create(link, { plane });
    using operator = new OperatorClient(link, plane);
    const { registerNodes, updateNode, rotateKey } = Registry.method;
    const { nodes: [one] } = await operator.call(registerNodes, {
      nodes: [{ publicKey: node.publicKeyPem, name: "Ward 1", labels: { labels: { a: "b" } } }],
    });
    const { nodeId } = one!;
    await node.activate();
    await refusal(stranger.activate());
    await operator.call(updateNode, { nodeId, name: "Ward 2", setLabels: { site: "x" } });
    await operator.suspend(nodeId);
    await refusal(node.pull(nodeId));
    await operator.resume(nodeId);
    await operator.call(rotateKey, { nodeId, publicKey: stranger.publicKeyPem });
    const { runId = 0n } = await operator.call(Control.method.startRun, {
      fab: { content: testFab() },
    });
    await operator.call(Control.method.stopRun, { runId });
    await refusal(operator.call(Control.method.pullArtifacts, { runId }));
    const { token } = await operator.call(Access.method.createToken, {
      ...{ name: "Ada", role: "viewer" },
    });
    await operator.call(Access.method.revokeToken, { id: token!.id });
    await refusal(operator.call(Access.method.revokeToken, { id: "none" }));
    await operator.call(Control.method.unregisterNode, { nodeId });
    await refusal(operator.call(Control.method.stopRun, { runId: 5n }));
    await operator.call(registerNodes, { nodes: [{ publicKey: node.publicKeyPem }, {}] });
    assertEquals(
      audit.entries.map(({ action, outcome }) => `${action} ${outcome}`).filter((line) =>
        !line.startsWith("run.end")
      ),
      [
        "node.register done",
        "node.activate done",
        "fleet.ActivateNode refused",
        "node.update done",
        "node.suspend done",
        "fleet.PullMessages refused",
        "node.resume done",
        "node.rotate done",
        "run.start done",
        "run.stop done",
        "artifact.pull refused",
        "token.create done",
        "token.revoke done",
        "token.revoke refused",
        "node.unregister done",
        "run.stop refused",
        "node.register refused",
      ],
    );
    const [registered] = audit.of("node.register");
    assertEquals([registered?.subject.name, registered?.subject.labels], ["Ward 1", '{"a":"b"}']);
    const [updated] = audit.of("node.update");
    assertEquals(
      [updated?.subject.name, updated?.subject.labels, updated?.subject.expires],
      ["Ward 2", '{"a":"b","site":"x"}', "never"],
    );
    assertEquals(audit.of("token.create")[0]?.subject.role, "viewer");
    assert(audit.entries.every(({ outcome, reason }) => (outcome === "refused") === !!reason));
  });
}

for (const plane of PLANES) {
  Deno.test(`A token whose role is not enough has a line in its name over ${plane}`, async () => {
    const audit = new ToldTrail();
    await using link = await startTestSuperLink({ audit, controlRule: { kind: "tokens" } });
    const grants = new Grants(link.database.kv, link.clock);
    const wanted = { name: "the auditors", role: "viewer", createdBy: "a test" } as const;
    const { grant, token } = await grants.create(wanted);
    using viewer = new OperatorClient(link, plane, token);
    const [status] = await refusal(viewer.suspend(5n));
    assertEquals(status, "PERMISSION_DENIED");
    using stranger = new OperatorClient(link, plane);
    await refusal(stranger.suspend(5n));
    const who = { tokenId: grant.id, tokenName: "the auditors" };
    assertEquals(audit.of("node.suspend").map((entry) => entry.who), [who, {}]);
  });
}

Deno.test("A call that changes several nodes has a line for each", async () => {
  for (const plane of PLANES) {
    const audit = new ToldTrail();
    await using link = await startTestSuperLink({ audit });
    using nodes = await FleetClient.create(link);
    using operator = new OperatorClient(link, plane);
    const nodeId = await nodes.register();
    audit.entries.length = 0;
    assertEquals(await operator.suspend(nodeId), [nodeId]);
    assertEquals(await operator.suspend(nodeId), []);
    assertEquals(await operator.resume(nodeId), [nodeId]);
    await operator.show(nodeId);
    assertEquals(
      audit.entries.map(({ action, subject }) => [action, subject.nodeId]),
      [["node.suspend", nodeId], ["node.resume", nodeId]],
    );
  }
});

Deno.test("What an import leaves as it was has one line for all", async () => {
  const audit = new ToldTrail();
  await using link = await startTestSuperLink({ audit });
  using operator = new OperatorClient(link);
  const nodes = await Promise.all([1, 2, 3].map(async (number) => {
    using client = await FleetClient.create(link);
    return { publicKey: client.publicKeyPem, name: `node ${number}` };
  }));
  const register = async (changed: typeof nodes) => {
    audit.entries.length = 0;
    await operator.call(Registry.method.registerNodes, { nodes: changed });
    return audit.entries.map(({ subject: { name, detail } }) => [name, detail]);
  };
  assertEquals(await register(nodes), nodes.map(({ name }) => [name, "registered"]));
  assertEquals(await register(nodes), [[undefined, "unchanged: 3"]]);
  const other = nodes.with(0, { ...nodes[0]!, name: "other" });
  assertEquals(await register(other), [["other", "updated"], [undefined, "unchanged: 2"]]);
  // Somebody may have been told of none of it before.
  assertEquals(await register(other.slice(0, 1)), [["other", "unchanged"]]);
});

Deno.test("Nothing is done of which there can be no line, and nodes go on", async () => {
  const audit = new ToldTrail();
  await using link = await startTestSuperLink({ audit });
  using node = await FleetClient.create(link);
  using other = await FleetClient.create(link);
  using channel = new OperatorClient(link);
  const nodeId = await node.register();
  await node.activate();
  audit.isFull = true;
  const register = channel.call(Control.method.registerNode, { publicKey: other.publicKeyPem });
  assertEquals(await refusal(register), ["RESOURCE_EXHAUSTED", "Nothing was done."]);
  await refusal(channel.call(Control.method.unregisterNode, { nodeId }));
  assertEquals(await node.heartbeat(nodeId), true);
  const { nodesInfo } = await channel.call(Control.method.listNodes, {});
  assertEquals(nodesInfo.map((info) => [info.nodeId, info.status]), [[nodeId, "online"]]);
});

Deno.test("Every method of the registry that changes something has an action of its own", () => {
  for (const { name } of Registry.methods) {
    if (name.startsWith("List")) continue;
    assert(!actionOf(name).startsWith("control."), name);
  }
});
