import { assertEquals } from "@std/assert";
import type { DescMethodUnary } from "@bufbuild/protobuf";
import { decodeBase64, decodeHex } from "@std/encoding";
import { concatBytes } from "../../keys/bytes.ts";
import { parseDerSignature } from "../../keys/ecdsa_signature.ts";
import { generatePrivateKey, openSshPrivatePem, readPrivateKey } from "../../keys/private_key.ts";
import { encodePem } from "../../keys/pem.ts";
import type { Proof } from "../../keys/proof.ts";
import { type Curve, openSshPublicLine, spkiPem } from "../../keys/public_key.ts";
import { FLEET_AUTH, VECTOR_KEY } from "../../keys/testdata/fleet_auth.ts";
import { REFUSED_SPKI_BASE64 } from "../../keys/testdata/public_keys.ts";
import { parseTimestamp } from "../../keys/timestamp.ts";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import type { CallHeaders } from "../../wire/grpc/client.ts";
import type { StatusName } from "../../wire/status.ts";
import { FleetClient, PLANES, rawHeadersOf, refusal, unproved } from "../testing/fleet_client.ts";
import { proveAt, proveText } from "../testing/proofs.ts";
import { RawConnection } from "../../wire/testing/raw_connection.ts";
import { TestClock } from "../testing/test_clock.ts";
import { startTestSuperLink } from "../testing/test_superlink.ts";
import { proofHeaders } from "../../wire/proof_headers.ts";

const METHODS: readonly DescMethodUnary[] = Object.values(Fleet.method);

const text = (value: string) => new TextEncoder().encode(value);
const key = await generatePrivateKey("P-256");
const otherKey = await generatePrivateKey("P-256");

const MISSING = "Missing authentication metadata";
const BAD_KEY = "Invalid public key";
const BAD_SIGNATURE = "Invalid signature";
const BAD_TIMESTAMP = "Invalid timestamp";

/** Headers that are refused: how each is made of a good proof, and the text of the refusal. */
const REFUSED: [name: string, make: (proof: Proof) => CallHeaders, text: string][] = [
  ["no metadata", () => ({}), MISSING],
  ["no public key", (proof) => without(proof, "flwr-public-key"), MISSING],
  ["no timestamp", (proof) => ({ bytes: proofHeaders(proof).bytes! }), MISSING],
  ["no signature", (proof) => without(proof, "flwr-signature"), MISSING],
  ["an empty public key", withKey(""), BAD_KEY],
  ["a public key that is not PEM", withKey("not a key"), BAD_KEY],
  ["a public key that is no text", withKey(new Uint8Array(215).fill(0xff)), BAD_KEY],
  ["an OpenSSH line", withKey(openSshPublicLine(key.publicKey)), BAD_KEY],
  ["a private key", withKey(openSshPrivatePem(key)), BAD_KEY],
  ["a public key in DER", withKey(key.publicKey.spki), BAD_KEY],
  ["a certificate", withKey(encodePem("CERTIFICATE", key.publicKey.spki)), BAD_KEY],
  ["two public keys", withKey(spkiPem(key.publicKey) + spkiPem(otherKey.publicKey)), BAD_KEY],
  ["text behind the public key", withKey(`${spkiPem(key.publicKey)}and more`), BAD_KEY],
  ["a public key in too many bytes", withKey(spkiPem(key.publicKey) + "\n".repeat(600)), BAD_KEY],
  ["a point that is not on the curve", withKey(spkiPem(offCurve())), BAD_KEY],
  ...Object.entries(REFUSED_SPKI_BASE64).map(([name, body]): typeof REFUSED[number] => [
    `a public key of the kind ${name}`,
    withKey(encodePem("PUBLIC KEY", decodeBase64(body))),
    BAD_KEY,
  ]),
  ["another's public key", withKey(spkiPem(otherKey.publicKey)), BAD_SIGNATURE],
  ["an empty signature", withSignature(() => new Uint8Array()), BAD_SIGNATURE],
  ["a signature of zeros", withSignature(() => new Uint8Array(70)), BAD_SIGNATURE],
  ["a changed signature", withSignature((der) => der.with(-1, der.at(-1)! ^ 1)), BAD_SIGNATURE],
  ["a truncated signature", withSignature((der) => der.slice(0, -1)), BAD_SIGNATURE],
  [
    "a byte behind the signature",
    withSignature((der) => concatBytes(der, text("\0"))),
    BAD_SIGNATURE,
  ],
  [
    "raw r and s",
    withSignature((der) => parseDerSignature(der, "P-256")!.p1363),
    BAD_SIGNATURE,
  ],
  [
    "a BER length",
    withSignature((der) => concatBytes(der.slice(0, 1), new Uint8Array([0x81]), der.slice(1))),
    BAD_SIGNATURE,
  ],
  ["8,000 bytes of signature", withSignature(() => new Uint8Array(8000).fill(0x30)), BAD_SIGNATURE],
  ["a changed timestamp", withTimestamp((value) => value.replace("T", " ")), BAD_SIGNATURE],
  ["an empty timestamp", withTimestamp(() => ""), BAD_TIMESTAMP],
  ["a timestamp that is a word", withTimestamp(() => "yesterday"), BAD_TIMESTAMP],
  ["a timestamp without an offset", withTimestamp((value) => value.slice(0, -6)), BAD_TIMESTAMP],
  ["a Unix timestamp", withTimestamp((value) => String(Date.parse(value))), BAD_TIMESTAMP],
  [
    "a timestamp of another century",
    withTimestamp((value) => `19${value.slice(2)}`),
    BAD_TIMESTAMP,
  ],
  [
    "a long timestamp",
    withTimestamp((value) => value.replace(".", `.${"0".repeat(60)}`)),
    BAD_TIMESTAMP,
  ],
];

