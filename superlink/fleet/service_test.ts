import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { deadline } from "@std/async";
import { inDirectory } from "../../keys/testdata/scratch.ts";
import { Control } from "../../proto/gen/flwr/proto/control_pb.ts";
import type { NodeInfo } from "../../proto/gen/flwr/proto/node_pb.ts";
import { GrpcChannel } from "../../wire/grpc/client.ts";
import { StatusError, type StatusName } from "../../wire/status.ts";
import { RawConnection } from "../../wire/testing/raw_connection.ts";
import { FleetClient, rawHeadersOf, refusal } from "../testing/fleet_client.ts";
import { startTestSuperLink, type TestSuperLink } from "../testing/test_superlink.ts";

const PATIENCE_MS = 10_000;

/** The Control API of a SuperLink, as far as nodes go. */
class ControlClient implements Disposable {
  readonly #channel: GrpcChannel;

  constructor({ controlAddress }: TestSuperLink) {
    this.#channel = new GrpcChannel(controlAddress, { insecure: true });
  }

  async register(publicKey: Uint8Array): Promise<bigint> {
    return (await this.#channel.unary(Control.method.registerNode, { publicKey })).nodeId ?? 0n;
  }

  async unregister(nodeId: bigint): Promise<void> {
    await this.#channel.unary(Control.method.unregisterNode, { nodeId });
  }

  async list(): Promise<NodeInfo[]> {
    return (await this.#channel.unary(Control.method.listNodes, {})).nodesInfo;
  }

  [Symbol.dispose](): void {
    this.#channel.close();
  }
}

const IN_USE: [StatusName, string] = ["FAILED_PRECONDITION", "Public key already in use"];
const NOT_OWN: [StatusName, string] = ["UNAUTHENTICATED", "Invalid node ID"];
const UNKNOWN_KEY: [StatusName, string] = [
  "FAILED_PRECONDITION",
  "No SuperNode found with the given public key.",
];

Deno.test("A SuperNode joins, is heard of and leaves, as the Control API shows it", async () => {
  await using link = await startTestSuperLink();
  using node = await FleetClient.create(link);
  using control = new ControlClient(link);
  const at = (seconds: number) => new Date(link.clock.micros / 1000 + seconds * 1000).toISOString();
  const shown = async () => {
    const [info] = await control.list();
    assert(info !== undefined);
    return info;
  };

  const nodeId = await node.register();
  const registered = await shown();
  assertEquals([registered.nodeId, registered.status], [nodeId, "registered"]);
  assertEquals([registered.ownerAid, registered.ownerName], ["<id:none>", "<name:none>"]);
  assertEquals(new TextDecoder().decode(registered.publicKey).split("\n").length, 5);
  assertEquals(registered.registeredAt.slice(0, 23), at(0).slice(0, 23));
  assertEquals([registered.onlineUntil, registered.heartbeatInterval], [undefined, 0]);

  link.clock.advance({ seconds: 5 });
  assertEquals(await node.activate(40), nodeId);
  const online = await shown();
  assertEquals(online.status, "online");
  assertEquals(online.lastActivatedAt?.slice(0, 23), at(0).slice(0, 23));
  assertEquals(online.onlineUntil, link.clock.micros / 1e6 + 80);
  assertEquals(online.heartbeatInterval, 40);

  link.clock.advance({ seconds: 5 });
  assertEquals(await node.heartbeat(nodeId, 20), true);
  assertEquals((await shown()).onlineUntil, link.clock.micros / 1e6 + 40);
  assertEquals((await shown()).lastActivatedAt, online.lastActivatedAt);

  link.clock.advance({ seconds: 5 });
  await node.deactivate(nodeId);
  const offline = await shown();
  assertEquals(offline.status, "offline");
  assertEquals(offline.lastDeactivatedAt?.slice(0, 23), at(0).slice(0, 23));
  assertEquals(offline.onlineUntil, link.clock.micros / 1e6);

  await node.unregister(nodeId);
  const unregistered = await shown();
  assertEquals(unregistered.status, "unregistered");
  assertEquals(unregistered.unregisteredAt?.slice(0, 23), at(0).slice(0, 23));
  assertEquals(link.logged.lines.map(({ event }) => event).filter((e) => e.startsWith("node.")), [
    "node.registered",
    "node.joined",
    "node.left",
    "node.unregistered",
  ]);
});

/** What a SuperNode that has registered is refused: the state it is in, the call, and the answer. */
const REFUSED: [
  name: string,
  play: (node: FleetClient, nodeId: bigint) => Promise<unknown>,
  expected: (nodeId: bigint) => [StatusName, string],
][] = [
  ["to register again", (node) => node.register(), () => IN_USE],
  [
    "to deactivate before it is online",
    (node, id) => node.deactivate(id),
    (id) => ["FAILED_PRECONDITION", `SuperNode with node ID ${id} could not be deactivated.`],
  ],
  [
    "to deactivate twice",
    async (node, id) => {
      await node.activate();
      await node.deactivate(id);
      await node.deactivate(id);
    },
    (id) => ["FAILED_PRECONDITION", `SuperNode with node ID ${id} could not be deactivated.`],
  ],
  ...[9.999, 0, -1, 1800.001, NaN, Infinity].flatMap((interval): typeof REFUSED => [
    [
      `to activate with an interval of ${interval} s`,
      (node) => node.activate(interval),
      () => ["INVALID_ARGUMENT", "Invalid heartbeat interval"],
    ],
    [
      `to heartbeat with an interval of ${interval} s`,
      (node, id) => node.heartbeat(id, interval),
      () => ["INVALID_ARGUMENT", "Invalid heartbeat interval"],
    ],
  ]),
];

for (const [name, play, expected] of REFUSED) {
  Deno.test(`A SuperNode is refused ${name}, and the log says so`, async () => {
    await using link = await startTestSuperLink();
    using node = await FleetClient.create(link);
    const nodeId = await node.register();
    assertEquals(await refusal(play(node, nodeId)), expected(nodeId));
    const [line] = link.logged.of("fleet.refused");
    assertEquals(line?.fingerprint, node.key.publicKey.fingerprint);
  });
}

Deno.test("A heartbeat brings a SuperNode online, before it activates and after a silence", async () => {
  await using link = await startTestSuperLink();
  using node = await FleetClient.create(link);
  using control = new ControlClient(link);
  const nodeId = await node.register();
  assertEquals(await node.heartbeat(nodeId), true);
  assertEquals((await control.list())[0]?.status, "online");
  link.clock.advance({ seconds: 60 });
  assertEquals((await control.list())[0]?.status, "offline");
  assertEquals(await node.heartbeat(nodeId), true);
  assertEquals((await control.list())[0]?.status, "online");
  assertEquals(link.logged.of("node.joined").length, 2);
});

Deno.test("A lease ends at its microsecond, as of then, when somebody looks", async () => {
  await using link = await startTestSuperLink();
  using node = await FleetClient.create(link);
  using control = new ControlClient(link);
  await node.join();
  link.clock.advance({ seconds: 60, micros: -1 });
  assertEquals((await control.list())[0]?.status, "online");
  link.clock.advance({ micros: 1 });
  const end = link.clock.micros;
  link.clock.advance({ seconds: 100 });
  const [info] = await control.list();
  assertEquals(info?.status, "offline");
  assertEquals(info?.onlineUntil, end / 1e6);
  assertEquals(
    info?.lastDeactivatedAt?.slice(0, 23),
    new Date(end / 1000).toISOString().slice(0, 23),
  );
  assertEquals(link.logged.of("node.expired").length, 1);
});

Deno.test("A lease ends although nobody looks", async () => {
  await using link = await startTestSuperLink();
  using node = await FleetClient.create(link);
  await node.join();
  link.clock.advance({ seconds: 60 });
  await link.logged.untilLogged("node.expired");
});

Deno.test("In CLI-managed mode only keys join that were registered through the Control API", async () => {
  await using link = await startTestSuperLink({ managed: true });
  using node = await FleetClient.create(link);
  using control = new ControlClient(link);
  const managed = (verb: string): [StatusName, string] => [
    "FAILED_PRECONDITION",
    `SuperNode authentication is enabled. All SuperNodes must be ${verb} via the CLI.`,
  ];
  assertEquals(await refusal(node.register()), managed("registered"));
  assertEquals(await refusal(node.activate()), UNKNOWN_KEY);
  const nodeId = await control.register(node.publicKeyPem);
  assertEquals(await refusal(node.register()), managed("registered"));
  assertEquals(await node.activate(), nodeId);
  assertEquals(await node.heartbeat(nodeId), true);
  assertEquals(await refusal(node.unregister(nodeId)), managed("unregistered"));
  assertEquals((await control.list())[0]?.status, "online");
  await control.unregister(nodeId);
  assertEquals(await refusal(node.heartbeat(nodeId)), NOT_OWN);
  assertEquals(await refusal(node.activate()), UNKNOWN_KEY);
});

Deno.test("A lost answer to ActivateNode can be asked for again on the same connection", async () => {
  await using link = await startTestSuperLink();
  using node = await FleetClient.create(link);
  const nodeId = await node.join();
  for (let again = 0; again < 3; again++) assertEquals(await node.activate(), nodeId);
  assertEquals(link.logged.of("node.joined").length, 1);
});

Deno.test("A second process with a key is refused while the first has its connection", async () => {
  await using link = await startTestSuperLink();
  using first = await FleetClient.create(link);
  using second = await FleetClient.create(link, { key: first.key });
  const nodeId = await first.join();
  for (let attempt = 0; attempt < 2; attempt++) {
    link.clock.advance({ seconds: 1 });
    assertEquals(await refusal(second.activate()), [
      "FAILED_PRECONDITION",
      `SuperNode with node ID ${nodeId} could not be activated.`,
    ]);
  }
  link.clock.advance({ seconds: 1 });
  assertEquals(await first.activate(), nodeId, "the refused one has taken nothing over");
  assertEquals(await first.heartbeat(nodeId), true);
  assertEquals(link.logged.of("node.key-used-twice"), []);
});

Deno.test("A SuperNode that was killed comes back at once, while its lease still runs", async () => {
  await using link = await startTestSuperLink();
  const killed = await FleetClient.create(link);
  const nodeId = await killed.join();
  await killed.pull(nodeId);
  killed[Symbol.dispose]();
  using back = await FleetClient.create(link, { key: killed.key });
  link.clock.advance({ seconds: 1 });
  assertEquals(await untilAccepted(() => back.activate()), nodeId);
  const [, again] = link.logged.of("node.joined");
  assertMatch(again?.message ?? "", /is online again, in place of a process that is gone/);
});

/** A closed connection is noticed a moment later. */
async function untilAccepted<T>(call: () => Promise<T>): Promise<T> {
  const limit = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof StatusError) || Date.now() > limit) throw error;
    }
  }
}

