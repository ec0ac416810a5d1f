import { assert, assertEquals } from "@std/assert";
import { pooledMap } from "@std/async";
import { create, type DescMethodUnary, toBinary } from "@bufbuild/protobuf";
import { generatePrivateKey } from "../../keys/private_key.ts";
import type { Proof } from "../../keys/proof.ts";
import { FleetClient, type Plane, PLANES, rawHeadersOf, refusal } from "../testing/fleet_client.ts";
import { formatAddress } from "../../wire/address.ts";
import { clientHeaders } from "../../wire/http/headers.ts";
import { pathOf } from "../../wire/http/route.ts";
import { twinOf } from "../testing/proofs.ts";
import { base64, RawConnection } from "../../wire/testing/raw_connection.ts";
import { startTestSuperLink, type TestSuperLink } from "../testing/test_superlink.ts";
import { proofHeaders } from "../../wire/proof_headers.ts";

const REFUSED = [
  "UNAVAILABLE",
  "Sign again: this proof cannot be accepted a second time.",
] as const;

/** A node whose traffic was listened to. */
interface Victim {
  readonly client: FleetClient;
  readonly nodeId: bigint;
  /** Each was accepted once. */
  readonly captured: readonly Proof[];
}

/** Joins and heartbeats until `count` proofs were accepted, the first two of them for joining. */
async function listenedTo(link: TestSuperLink, count: number, plane?: Plane): Promise<Victim> {
  const key = await generatePrivateKey("P-384");
  const client = await FleetClient.create(link, { key, ...plane && { plane } });
  const { method, publicKeyPem: publicKey } = client;
  const captured = await Promise.all(Array.from({ length: count }, () => client.prove()));
  const [first, second, ...others] = captured.map(proofHeaders);
  await client.call(method.registerNode, { publicKey }, first);
  const activation = { publicKey, heartbeatInterval: 30 };
  const { nodeId } = await client.call(method.activateNode, activation, second);
  const heartbeat = { node: { nodeId }, heartbeatInterval: 30 };
  for (const proof of others) await client.call(method.sendNodeHeartbeat, heartbeat, proof);
  return { client, nodeId, captured };
}

const pem = (proof: Proof, change: (text: string) => string): Proof => ({
  ...proof,
  publicKeyPem: new TextEncoder().encode(change(new TextDecoder().decode(proof.publicKeyPem))),
});

/** Every way to send a captured proof again that its signature still covers. */
const DISGUISES: [name: string, disguise: (proof: Proof) => Proof][] = [
  ["as it was", (proof) => proof],
  ["as its twin (r, n-s)", (proof) => twinOf(proof, "P-384")],
  ["with CRLF in its PEM", (proof) => pem(proof, (text) => text.replaceAll("\n", "\r\n"))],
  ["without the last line end of its PEM", (proof) => pem(proof, (text) => text.trimEnd())],
  ["with other line lengths in its PEM", (proof) => pem(proof, rewrapped)],
  [
    "as its twin with blanks around its PEM",
    (proof) => pem(twinOf(proof, "P-384"), (text) => `\n ${text}\n\n`),
  ],
];

interface Attempt {
  readonly name: string;
  readonly method: DescMethodUnary;
  readonly body: Readonly<Record<string, unknown>>;
  readonly proof: Proof;
}

function rewrapped(text: string): string {
  const [begin, ...lines] = text.trimEnd().split("\n");
  const end = lines.pop();
  return [begin, ...lines.join("").match(/.{1,20}/g) ?? [], end].join("\n");
}