for (const plane of PLANES) {
  for (const [name, make, details] of REFUSED) {
    Deno.test(`The Fleet API refuses ${name} on every method over ${plane}`, async () => {
      await using link = await startTestSuperLink();
      using node = await FleetClient.create(link, { key, plane });
      const nodeId = await node.join();
      for (const method of METHODS) {
        const refused = node.call(method, {}, make(await node.prove()));
        assertEquals(await refusal(refused), unproved(plane, details), method.name);
      }
      assertEquals(await node.heartbeat(nodeId), true);
      assertEquals(link.logged.of("fleet.refused").length, METHODS.length);
    });
  }
}

Deno.test("The Fleet API takes a header that is sent twice for none", async () => {
  await using link = await startTestSuperLink();
  using node = await FleetClient.create(link, { key });
  const nodeId = await node.join();
  await using connection = await RawConnection.open(link.fleetAddress);
  const { input } = node.method.sendNodeHeartbeat;
  const heartbeat = { node: { nodeId }, heartbeatInterval: 30 };
  for (const name of ["flwr-public-key-bin", "flwr-timestamp", "flwr-signature-bin"] as const) {
    const [first, second] = [await node.prove(), await node.prove()].map(rawHeadersOf);
    const twice = { ...first!, [name]: [first![name], second![name]] };
    const call = connection.call(node.method.sendNodeHeartbeat, twice);
    call.send(input, heartbeat);
    const [status] = await call.outcome;
    assertEquals(status, "UNAUTHENTICATED", name);
  }
  const once = connection.call(node.method.sendNodeHeartbeat, rawHeadersOf(await node.prove()));
  once.send(input, heartbeat);
  assertEquals((await once.outcome)[0], "OK");
});

Deno.test("The Fleet API accepts a key on each of the three curves", async () => {
  await using link = await startTestSuperLink();
  for (const plane of PLANES) {
    for (const curve of ["P-256", "P-384", "P-521"] satisfies Curve[]) {
      using node = await FleetClient.create(link, { key: await generatePrivateKey(curve), plane });
      assertEquals(await node.heartbeat(await node.join()), true, `${curve} over ${plane}`);
    }
  }
});

for (const plane of PLANES) {
  Deno.test(`The Fleet API refuses a signature with another hash over ${plane}`, async () => {
    await using link = await startTestSuperLink();
    using node = await FleetClient.create(link, { key, plane });
    const nodeId = await node.join();
    const { timestamp } = await node.prove();
    const headers = proofHeaders(await proveText(key, timestamp, "SHA-384"));
    const call = node.call(node.method.pullMessages, { node: { nodeId } }, headers);
    assertEquals(await refusal(call), unproved(plane, BAD_SIGNATURE));
  });
}

/** Ages of a proof in microseconds, at the exclusive bounds of the window. */
const AGES: [toleranceMs: number, ageMicros: number, accepted: boolean][] = [
  [300_000, 0, true],
  [300_000, -4_999_999, true],
  [300_000, -5_000_000, false],
  [300_000, -5_000_001, false],
  [300_000, 304_999_999, true],
  [300_000, 305_000_000, false],
  [300_000, 305_000_001, false],
  [60_000, -4_999_999, true],
  [60_000, -5_000_000, false],
  [60_000, 64_999_999, true],
  [60_000, 65_000_000, false],
  [1_000, 5_999_999, true],
  [1_000, 6_000_000, false],
];

