/** Several isolates on one database, as the world sees them: by their HTTP handlers. */

import { assert, assertEquals } from "@std/assert";
import {
  create,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { generatePrivateKey } from "../../keys/private_key.ts";
import { ProofSigner } from "../../keys/proof.ts";
import { spkiPem } from "../../keys/public_key.ts";
import { Control } from "../../proto/gen/flwr1_41/proto/control_pb.ts";
import { Access } from "../../proto/gen/trellis/v1/access_pb.ts";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { pathOf } from "../../wire/http/route.ts";
import { clientHeaders } from "../../wire/http/headers.ts";
import { PROTOBUF } from "../../wire/http/media_types.ts";
import { KvBlobs } from "../objects/kv_blobs.ts";
import {} from "../testing/fleet_client.ts";
import { LogLines } from "../testing/log_lines.ts";
import { TestClock } from "../testing/test_clock.ts";
import { type Isolate, openIsolate } from "./isolate.ts";
import { deploySettings } from "./settings.ts";
import { proofHeaders } from "../../wire/proof_headers.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";

interface Stage {
  readonly clock: TestClock;
  readonly first: Isolate;
  readonly second: Isolate;
}

async function onIsolates(
  environment: Readonly<Record<string, string>>,
  play: (stage: Stage) => Promise<void>,
): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  const clock = new TestClock();
  const settings = deploySettings((name) => environment[name]);
  const database = {
    ...{ kv, blobs: new KvBlobs(kv), durable: true, shared: true, place: "memory" },
    close() {},
  };
  const { log } = new LogLines();
  const open = () => openIsolate({ settings, database, clock, log });
  const [first, second] = [await open(), await open()];
  try {
    await play({ clock, first, second });
  } finally {
    await first.stop();
    await second.stop();
    kv.close();
  }
}

/** Calls an isolate; gives the answer, or the status and the text of a refusal. */
async function call<I extends DescMessage, O extends DescMessage>(
  { handle }: Isolate,
  method: DescMethodUnary<I, O>,
  message: MessageInitShape<I>,
  headers: Readonly<Record<string, string>> = {},
): Promise<MessageShape<O> | string> {
  const request = new Request(`https://superlink.example${pathOf(method)}`, {
    method: "POST",
    headers: { "content-type": PROTOBUF, ...headers },
    body: new Uint8Array(toBinary(method.input, create(method.input, message))),
  });
  const response = await handle(request, "192.0.2.1:1234");
  if (response.status === 200) return fromBinary(method.output, await response.bytes());
  return `${response.status} ${(await response.json()).detail}`;
}

const { listNodes, registerNode } = Control.method;

Deno.test("The Control API is closed until somebody says who may call it", () =>
  onIsolates({}, async ({ first }) => {
    const closed =
      "403 The Control API is closed. The SuperLink's operator decides who may call it.";
    assertEquals(await call(first, listNodes, {}), closed);
    assertEquals(await call(first, listNodes, {}, { authorization: `Bearer ${TOKEN}` }), closed);
  }));