Deno.test("Two processes that use one key by turns are told of in the log", async () => {
  await using link = await startTestSuperLink();
  using first = await FleetClient.create(link);
  using second = await FleetClient.create(link, { key: first.key });
  const nodeId = await first.join();
  link.clock.advance({ seconds: 1 });
  await second.heartbeat(nodeId);
  assertEquals(link.logged.of("node.key-used-twice"), [], "it may be one process, connected anew");
  link.clock.advance({ seconds: 1 });
  await first.heartbeat(nodeId);
  const [line] = link.logged.of("node.key-used-twice");
  assertMatch(
    line?.message ?? "",
    /^Key SHA256:\S+ of SuperNode \d+ is in use twice: two processes/,
  );
});

Deno.test("After a restart a SuperNode has an interval to be heard of, and may activate again", () =>
  inDirectory(async (folder) => {
    const database = `${folder}/state.kv`;
    const before = await startTestSuperLink({ database });
    const { clock } = before;
    const nodes = [await FleetClient.create(before), await FleetClient.create(before)];
    const ids = await Promise.all(nodes.map((node) => node.join()));
    for (const node of nodes) node[Symbol.dispose]();
    await before.stop();

    clock.advance({ seconds: 3600 });
    await using after = await startTestSuperLink({ database, clock });
    using control = new ControlClient(after);
    assertEquals((await control.list()).map(({ status }) => status), ["online", "online"]);
    using back = await FleetClient.create(after, { key: nodes[0]!.key });
    assertEquals(await back.activate(), ids[0]);
    clock.advance({ seconds: 30, micros: -2 });
    assertEquals((await control.list()).map(({ status }) => status), ["online", "online"]);
    clock.advance({ micros: 2 });
    const listed = new Map((await control.list()).map(({ nodeId, status }) => [nodeId, status]));
    assertEquals([listed.get(ids[0]!), listed.get(ids[1]!)], ["online", "offline"]);
  }));