for (const plane of PLANES) {
  for (const [proofToleranceMs, ageMicros, accepted] of AGES) {
    const verb = accepted ? "accepts" : "refuses";
    const window = `a window of ${proofToleranceMs / 1000} s`;
    Deno.test(`The Fleet API ${verb} a proof that is ${ageMicros} µs old in ${window} over ${plane}`, async () => {
      await using link = await startTestSuperLink({ proofToleranceMs });
      // A state in memory accepts no proof from before its start.
      link.clock.advance({ seconds: 1000 });
      using node = await FleetClient.create(link, { key, plane });
      const proof = await proveAt(key, link.clock.micros - ageMicros);
      const call = node.call(
        node.method.registerNode,
        { publicKey: node.publicKeyPem },
        proofHeaders(proof),
      );
      if (accepted) await call;
      else assertEquals(await refusal(call), unproved(plane, BAD_TIMESTAMP));
    });
  }
}

for (const plane of PLANES) {
  for (const row of FLEET_AUTH.timestamp_window) {
    const verb = row.accepted ? "accepts" : "refuses";
    Deno.test(`The Fleet API ${verb} Flower's recorded timestamp: ${row.note} over ${plane}`, async () => {
      await using link = await startTestSuperLink({ clock: new TestClock(0) });
      link.clock.micros = parseTimestamp(row.now) ?? NaN;
      const vectorKey = readPrivateKey(VECTOR_KEY.private_openssh);
      using node = await FleetClient.create(link, { key: vectorKey, plane });
      const headers = proofHeaders(await proveText(vectorKey, row.timestamp));
      const call = node.call(node.method.registerNode, { publicKey: node.publicKeyPem }, headers);
      if (row.accepted) await call;
      else assertEquals(await refusal(call), unproved(plane, BAD_TIMESTAMP));
    });
  }
}

for (const plane of PLANES) {
  for (const row of FLEET_AUTH.auth) {
    const verb = row.valid ? "accepts" : "refuses";
    Deno.test(`The Fleet API ${verb} Flower's recorded proof: ${row.note ?? "as it was"} over ${plane}`, async () => {
      await using link = await startTestSuperLink({ clock: new TestClock(0) });
      link.clock.micros = parseTimestamp(row.timestamp) ?? NaN;
      using node = await FleetClient.create(link, { plane });
      const publicKey = text(VECTOR_KEY.public_spki_pem);
      const headers = proofHeaders({
        publicKeyPem: publicKey,
        timestamp: row.timestamp,
        signature: decodeHex(row.signature_der_hex),
      });
      const call = node.call(node.method.registerNode, { publicKey }, headers);
      if (row.valid) await call;
      else assertEquals(await refusal(call), unproved(plane, BAD_SIGNATURE));
    });
  }
}

for (const plane of PLANES) {
  Deno.test(`The Fleet API binds the proved key to the key or node of the request over ${plane}`, async () => {
    await using link = await startTestSuperLink();
    using node = await FleetClient.create(link, { plane });
    using other = await FleetClient.create(link, { plane });
    using stranger = await FleetClient.create(link, { plane });
    using gone = await FleetClient.create(link, { plane });
    const nodeId = await node.join();
    const otherId = await other.join();
    const goneId = await gone.join();
    await gone.unregister(goneId);
    const { method } = node;
    const interval = { heartbeatInterval: 30 };
    const calls: [name: string, call: () => Promise<unknown>][] = [];
    const asNode = (caller: FleetClient, id: bigint) =>
      calls.push(
        [`deactivate ${id}`, () => caller.deactivate(id)],
        [`unregister ${id}`, () => caller.unregister(id)],
        [`heartbeat of ${id}`, () => caller.heartbeat(id)],
        [`pull of ${id}`, () => caller.pull(id)],
      );
    const withKey = (caller: FleetClient, publicKey: Uint8Array) =>
      calls.push(
        ["register", () => caller.call(method.registerNode, { publicKey })],
        ["activate", () => caller.call(method.activateNode, { publicKey, ...interval })],
      );
    for (const publicKey of [new Uint8Array(), text("x"), other.publicKeyPem]) {
      withKey(node, publicKey);
      withKey(stranger, publicKey);
    }
    for (const id of [otherId, goneId, 0n, 1n, 12345n]) asNode(node, id);
    for (const id of [nodeId, 12345n]) asNode(stranger, id);
    asNode(gone, goneId);
    calls.push(
      ["heartbeat without a node", () => node.call(method.sendNodeHeartbeat, interval)],
      ["pull without a node", () => node.call(method.pullMessages, {})],
    );
    for (const [name, call] of calls) {
      assertEquals(await refusal(call()), unproved(plane, "Invalid node ID"), name);
    }
    assertEquals(await node.heartbeat(nodeId), true);
  });
}

