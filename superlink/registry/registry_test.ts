/** Names, labels and expiry of nodes, over both planes. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { generatePrivateKey } from "../../keys/private_key.ts";
import { spkiPem } from "../../keys/public_key.ts";
import type { UpdateNodeRequestSchema } from "../../proto/gen/trellis/v1/registry_pb.ts";
import { FleetClient, type Plane, PLANES, refusal } from "../testing/fleet_client.ts";
import { findingsIn } from "../state/integrity.ts";
import { OperatorClient } from "../testing/operator_client.ts";
import { startTestSuperLink, type TestSuperLink } from "../testing/test_superlink.ts";

const EXPIRED = "This SuperNode's registration has expired.";
const DAY_S = 24 * 3_600;
const DAY = BigInt(DAY_S) * 1_000_000n;

interface Stage {
  readonly link: TestSuperLink;
  readonly operator: OperatorClient;
  readonly plane: Plane;
  readonly now: bigint;
  /** A node that is online. */
  readonly node: FleetClient;
  readonly nodeId: bigint;
  /** Changes what is said of it. */
  update(update: Update): Promise<unknown>;
}

type Update = MessageInitShape<typeof UpdateNodeRequestSchema>;

function onPlanes(name: string, play: (stage: Stage) => Promise<void>): void {
  for (const plane of PLANES) {
    Deno.test(`${name} over ${plane}`, async () => {
      await using link = await startTestSuperLink();
      using operator = new OperatorClient(link, plane);
      using node = await FleetClient.create(link, { plane });
      const nodeId = await node.join();
      const now = BigInt(link.clock.nowMicros());
      const update = (update: Update) => operator.call(operator.registry.updateNode, update);
      await play({ link, operator, plane, now, node, nodeId, update });
      assertEquals(await findingsIn(link.database.kv), []);
    });
  }
}

function expiryOf(at: bigint | undefined) {
  return at === undefined
    ? { case: "neverExpires" as const, value: true }
    : { case: "expiresAt" as const, value: at };
}

async function newKey(): Promise<Uint8Array> {
  return new TextEncoder().encode(spkiPem((await generatePrivateKey("P-256")).publicKey));
}

onPlanes(
  "A node is given a name, a place and labels, and loses them",
  async ({ operator, ...stage }) => {
    const { nodeId } = stage;
    const set = { name: "Ward 3", location: "52.5,13.4", setLabels: { site: "berlin", gpu: "" } };
    await stage.update({ nodeId, ...set });
    const shown = await operator.show(nodeId);
    assertEquals([shown.name, shown.location, shown.labels], ["Ward 3", "52.5,13.4", {
      gpu: "",
      site: "berlin",
    }]);
    await stage.update({ nodeId, setLabels: { site: "bonn" }, removeLabels: ["gpu", "none"] });
    assertEquals((await operator.show(nodeId)).labels, { site: "bonn" });
    await stage.update({ nodeId, name: "", location: "", removeLabels: ["site"] });
    const bare = await operator.show(nodeId);
    assertEquals([bare.name, bare.location, bare.labels, bare.status], ["", "", {}, "online"]);
  },
);

const LONG = "x".repeat(129);
const KEY = /letters, digits and \. _ - \//;

/** What cannot be said of a node, and what its operator is told. */
const BAD: readonly [what: string, update: Update, told: string | RegExp][] = [
  ["a long name", { name: LONG }, "A name may have 128 characters, not 129."],
  ["a long label", { setLabels: { ["k".repeat(64)]: "" } }, /has 64 characters; it may have 63/],
  ["a long value", { setLabels: { k: "v".repeat(257) } }, /"k" may have 256 characters, not 257/],
  ["a label with a blank", { setLabels: { "a b": "" } }, KEY],
  ["a label without a name", { setLabels: { "": "v" } }, KEY],
  ["a label that ends with a dash", { setLabels: { "a-": "v" } }, KEY],
  ["a label that drives a terminal", { setLabels: { "\x1b[2J": "v" } }, /^"\[2J" is no label/],
  [
    "too many labels",
    { setLabels: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, ""])) },
    "A SuperNode has at most 32 labels, not 33.",
  ],
  ["a place that is none", { location: "here" }, /two decimal numbers/],
  ["a place beyond the pole", { location: "91,0" }, /Latitude must be between/],
];

onPlanes(
  "What a node cannot have is refused, and nothing changes",
  async ({ nodeId, ...stage }) => {
    await stage.update({ nodeId, name: "kept", setLabels: { site: "berlin" } });
    for (const [what, update, told] of BAD) {
      const [status, text] = await refusal(stage.update({ nodeId, ...update }));
      assertEquals(status, "INVALID_ARGUMENT", what);
      if (typeof told === "string") assertEquals(text, told);
      else assert(told.test(text), `${what}: ${text}`);
    }
    const { name, labels } = await stage.operator.show(nodeId);
    assertEquals([name, labels], ["kept", { site: "berlin" }]);
  },
);