Deno.test("Unregistering an online node cuts it off at once", async () => {
  await using link = await startTestSuperLink({ holdMs: 60_000 });
  using node = await FleetClient.create(link);
  using control = new ControlClient(link);
  const nodeId = await node.join();
  await node.pull(nodeId);
  const held = refusal(node.pull(nodeId));
  await using connection = await RawConnection.open(link.fleetAddress);
  const { input } = node.method.sendNodeHeartbeat;
  const underWay = connection.call(node.method.sendNodeHeartbeat, rawHeadersOf(await node.prove()));
  await connection.settled();
  await node.heartbeat(nodeId);

  await control.unregister(nodeId);
  assertEquals(await deadline(held, PATIENCE_MS), NOT_OWN);
  underWay.send(input, { node: { nodeId }, heartbeatInterval: 30 });
  assertEquals(await underWay.outcome, NOT_OWN, "let in before, and its body came after");
  for (
    const call of [
      () => node.heartbeat(nodeId),
      () => node.pull(nodeId),
      () => node.deactivate(nodeId),
      () => node.unregister(nodeId),
      () => node.call(node.method.pushMessages, { node: { nodeId } }),
      () => node.call(node.method.pushObject, { node: { nodeId } }),
      () => node.call(node.method.getRun, { node: { nodeId } }),
    ]
  ) {
    assertEquals(await refusal(call()), NOT_OWN);
  }
  assertEquals(await refusal(node.activate()), UNKNOWN_KEY);
  assertEquals(await refusal(node.register()), IN_USE);
});