for (const plane of PLANES) {
  Deno.test(`No captured proof of 1,000 in any disguise is accepted over ${plane}, for whatever it is sent`, async () => {
    await using link = await startTestSuperLink();
    const victim = await listenedTo(link, 20, plane);
    using client = victim.client;
    using captor = await FleetClient.create(link);
    const captorId = await captor.join();
    const methods: readonly DescMethodUnary[] = Object.values(client.method);
    const { publicKeyPem: publicKey } = client;
    const bodies = [victim.nodeId, captorId].map((nodeId) => (
      { node: { nodeId }, nodeId, publicKey, heartbeatInterval: 30 }
    ));
    const attempts: Attempt[] = [];
    for (const [index, proof] of victim.captured.entries()) {
      for (const [nth, [name, disguise]] of DISGUISES.entries()) {
        for (const [place, method] of methods.entries()) {
          for (const [which, body] of bodies.entries()) {
            // All would be 2,880; every third is of each kind as well.
            if ((index + nth + place + which) % 3 !== 0) continue;
            attempts.push({
              name: `${name}: ${method.name}`,
              method,
              body,
              proof: disguise(proof),
            });
          }
        }
      }
    }
    assertEquals(attempts.length, 960);
    const outcomes = pooledMap(32, attempts, async ({ proof, method, body, name }) => {
      const call = client.call(method, onlyFields(method, body), proofHeaders(proof));
      assertEquals(await refusal(call), [...REFUSED], name);
    });
    for await (const _ of outcomes);

    assertEquals(await client.heartbeat(victim.nodeId), true, "the node itself goes on");
  });
}

Deno.test("No captured proof is accepted in another spelling of its base64", async () => {
  await using link = await startTestSuperLink();
  const victim = await listenedTo(link, 20);
  using client = victim.client;
  // Over HTTP there is one spelling for each value.
  await using connection = await RawConnection.open(link.fleetAddress);
  for (const proof of victim.captured) {
    const headers = rawHeadersOf(proof);
    const spellings = [(text: string) => text + "=".repeat(-text.length & 3), urlSafe];
    for (const spell of spellings) {
      const respelled = {
        ...headers,
        "flwr-public-key-bin": spell(base64(proof.publicKeyPem)),
        "flwr-signature-bin": spell(base64(proof.signature)),
      };
      const call = connection.call(client.method.pullMessages, respelled);
      assertEquals(await call.outcome, [...REFUSED]);
    }
  }
  assertEquals(await client.heartbeat(victim.nodeId), true, "the node itself goes on");
});

Deno.test("No spelling of a proof's base64 but one is taken over HTTP, new or captured", async () => {
  await using link = await startTestSuperLink();
  const victim = await listenedTo(link, 3, "HTTP");
  using client = victim.client;
  const { method: { sendNodeHeartbeat: method } } = client;
  const request = { node: { nodeId: victim.nodeId }, heartbeatInterval: 30 };
  const body = toBinary(method.input, create(method.input, request));
  const send = async (headers: Headers) => {
    headers.set("content-type", "application/protobuf");
    const url = `http://${formatAddress(link.httpAddress)}${pathOf(method)}`;
    const { status, body: answer } = await fetch(url, { method: "POST", headers, body });
    await answer?.cancel();
    return status;
  };
  const spellings: Readonly<Record<string, (text: string) => string>> = {
    "without padding": (text) => text.replaceAll("=", ""),
    "with too much of it": (text) => `${text}=`,
    "for URLs": urlSafe,
    "with a blank in it": (text) => `${text.slice(0, 8)} ${text.slice(8)}`,
    "with bits that say nothing": (text) => text.replace(/.(?==*$)/, "/"),
    "in quotes": (text) => `"${text}"`,
    "empty": () => "",
  };
  const names = ["flwr-public-key", "flwr-signature"] as const;
  for (const proof of [await client.prove(), ...victim.captured]) {
    const good = clientHeaders(proofHeaders(proof));
    for (const name of names) {
      for (const [spelling, spell] of Object.entries(spellings)) {
        const value = spell(good[name] ?? "");
        if (value === good[name]) continue;
        assertEquals(
          await send(new Headers({ ...good, [name]: value })),
          401,
          `${name} ${spelling}`,
        );
      }
    }
    for (const name of Object.keys(good)) {
      const twice = new Headers(good);
      twice.append(name, good[name] ?? "");
      assertEquals(await send(twice), 401, `${name} twice`);
    }
  }
  assertEquals(await send(new Headers(clientHeaders(proofHeaders(await client.prove())))), 200);
});

const urlSafe = (text: string) => text.replaceAll("+", "-").replaceAll("/", "_");

/** The fields that the request has, of those that requests have. */
function onlyFields(method: DescMethodUnary, fields: Record<string, unknown>) {
  const names = method.input.fields.map(({ localName }) => localName);
  return Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)));
}

