import { createHash, createHmac, randomBytes } from "node:crypto";
import { create, type DescMessage, toBinary } from "@bufbuild/protobuf";
import { assertEquals, assertNotEquals } from "@std/assert";
import { SuperExecAuth } from "../../apps/runtime/superexec_auth.ts";
import { ClientAppIo } from "../../proto/gen/flwr/proto/clientappio_pb.ts";
import { Runtime } from "../../proto/gen/flwr1_41/proto/runtime_pb.ts";
import type { IncomingCall } from "../../wire/service.ts";
import { StatusError } from "../../wire/status.ts";
import { CLIENTAPPS, runtimeStage } from "../testing/runtime_stage.ts";
import { incomingCall } from "../../wire/testing/incoming_call.ts";

const { method } = Runtime;

/** The headers by which a SuperExec proves that it knows a secret. */
function proofHeaders(secret: string, api: string, name: string, body: Uint8Array) {
  const ts = String(Math.floor(Date.now() / 1000) + 1);
  const nonce = randomBytes(16).toString("hex");
  const hash = createHash("sha256").update(body).digest("hex");
  const key = createHmac("sha256", secret).update("superexec-auth-v1").digest();
  const text = `method=/flwr.proto.${api}/${name}\nts=${ts}\nnonce=${nonce}\nbody_sha256=${hash}`;
  return {
    "flwr-superexec-ts": ts,
    "flwr-superexec-nonce": nonce,
    "flwr-superexec-body-sha256": hash,
    "flwr-superexec-signature": createHmac("sha256", key).update(text).digest("hex"),
  };
}

function withSecret() {
  const clock = { nowMicros: () => Date.now() * 1000 };
  return runtimeStage({ seekers: new SuperExecAuth(new TextEncoder().encode("secret"), clock) });
}

Deno.test("The Runtime API gives tasks to SuperExecs that know the secret, if there is one", async () => {
  const { ask, send, stop } = await withSecret();
  send();
  const { acquireTask } = method;
  const body = toBinary(acquireTask.input, create(acquireTask.input, CLIENTAPPS));
  const good = proofHeaders("secret", "Runtime", "AcquireTask", body);
  const acquire = (headers: Record<string, string>) => ask(acquireTask, CLIENTAPPS, "", headers);
  assertEquals((await acquire({})).status, 401);
  assertEquals((await acquire(proofHeaders("guess", "Runtime", "AcquireTask", body))).status, 401);
  assertNotEquals((await acquire(good)).message?.token, "");
  assertEquals((await acquire(good)).status, 401);
  await stop();
});

Deno.test("ClientAppIo gives tasks to SuperExecs that know the secret, if there is one", async () => {
  const { services: { grpc: [service] }, stop } = await withSecret();
  const call = (method: string, headers: Record<string, string> = {}): IncomingCall =>
    incomingCall({
      ...{ method, peer: "unknown" },
      headers: { text: (name) => headers[name], bytes: () => undefined },
    });
  const admitted = async (incoming: IncomingCall) => {
    try {
      await service!.admit(incoming);
      return "admitted";
    } catch (error) {
      return error instanceof StatusError ? error.status : error;
    }
  };
  const { listAppsToLaunch, requestToken, pullPendingTasks, getRun } = ClientAppIo.method;
  const body = new Uint8Array();
  const proof = proofHeaders("secret", "ClientAppIo", pullPendingTasks.name, body);
  assertEquals(await admitted(call(pullPendingTasks.name, proof)), "admitted");
  assertEquals(await admitted(call(getRun.name)), "admitted");
  const runtime = proofHeaders("secret", "Runtime", pullPendingTasks.name, body);
  assertEquals(await admitted(call(pullPendingTasks.name, runtime)), "UNAUTHENTICATED");
  for (const { name } of [listAppsToLaunch, requestToken, pullPendingTasks]) {
    assertEquals(await admitted(call(name)), "UNAUTHENTICATED", name);
  }
  await stop();
});

Deno.test("A node that starts ClientApps itself gives no task away", async () => {
  const { ask, stop } = await runtimeStage({ seekers: "nobody" });
  for (const called of [method.acquireTask, method.pullPendingTasks, method.claimTask]) {
    assertEquals((await ask<DescMessage, DescMessage>(called, {})).status, 401);
  }
  await stop();
});
