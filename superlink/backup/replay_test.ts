import { assertEquals } from "@std/assert";
import { generatePrivateKey, type PrivateKey } from "../../keys/private_key.ts";
import { spkiPem } from "../../keys/public_key.ts";
import { Control } from "../../proto/gen/flwr/proto/control_pb.ts";
import { Access } from "../../proto/gen/trellis/v1/access_pb.ts";
import { Registry } from "../../proto/gen/trellis/v1/registry_pb.ts";
import { auditFolderOf } from "../audit/audit_folder.ts";
import { verifyAudit } from "../audit/verify_audit.ts";
import { Grants } from "../access/grants.ts";
import { hashOf } from "../access/secrets.ts";
import { commit } from "../state/commit.ts";
import { findingsIn } from "../state/integrity.ts";
import { openDatabase } from "../state/database.ts";
import { onBackupStage } from "../testing/backup_stage.ts";
import { FleetClient, refusal } from "../testing/fleet_client.ts";
import { OperatorClient } from "../testing/operator_client.ts";

const { registerNodes, updateNode, rotateKey } = Registry.method;
const EXPIRY_MS = Date.parse("2100-01-31T00:00:00Z");
const expiresAt = (days = 0) => BigInt((EXPIRY_MS - days * 86_400_000) * 1_000);
const EXPIRES = { case: "expiresAt", value: expiresAt() } as const;

const pemOf = (key: PrivateKey) => new TextEncoder().encode(spkiPem(key.publicKey));

/** What is done to a node. Its keys are made before, in the order of their use. */
interface Scene {
  readonly operator: OperatorClient;
  readonly nodeId: bigint;
  readonly keys: readonly PrivateKey[];
}

type Act = (scene: Scene) => Promise<unknown>;

const suspend: Act = ({ operator, nodeId }) => operator.suspend(nodeId);
const resume: Act = ({ operator, nodeId }) => operator.resume(nodeId);
const unregister: Act = ({ operator, nodeId }) =>
  operator.call(Control.method.unregisterNode, { nodeId });
const rotateTo = (index: number): Act => ({ operator, nodeId, keys }) =>
  operator.call(rotateKey, { nodeId, publicKey: pemOf(keys[index]!), graceSeconds: 3_600n });
const update = (change: object): Act => ({ operator, nodeId }) =>
  operator.call(updateNode, { nodeId, ...change });
const again = (said: object): Act => ({ operator, keys }) =>
  operator.call(registerNodes, { nodes: [{ publicKey: pemOf(keys[0]!), ...said }] });

/** How a node is that the backup knew. */
interface Expected {
  readonly status?: string;
  readonly name?: string;
  readonly location?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly expiresAt?: bigint;
}

/** Before the backup, since, and how it is after the restore. */
const KNOWN: readonly [name: string, before: Act[], since: Act[], after: Expected][] = [
  ["nothing", [], [], {}],
  ["unregister", [], [unregister], { status: "unregistered" }],
  ["suspend", [], [suspend], { status: "suspended" }],
  ["suspend and resume", [], [suspend, resume], {}],
  ["suspend, resume and suspend", [], [suspend, resume, suspend], { status: "suspended" }],
  ["nothing, of one that is suspended", [suspend], [], { status: "suspended" }],
  ["resume", [suspend], [resume], {}],
  ["expire", [], [update({ expiry: EXPIRES })], { expiresAt: expiresAt() }],
  [
    "expire sooner",
    [update({ expiry: EXPIRES })],
    [update({ expiry: { case: "expiresAt", value: expiresAt(7) } })],
    { expiresAt: expiresAt(7) },
  ],
  ["expire in the past", [], [update({ expiry: { case: "expiresAt", value: 1_000n } })], {
    ...{ status: "expired", expiresAt: 1_000n },
  }],
  [
    "never expire",
    [update({ expiry: EXPIRES })],
    [update({ expiry: { case: "neverExpires", value: true } })],
    {},
  ],
  [
    "name, place and label",
    [update({ name: "Ward 1", setLabels: { site: "bonn", gpu: "none" } })],
    [
      update({ name: "Ward 2", location: "52.5,13.4" }),
      update({ setLabels: { site: 'köln; "west"' }, removeLabels: ["gpu"] }),
    ],
    { name: "Ward 2", location: "52.5,13.4", labels: { site: 'köln; "west"' } },
  ],
  ["unname", [update({ name: "Ward 1" })], [update({ name: "" })], {}],
  [
    "labels that fill more than a line",
    [update({ setLabels: { old: "1" } })],
    [update({ name: "N", setLabels: { a: "x".repeat(256), b: "y".repeat(256) } })],
    { name: "N", labels: { old: "1" } },
  ],
  [
    "import again",
    [update({ name: "Ward 1", setLabels: { gpu: "none" } })],
    [again({ name: "Ward 3", labels: { labels: { site: "berlin" } }, expiry: EXPIRES })],
    { name: "Ward 3", labels: { site: "berlin" }, expiresAt: expiresAt() },
  ],
  ["import again, suspended", [], [again({ suspended: true })], { status: "suspended" }],
  ["import again, saying nothing", [update({ name: "Ward 1" })], [again({})], { name: "Ward 1" }],
  ["rotate", [], [rotateTo(1)], { status: "suspended" }],
  ["rotate and resume", [], [suspend, rotateTo(1), resume], { status: "suspended" }],
  ["rotate and unregister", [], [rotateTo(1), unregister], { status: "unregistered" }],
  ["rotate once more to the key that it has", [rotateTo(1)], [rotateTo(1)], {}],
];