/** Names as they come, and as they are kept. */
const CLEANED = [
  ["  Ward\t\n3  ", "Ward 3"],
  ["e\u0301", "\u00e9"],
  ["a\x1b[31mb\x07", "a[31mb"],
  ["abc\u202edef\u2066", "abcdef"],
  ["<script>alert(1)</script>", "<script>alert(1)</script>"],
  ["病院 🏥", "病院 🏥"],
] as const;

onPlanes("A name is cleaned of what is no text", async ({ operator, nodeId, update }) => {
  for (const [given, kept] of CLEANED) {
    await update({ nodeId, name: given });
    assertEquals((await operator.show(nodeId)).name, kept);
  }
});

onPlanes("A node that expires is cut off then, and comes back with a later time", async (stage) => {
  const { link, operator, node, nodeId, now, update } = stage;
  await update({ nodeId, expiry: { case: "expiresAt", value: now + DAY } });
  assertEquals((await operator.show(nodeId)).expiresAt, now + DAY);
  assertEquals(await node.heartbeat(nodeId), true);
  link.clock.advance({ seconds: DAY_S - 10 });
  assertEquals(await node.heartbeat(nodeId), true);
  link.clock.advance({ seconds: 10 });
  assertEquals(await refusal(node.heartbeat(nodeId)), ["UNAVAILABLE", EXPIRED]);
  assertEquals(await refusal(node.pull(nodeId)), ["PERMISSION_DENIED", EXPIRED]);
  assertEquals(await refusal(node.activate()), ["UNAVAILABLE", EXPIRED]);
  assertEquals((await operator.show(nodeId)).status, "expired");
  // Upkeep does it within a second, whoever calls.
  await link.logged.untilLogged("node.registration-expired");
  await update({ nodeId, expiry: { case: "neverExpires", value: true } });
  assertEquals((await operator.show(nodeId)).status, "offline");
  assertEquals(await node.heartbeat(nodeId), true);
});

onPlanes(
  "A time that is past cuts a node off at once",
  async ({ operator, node, nodeId, ...stage }) => {
    await stage.update({ nodeId, expiry: { case: "expiresAt", value: stage.now - 1n } });
    assertEquals(await refusal(node.heartbeat(nodeId)), ["UNAVAILABLE", EXPIRED]);
    await operator.suspend(nodeId);
    assertEquals((await operator.show(nodeId)).status, "suspended");
    await operator.resume(nodeId);
    assertEquals((await operator.show(nodeId)).status, "expired");
    await node.call(node.method.unregisterNode, { nodeId }).catch(() => {});
  },
);

onPlanes(
  "Keys are registered in one call, and the same call again changes nothing",
  async (stage) => {
    const { operator, now } = stage;
    const nodes = await Promise.all([1, 2, 3].map(async (number) => ({
      publicKey: await newKey(),
      name: `node ${number}`,
      labels: { labels: { number: String(number) } },
      expiry: expiryOf(number === 3 ? now + DAY : undefined),
      suspended: false,
    })));
    const register = () => operator.call(operator.registry.registerNodes, { nodes });
    const first = await register();
    assertEquals(first.nodes.map(({ outcome }) => outcome), Array(3).fill("registered"));
    const again = await register();
    assertEquals(again.nodes.map(({ outcome }) => outcome), Array(3).fill("unchanged"));
    assertEquals(again.nodes.map(({ nodeId }) => nodeId), first.nodes.map(({ nodeId }) => nodeId));
    nodes[0]!.suspended = true;
    nodes[1]!.labels = { labels: { number: "two" } };
    nodes[2]!.expiry = expiryOf(undefined);
    const changed = await register();
    assertEquals(changed.nodes.map(({ outcome }) => outcome), Array(3).fill("updated"));
    const [one, second, third] = await Promise.all(
      first.nodes.map(({ nodeId }) => operator.show(nodeId)),
    );
    assertEquals([one?.status, second?.labels, third?.expiresAt], [
      "suspended",
      { number: "two" },
      undefined,
    ]);
    // What is not said stays as it is.
    const bare = nodes.map(({ publicKey }) => ({ publicKey }));
    const same = await operator.call(operator.registry.registerNodes, { nodes: bare });
    assertEquals(same.nodes.map(({ outcome }) => outcome), Array(3).fill("unchanged"));
  },
);

onPlanes(
  "Of many keys none is registered when one of them cannot be",
  async ({ operator, ...stage }) => {
    const good = { publicKey: await newKey() };
    const burned = { publicKey: stage.node.publicKeyPem };
    await stage.node.unregister(stage.nodeId);
    const nodes = [
      good,
      { publicKey: new TextEncoder().encode("no key") },
      { publicKey: await newKey(), name: LONG },
      good,
      burned,
    ];
    const answer = await operator.call(operator.registry.registerNodes, { nodes });
    assertEquals(answer.nodes, []);
    assertEquals(answer.faults.map(({ index }) => index), [1, 2, 3, 4]);
    for (
      const [index, part] of ["no public key", "not 129", "number 1", "never comes back"].entries()
    ) {
      assertStringIncludes(answer.faults[index]?.text ?? "", part);
    }
    const { nodes: listed } = await operator.call(operator.registry.listNodes, {});
    assertEquals(listed.map(({ status }) => status), ["unregistered"]);
  },
);