for (const plane of PLANES) {
  Deno.test(`ActivateNode tells a proved key that owns no node so over ${plane}, as Flower does`, async () => {
    await using link = await startTestSuperLink();
    using stranger = await FleetClient.create(link, { plane });
    using gone = await FleetClient.create(link, { plane });
    await gone.unregister(await gone.join());
    const expected: [StatusName, string] = [
      "FAILED_PRECONDITION",
      `${plane === "HTTP" ? "Failed to activate SuperNode. " : ""}` +
      "No SuperNode found with the given public key.",
    ];
    for (const caller of [stranger, gone]) {
      assertEquals(await refusal(caller.activate()), expected);
      assertEquals(await refusal(caller.activate(5)), expected, "the key is looked at first");
    }
  });
}

Deno.test("The Fleet API refuses an unproved caller before it has sent any body", async () => {
  await using link = await startTestSuperLink();
  await using connection = await RawConnection.open(link.fleetAddress);
  using node = await FleetClient.create(link);
  const good = rawHeadersOf(await node.prove());
  for (const method of METHODS) {
    const bare = connection.call(method, {});
    assertEquals(await bare.outcome, ["UNAUTHENTICATED", MISSING]);
    const unsigned = connection.call(method, { ...good, "flwr-signature-bin": "AAAA" });
    assertEquals(await unsigned.outcome, ["UNAUTHENTICATED", BAD_SIGNATURE]);
  }
});

Deno.test("The Fleet API reads no body of a proved key without a node, but for joining", async () => {
  await using link = await startTestSuperLink();
  await using connection = await RawConnection.open(link.fleetAddress);
  using stranger = await FleetClient.create(link);
  const { registerNode, activateNode, ...others } = stranger.method;
  for (const method of Object.values(others)) {
    const call = connection.call(method, rawHeadersOf(await stranger.prove()));
    assertEquals(await call.outcome, ["UNAUTHENTICATED", "Invalid node ID"], method.name);
  }
  const publicKey = stranger.publicKeyPem;
  const activate = connection.call(activateNode, rawHeadersOf(await stranger.prove()));
  activate.send(activateNode.input, { publicKey, heartbeatInterval: 30 });
  assertEquals((await activate.outcome)[0], "FAILED_PRECONDITION");
  const register = connection.call(registerNode, rawHeadersOf(await stranger.prove()));
  register.send(registerNode.input, { publicKey });
  assertEquals((await register.outcome)[0], "OK");
});

Deno.test("The Fleet API reads a small body only of a proved key without a node", async () => {
  await using link = await startTestSuperLink();
  for (const plane of PLANES) {
    using stranger = await FleetClient.create(link, { plane });
    const large = { publicKey: new Uint8Array(20_000) };
    assertEquals(
      (await refusal(stranger.call(stranger.method.registerNode, large)))[0],
      "RESOURCE_EXHAUSTED",
    );
    await stranger.join();
    // A node may send what it likes; that this is no key is seen in it.
    const activation = { ...large, heartbeatInterval: 30 };
    assertEquals(
      (await refusal(stranger.call(stranger.method.activateNode, activation)))[0],
      "UNAUTHENTICATED",
    );
  }
});

Deno.test("The Fleet API judges a proof's age when the headers arrive, however slow the body", async () => {
  await using link = await startTestSuperLink();
  using node = await FleetClient.create(link, { key });
  await node.register();
  const nodeId = await node.activate(1800);
  await using connection = await RawConnection.open(link.fleetAddress);
  link.clock.advance({ seconds: 100 });
  const old = await proveAt(key, link.clock.micros - 50_000_000);
  const slow = connection.call(node.method.deactivateNode, rawHeadersOf(old));
  await connection.settled();
  link.clock.advance({ seconds: 300 });
  slow.send(node.method.deactivateNode.input, { nodeId });
  assertEquals((await slow.outcome)[0], "OK");
});

function without(proof: Proof, name: string): CallHeaders {
  const { bytes, ...rest } = proofHeaders(proof);
  return {
    ...rest,
    bytes: Object.fromEntries(Object.entries(bytes ?? {}).filter(([other]) => other !== name)),
  };
}

function withKey(pem: string | Uint8Array<ArrayBuffer>) {
  const publicKeyPem = typeof pem === "string" ? text(pem) : pem;
  return (proof: Proof) => proofHeaders({ ...proof, publicKeyPem });
}

function withSignature(change: (der: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>) {
  return (proof: Proof) => proofHeaders({ ...proof, signature: change(proof.signature) });
}

function withTimestamp(change: (value: string) => string) {
  return (proof: Proof) => proofHeaders({ ...proof, timestamp: change(proof.timestamp) });
}

function offCurve() {
  const { spki } = key.publicKey;
  return { ...key.publicKey, spki: spki.with(-1, spki.at(-1)! ^ 1) };
}
