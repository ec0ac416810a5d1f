import { assertEquals, assertRejects } from "@std/assert";
import { postOrder } from "../../records/object_tree.ts";
import { StatusError } from "../../wire/status.ts";
import { FakeClock } from "../testing/fake_clock.ts";
import { FakeSuperLink } from "../testing/fake_superlink.ts";
import { makeInstruction, makeReply, NODE_ID, NOW_S, RUN_ID } from "../testing/messages.ts";
import { Confirmations } from "./confirmations.ts";
import { ObjectStore } from "./object_store.ts";
import { fetchObjects, sendReply, type TransferOptions } from "./transfer.ts";

const never = new AbortController().signal;

function setUp() {
  const superlink = new FakeSuperLink();
  const objects = new ObjectStore(1e6);
  const clock = new FakeClock();
  const time = { nowSeconds: NOW_S };
  const options: TransferOptions = {
    fleet: superlink.fleet,
    nodeId: NODE_ID,
    objects,
    confirmations: new Confirmations(),
    clock,
    nowSeconds: () => time.nowSeconds,
  };
  const test = makeInstruction();
  const { metadata, objects: entries } = test.instruction;
  const missing = objects.announce(RUN_ID, metadata.messageId, entries);
  const fetch = (signal = never) => fetchObjects(options, test.instruction, missing, signal);
  return { superlink, objects, clock, time, options, test, missing, fetch };
}

Deno.test("fetchObjects stores all objects and then confirms the message", async () => {
  const { superlink, objects, test, fetch } = setUp();
  superlink.send(test);
  await fetch();
  assertEquals(objects.isComplete(test.instruction.metadata.messageId), true);
  assertEquals(superlink.calls.at(-1), "confirmMessageReceived");
});

Deno.test("fetchObjects asks again, ever less often, for what is not there yet", async () => {
  const { superlink, clock, test, fetch } = setUp();
  superlink.send(test);
  const [late = "", content] = [...test.contents].at(-1) ?? [];
  superlink.objects.delete(late);
  const fetched = fetch();
  const pauses: number[] = [];
  for (let i = 0; i < 8; i++) pauses.push(await clock.tick());
  assertEquals(pauses, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  superlink.objects.set(late, content!);
  await clock.tick();
  await fetched;
});

Deno.test("fetchObjects takes Flower 1.25's failure for an object that is not there yet", async () => {
  const { superlink, clock, test, fetch } = setUp();
  superlink.send(test);
  superlink.failures.set("pullObject", [
    new StatusError(
      "UNKNOWN",
      "Exception calling application: Both bytes_sent and bytes_recv cannot be zero.",
    ),
  ]);
  const fetched = fetch();
  assertEquals(await clock.tick(), 100);
  await fetched;
});

Deno.test("fetchObjects gives up when the message has expired", async () => {
  const { superlink, time, test, fetch } = setUp();
  superlink.send(test, { late: true });
  time.nowSeconds += 50_000;
  const error = await assertRejects(() => fetch(), StatusError);
  assertEquals(error.status, "DEADLINE_EXCEEDED");
  assertEquals(superlink.calls.includes("confirmMessageReceived"), false);
});

Deno.test("fetchObjects refuses bytes that are another object's", async () => {
  const { superlink, test, fetch } = setUp();
  superlink.send(test);
  const [first = ""] = test.contents.keys();
  superlink.objects.set(first, new Uint8Array([1, 2, 3]));
  assertEquals((await assertRejects(() => fetch(), StatusError)).status, "DATA_LOSS");
});

Deno.test("fetchObjects ends with the refusal of an object", async () => {
  const { superlink, test, fetch } = setUp();
  superlink.send(test);
  superlink.failures.set("pullObject", [new StatusError("PERMISSION_DENIED", "Run is finished.")]);
  assertEquals((await assertRejects(() => fetch(), StatusError)).status, "PERMISSION_DENIED");
});

Deno.test("sendReply sends what the SuperLink lacks, children first", async () => {
  const { superlink, objects, options, test } = setUp();
  const { message, tree, contents } = makeReply(test.instruction);
  objects.announce(
    RUN_ID,
    tree.objectId,
    [...contents.keys()].map((objectId) => ({
      objectId,
      children: [],
    })),
  );
  for (const [id, content] of contents) objects.put(RUN_ID, id, content);
  const [known = ""] = contents.keys();
  superlink.objects.set(known, contents.get(known)!);
  await sendReply(options, test.instruction, { message, tree, runtimeSeconds: 1.5 }, never);
  assertEquals(superlink.replies, [message]);
  assertEquals(superlink.runtimes, [1.5]);
  assertEquals([...superlink.objects.keys()], [...contents.keys()]);
});

Deno.test("fetchObjects pulls only what did not come with the message", async () => {
  const { superlink, objects, options, test, missing } = setUp();
  superlink.send(test);
  const [, ...most] = test.contents;
  const instruction = { ...test.instruction, carried: new Map(most) };
  await fetchObjects(options, instruction, missing, never);
  assertEquals(objects.isComplete(test.instruction.metadata.messageId), true);
  assertEquals(superlink.calls, ["pullObject", "confirmMessageReceived"]);
});

Deno.test("fetchObjects pulls an object that came damaged with the message", async () => {
  const { superlink, objects, options, test, missing } = setUp();
  superlink.send(test);
  const damaged = new Map([...test.contents.keys()].map((id) => [id, new Uint8Array(3)]));
  await fetchObjects(options, { ...test.instruction, carried: damaged }, missing, never);
  assertEquals(objects.isComplete(test.instruction.metadata.messageId), true);
});

Deno.test("sendReply sends small objects with the reply where the SuperLink takes them", async () => {
  for (const [carryBytes, pushes] of [[1_000_000n, 0], [0n, 3]] as const) {
    const { superlink, objects, options, test } = setUp();
    const { message, tree, contents } = makeReply(test.instruction);
    objects.announce(RUN_ID, tree.objectId, postOrder(tree));
    for (const [id, content] of contents) objects.put(RUN_ID, id, content);
    const instruction = { ...test.instruction, carryBytes };
    await sendReply(options, instruction, { message, tree, runtimeSeconds: 0 }, never);
    assertEquals(superlink.calls.filter((call) => call === "pushObject").length, pushes);
    assertEquals(new Set(superlink.objects.keys()), new Set(contents.keys()));
  }
});

Deno.test("sendReply ends when the SuperLink does not take an object", async () => {
  const { superlink, options, test } = setUp();
  const { message, tree } = makeReply(test.instruction);
  Object.assign(superlink.fleet, { pushObject: () => Promise.resolve(false) });
  const send = () =>
    sendReply(options, test.instruction, { message, tree, runtimeSeconds: 0 }, never);
  await assertRejects(send, StatusError, "did not take the object");
});