Deno.test("An unregistered key stays burned, across restarts and however its PEM is written", () =>
  inDirectory(async (folder) => {
    const database = `${folder}/state.kv`;
    const before = await startTestSuperLink({ database });
    const { clock } = before;
    const node = await FleetClient.create(before);
    await node.unregister(await node.join());
    node[Symbol.dispose]();
    await before.stop();

    clock.advance({ seconds: 10 });
    await using after = await startTestSuperLink({ database, clock });
    using again = await FleetClient.create(after, { key: node.key });
    using control = new ControlClient(after);
    const text = new TextDecoder().decode(node.publicKeyPem);
    for (const pem of [text, text.trimEnd(), text.replaceAll("\n", "\r\n"), `\n${text}\n`]) {
      const publicKey = new TextEncoder().encode(pem);
      assertEquals(await refusal(again.call(again.method.registerNode, { publicKey })), IN_USE);
      assertEquals(await refusal(control.register(publicKey)), IN_USE);
      const activation = { publicKey, heartbeatInterval: 30 };
      assertEquals(await refusal(again.call(again.method.activateNode, activation)), UNKNOWN_KEY);
    }
  }));

Deno.test("Registrations of one host are limited, and the limit is UNAVAILABLE", async () => {
  await using link = await startTestSuperLink({ registrationsPerMinute: 3 });
  const strangers = await Promise.all(Array.from({ length: 5 }, () => FleetClient.create(link)));
  try {
    for (const stranger of strangers.slice(0, 3)) await stranger.register();
    for (const stranger of strangers.slice(3)) {
      assertEquals(await refusal(stranger.register()), [
        "UNAVAILABLE",
        "Too many registrations. Try again later.",
      ]);
    }
    link.clock.advance({ seconds: 20 });
    await strangers[3]!.register();
    await assertRejects(() => strangers[4]!.register(), StatusError);
  } finally {
    for (const stranger of strangers) stranger[Symbol.dispose]();
  }
});

Deno.test("Stopping the SuperLink answers held pulls, so that SuperNodes come back soon", async () => {
  const link = await startTestSuperLink({ holdMs: 60_000 });
  using node = await FleetClient.create(link);
  const nodeId = await node.join();
  await node.pull(nodeId);
  const held = node.pull(nodeId);
  while (link.waiting() === 0) await node.heartbeat(nodeId);
  await deadline(link.stop(), PATIENCE_MS);
  await held;
});