Deno.test("A proof that is sent over one plane is not accepted over the other", async () => {
  await using link = await startTestSuperLink();
  for (const [first, second] of [PLANES, PLANES.toReversed()]) {
    const { client, nodeId, captured } = await listenedTo(link, 4, first);
    using victim = client;
    using other = await FleetClient.create(link, {
      key: victim.key,
      ...second && { plane: second },
    });
    const request = { node: { nodeId }, heartbeatInterval: 30 };
    for (const proof of captured) {
      for (const [name, disguise] of DISGUISES) {
        const headers = proofHeaders(disguise(proof));
        const again = other.call(other.method.sendNodeHeartbeat, request, headers);
        assertEquals(await refusal(again), [...REFUSED], name);
      }
    }
  }
});

for (const plane of PLANES) {
  Deno.test(`A proof that is sent many times at once over ${plane} is accepted once`, async () => {
    await using link = await startTestSuperLink();
    const victim = await listenedTo(link, 2, plane);
    using client = victim.client;
    for (let round = 0; round < 5; round++) {
      const headers = proofHeaders(await client.prove());
      const request = { node: { nodeId: victim.nodeId }, heartbeatInterval: 30 };
      const calls = Array.from(
        { length: 20 },
        () => client.call(client.method.sendNodeHeartbeat, request, headers),
      );
      const settled = await Promise.allSettled(calls);
      assertEquals(settled.filter(({ status }) => status === "fulfilled").length, 1);
    }
  });
}

for (const plane of PLANES) {
  Deno.test(`Two proofs of one timestamp are both accepted over ${plane}, as threads of one node send them`, async () => {
    await using link = await startTestSuperLink();
    // Of the three curves, only signatures on P-521 are random here, as Flower's are on all of them.
    const key = await generatePrivateKey("P-521");
    using client = await FleetClient.create(link, { key, plane });
    const nodeId = await client.join();
    link.clock.advance({ seconds: 1 });
    using twin = await FleetClient.create(link, { key, plane });
    const [one, other] = [await client.prove(), await twin.prove()];
    assertEquals(one.timestamp, other.timestamp);
    const request = { node: { nodeId }, heartbeatInterval: 30 };
    for (const proof of [one, other]) {
      await client.call(client.method.sendNodeHeartbeat, request, proofHeaders(proof));
    }
    for (const proof of [one, other]) {
      const again = client.call(client.method.sendNodeHeartbeat, request, proofHeaders(proof));
      assertEquals(await refusal(again), [...REFUSED]);
    }
  });
}

for (const plane of PLANES) {
  Deno.test(`No captured proof is accepted over ${plane} after a restart, and a new one is 2 s later`, async () => {
    const folder = await Deno.makeTempDir();
    const database = `${folder}/state.kv`;
    try {
      const first = await startTestSuperLink({ database });
      const { clock } = first;
      const victim = await listenedTo(first, 5, plane);
      const { key } = victim.client;
      victim.client[Symbol.dispose]();
      await first.stop();

      await using second = await startTestSuperLink({ database, clock });
      using client = await FleetClient.create(second, { key, plane });
      const request = { node: { nodeId: victim.nodeId }, heartbeatInterval: 30 };
      const replayAll = async () => {
        for (const captured of victim.captured) {
          for (const [name, disguise] of DISGUISES) {
            const headers = proofHeaders(disguise(captured));
            const again = client.call(client.method.sendNodeHeartbeat, request, headers);
            assertEquals(await refusal(again), [...REFUSED], name);
          }
        }
      };
      await replayAll();
      assertEquals(await refusal(client.heartbeat(victim.nodeId)), [...REFUSED]);
      clock.advance({ seconds: 2, micros: 1000 });
      assert(await client.heartbeat(victim.nodeId));
      await replayAll();
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

for (const plane of PLANES) {
  Deno.test(`No proof from before the start is accepted over ${plane} where the state is in memory`, async () => {
    const first = await startTestSuperLink();
    const { clock } = first;
    const victim = await listenedTo(first, 2, plane);
    const { key, publicKeyPem: publicKey } = victim.client;
    victim.client[Symbol.dispose]();
    await first.stop();

    clock.advance({ seconds: 1 });
    await using second = await startTestSuperLink({ clock });
    using client = await FleetClient.create(second, { key, plane });
    for (const captured of victim.captured) {
      const again = client.call(client.method.registerNode, { publicKey }, proofHeaders(captured));
      assertEquals(await refusal(again), [...REFUSED]);
    }
    await client.join();
  });
}