/** Of a key that the backup did not know: whether it can be registered after the restore. */
const UNKNOWN: readonly [name: string, since: Act[], isGood: readonly boolean[]][] = [
  ["register", [], [true]],
  ["register and suspend", [suspend], [true]],
  ["register and unregister", [unregister], [false]],
  ["register and rotate", [rotateTo(1)], [false, true]],
  ["register, rotate twice and unregister", [rotateTo(1), rotateTo(2), unregister], [
    ...[false, false, false],
  ]],
];

Deno.test("What was done to nodes since the backup is so after the restore", () =>
  onBackupStage(async ({ database, clock, serve, take, restore }) => {
    const keysOf = async () =>
      await Promise.all(Array.from({ length: 3 }, () => generatePrivateKey("P-256")));
    const known = new Map<string, Scene>();
    const unknown = new Map<string, readonly PrivateKey[]>();
    const itself = await generatePrivateKey("P-256");
    await serve(async (link) => {
      using operator = new OperatorClient(link);
      const register = async (): Promise<Scene> => {
        const keys = await keysOf();
        const { nodes: [node] } = await operator.call(registerNodes, {
          nodes: [{ publicKey: pemOf(keys[0]!) }],
        });
        return { operator, nodeId: node!.nodeId, keys };
      };
      for (const [name, before] of KNOWN) {
        const scene = await register();
        known.set(name, scene);
        for (const act of before) await act(scene);
      }
      await take();
      for (const [name, , since] of KNOWN) for (const act of since) await act(known.get(name)!);
      for (const [name, since] of UNKNOWN) {
        const scene = await register();
        unknown.set(name, scene.keys);
        for (const act of since) await act(scene);
      }
      using node = await FleetClient.create(link, { key: itself });
      await node.unregister(await node.register());
    });
    clock.advance({ seconds: 60 });
    const { applied } = await restore({ force: true });
    assertEquals(applied, { unregistered: 2, suspended: 5, changed: 9, revoked: 0, missing: 3 });
    const opened = await openDatabase(database);
    assertEquals(await findingsIn(opened.kv), []);
    await opened.close();
    clock.advance({ seconds: 10 });
    await serve(async (link) => {
      using operator = new OperatorClient(link);
      for (const [name, , , after] of KNOWN) {
        const { status, name: called, location, labels, expiresAt } = await operator.show(
          known.get(name)!.nodeId,
        );
        const { status: wanted = "registered", expiresAt: until, ...said } = after;
        assertEquals(
          { status, name: called, location, labels, expiresAt },
          { status: wanted, name: "", location: "", labels: {}, ...said, expiresAt: until },
          name,
        );
      }
      const target = known.get("nothing")!;
      for (const [name, , isGood] of UNKNOWN) {
        for (const [index, good] of isGood.entries()) {
          const publicKey = pemOf(unknown.get(name)![index]!);
          if (!good) {
            assertEquals(
              (await refusal(
                rotateTo(0)({ ...target, operator, keys: [unknown.get(name)![index]!] }),
              ))[0],
              "FAILED_PRECONDITION",
            );
            const old = operator.call(Control.method.registerNode, { publicKey });
            assertEquals((await refusal(old))[0], "FAILED_PRECONDITION", name);
          }
          const { nodes, faults } = await operator.call(registerNodes, { nodes: [{ publicKey }] });
          assertEquals([nodes.length, faults.length], good ? [1, 0] : [0, 1], name);
        }
      }
      using node = await FleetClient.create(link, { key: itself });
      assertEquals((await refusal(node.register()))[0], "FAILED_PRECONDITION");
    });
    assertEquals((await verifyAudit(auditFolderOf(database))).findings, []);
  }));

Deno.test("Tokens that were revoked since stay so, others hold, and logins end", () =>
  onBackupStage(async ({ database, clock, serve, take, restore }) => {
    const tokens = new Map<string, { readonly id: string; readonly secret: string }>();
    let refreshToken = "";
    await serve(async (link) => {
      using operator = new OperatorClient(link);
      const create = async (name: string) => {
        const { token, secret } = await operator.call(Access.method.createToken, {
          ...{ name, role: "operator" },
        });
        tokens.set(name, { id: token!.id, secret });
      };
      await create("kept");
      await create("revoked");
      const operation = link.database.kv.atomic();
      const grants = new Grants(link.database.kv, clock);
      ({ refreshToken } = grants.login(operation, { name: "Ada", role: "admin", createdBy: "x" }));
      await commit(operation);
      await take();
      await grants.refresh(refreshToken);
      await create("new");
      await create("new and revoked");
      for (const name of ["revoked", "new and revoked"]) {
        await operator.call(Access.method.revokeToken, { id: tokens.get(name)!.id });
      }
    });
    const { applied } = await restore({ force: true });
    assertEquals(applied?.revoked, 1);
    const { kv, close } = await openDatabase(database);
    const grants = new Grants(kv, clock);
    const holds: [string, boolean][] = [];
    for (const [name, { secret }] of tokens) {
      holds.push([name, await grants.of(secret) !== undefined]);
      assertEquals((await kv.get(["secret", hashOf(secret)])).value === null, name.includes("new"));
    }
    assertEquals(holds, [
      ["kept", true],
      ["revoked", false],
      ["new", false],
      ["new and revoked", false],
    ]);
    assertEquals(await grants.refresh(refreshToken), undefined);
    await close();
  }));