Deno.test("The Control API with a token takes that token and no other", () =>
  onIsolates({ TRELLIS_CONTROL_TOKEN: TOKEN }, async ({ first }) => {
    const refused = [
      undefined,
      "",
      "Bearer",
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(1)}`,
      `Basic ${TOKEN}`,
      `Bearer ${TOKEN}, Bearer ${TOKEN}`,
    ];
    for (const authorization of refused) {
      const headers = authorization === undefined ? {} : { authorization };
      assertEquals(await call(first, listNodes, {}, headers), "401 Not authenticated");
    }
    const request = new Request("https://superlink.example/v1/control/list-nodes", {
      method: "POST",
      headers: { "content-type": PROTOBUF },
    });
    const challenge = (await first.handle(request, "unknown")).headers.get("www-authenticate");
    assertEquals(challenge, "Bearer");
    for (const scheme of ["Bearer", "bearer"]) {
      const answer = await call(first, listNodes, {}, { authorization: `${scheme} ${TOKEN}` });
      assertEquals(typeof answer, "object");
    }
  }));

Deno.test("A token that one isolate makes is good at another, until any of them revokes it", () =>
  onIsolates({ TRELLIS_CONTROL_TOKEN: TOKEN }, async ({ first, second }) => {
    const operator = { authorization: `Bearer ${TOKEN}` };
    const { createToken, revokeToken } = Access.method;
    const made = await call(first, createToken, { name: "ci", role: "viewer" }, operator);
    assert(typeof made === "object");
    const viewer = { authorization: `Bearer ${made.secret}` };
    assertEquals(typeof await call(second, listNodes, {}, viewer), "object");
    const refused = await call(second, registerNode, {}, viewer);
    assertEquals(
      refused,
      "403 RegisterNode needs a token with the role admin; this one has viewer.",
    );
    await call(second, revokeToken, { id: made.token?.id ?? "" }, operator);
    assertEquals(await call(first, listNodes, {}, viewer), "401 Not authenticated");
  }));

Deno.test("A proof is accepted once, whichever isolate it is sent to", () =>
  onIsolates({ TRELLIS_CONTROL_API: "open-to-anybody" }, async ({ clock, first, second }) => {
    const key = await generatePrivateKey("P-256");
    const publicKey = new TextEncoder().encode(spkiPem(key.publicKey));
    const registered = await call(first, registerNode, { publicKey });
    const nodeId = typeof registered === "object" ? registered.nodeId ?? 0n : 0n;
    const signer = await ProofSigner.create(key, () => clock.nowMicros());
    const { activateNode, sendNodeHeartbeat } = Fleet.method;
    const fresh = async () => clientHeaders(proofHeaders(await signer.sign()));
    const joined = { publicKey, heartbeatInterval: 30 };
    const activated = await call(second, activateNode, joined, await fresh());
    assertEquals(typeof activated === "object" && activated.nodeId, nodeId);

    const proof = await fresh();
    const beat = { node: { nodeId }, heartbeatInterval: 30 };
    const accepted = await call(first, sendNodeHeartbeat, beat, proof);
    assertEquals(typeof accepted === "object" && accepted.success, true);
    for (const isolate of [first, second]) {
      const again = await call(isolate, sendNodeHeartbeat, beat, proof);
      assertEquals(again, "503 Sign again: this proof cannot be accepted a second time.");
    }
    const answer = await call(second, listNodes, {});
    const nodes = typeof answer === "object" ? answer.nodesInfo : [];
    assertEquals(nodes.map(({ status }) => status), ["online"]);

    clock.advance({ seconds: 61 });
    await first.sweep();
    const later = await call(second, listNodes, {});
    const silent = typeof later === "object" ? later.nodesInfo : [];
    assertEquals(silent.map(({ status }) => status), ["offline"]);
  }));

Deno.test("Two processes of a key: the second is refused until the first is silent, on any isolate", () =>
  onIsolates({ TRELLIS_CONTROL_API: "open-to-anybody" }, async ({ clock, first, second }) => {
    const key = await generatePrivateKey("P-256");
    const publicKey = new TextEncoder().encode(spkiPem(key.publicKey));
    const registered = await call(first, registerNode, { publicKey });
    const nodeId = typeof registered === "object" ? registered.nodeId ?? 0n : 0n;
    const signer = await ProofSigner.create(key, () => clock.nowMicros());
    const { activateNode, sendNodeHeartbeat } = Fleet.method;
    const activate = async (isolate: Isolate) => {
      const headers = clientHeaders(proofHeaders(await signer.sign()));
      const request = { publicKey, heartbeatInterval: 30 };
      const answer = await call(isolate, activateNode, request, headers);
      return typeof answer === "string" ? answer : answer.nodeId;
    };
    assertEquals(await activate(first), nodeId);
    assertEquals(await activate(second), nodeId, "the answer may have been lost");
    const headers = clientHeaders(proofHeaders(await signer.sign()));
    await call(first, sendNodeHeartbeat, { node: { nodeId }, heartbeatInterval: 30 }, headers);
    assertEquals(await activate(second), "412 Failed to activate SuperNode.");
    clock.advance({ seconds: 29 });
    assertEquals(await activate(first), "412 Failed to activate SuperNode.");
    clock.advance({ seconds: 1 });
    assertEquals(await activate(second), nodeId);
  }));
