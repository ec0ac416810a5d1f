import { assertEquals, assertThrows } from "@std/assert";
import { objectIdOf } from "../../records/object_id.ts";
import { StatusError } from "../../wire/status.ts";
import { makeInstruction, RUN_ID } from "../testing/messages.ts";
import { ObjectStore } from "./object_store.ts";

const never = new AbortController().signal;
const { instruction, contents } = makeInstruction();
const { metadata: { messageId }, objects: entries } = instruction;
const ids = entries.map(({ objectId }) => objectId);
const contentOf = (objectId: string) => contents.get(objectId)!;

function fill(store: ObjectStore, holder = messageId): void {
  store.announce(RUN_ID, holder, entries);
  for (const id of ids) store.put(RUN_ID, id, contentOf(id));
}

Deno.test("ObjectStore keeps announced objects until their message lets go of them", () => {
  const store = new ObjectStore(1e6);
  const [first = ""] = ids;
  assertEquals(store.get(RUN_ID, first), { state: "unknown" });
  assertEquals(store.announce(RUN_ID, messageId, entries), ids);
  assertEquals(store.get(RUN_ID, first), { state: "announced" });
  assertEquals(store.isComplete(messageId), false);
  for (const id of ids) assertEquals(store.put(RUN_ID, id, contentOf(id)), true);
  assertEquals(store.get(RUN_ID, first), { state: "stored", content: contentOf(first) });
  assertEquals(store.isComplete(messageId), true);
  store.release(messageId);
  store.release("unknown");
  assertEquals([store.size, store.sizeBytes, store.isComplete(messageId)], [0, 0, false]);
});

Deno.test("ObjectStore shares an object between messages until the last lets go", () => {
  const store = new ObjectStore(1e6);
  fill(store);
  assertEquals(store.announce(RUN_ID, "another", entries), []);
  const { sizeBytes } = store;
  store.release(messageId);
  assertEquals(store.sizeBytes, sizeBytes);
  assertEquals(store.isComplete("another"), true);
  store.release("another");
  assertEquals(store.sizeBytes, 0);
});

Deno.test("ObjectStore keeps the objects of runs apart", () => {
  const store = new ObjectStore(1e6);
  fill(store);
  assertEquals(store.get(RUN_ID + 1n, ids[0]!), { state: "unknown" });
});

Deno.test("ObjectStore does not take what nobody announced, or other bytes", () => {
  const store = new ObjectStore(1e6);
  const [first = "", second = ""] = ids;
  assertEquals(store.put(RUN_ID, first, contentOf(first)), false);
  store.announce(RUN_ID, messageId, entries);
  assertEquals(store.put(RUN_ID, first, contentOf(second)), false);
  assertEquals(store.put(RUN_ID, first, contentOf(first)), true);
  assertEquals(store.put(RUN_ID, first, contentOf(first)), true);
  const garbage = new TextEncoder().encode("no object");
  const garbageId = objectIdOf(garbage);
  store.announce(RUN_ID, "garbage", [{ objectId: garbageId, children: [] }]);
  const error = assertThrows(() => store.put(RUN_ID, garbageId, garbage), StatusError);
  assertEquals(error.status, "FAILED_PRECONDITION");
});

Deno.test("ObjectStore has a limit, and room again when a message has gone", () => {
  const sizeBytes = ids.reduce((sum, id) => sum + contentOf(id).length, 0);
  const store = new ObjectStore(sizeBytes);
  fill(store);
  const other = makeInstruction(5n);
  store.announce(RUN_ID, "other", other.instruction.objects);
  const put = () => {
    for (const [id, content] of other.contents) store.put(RUN_ID, id, content);
  };
  assertEquals(assertThrows(put, StatusError).status, "RESOURCE_EXHAUSTED");
  store.release(messageId);
  put();
  assertEquals(store.isComplete("other"), true);
});

Deno.test("ObjectStore waits for an object that is on its way", async () => {
  const store = new ObjectStore(1e6);
  store.announce(RUN_ID, messageId, entries);
  const [first = "", second = ""] = ids;
  const waiting = store.untilStored(RUN_ID, first, 60_000, never);
  store.put(RUN_ID, second, contentOf(second));
  store.put(RUN_ID, first, contentOf(first));
  assertEquals((await waiting).state, "stored");
});

Deno.test("ObjectStore ends a wait when time is up, the caller gone, or the message", async () => {
  const store = new ObjectStore(1e6);
  const [first = ""] = ids;
  const wait = (ms: number, signal = never) => store.untilStored(RUN_ID, first, ms, signal);
  assertEquals((await wait(60_000)).state, "unknown");
  store.announce(RUN_ID, messageId, entries);
  assertEquals((await wait(0)).state, "announced");
  const gone = new AbortController();
  const left = wait(60_000, gone.signal);
  gone.abort();
  assertEquals((await left).state, "announced");
  const released = wait(60_000);
  store.release(messageId);
  assertEquals((await released).state, "unknown");
});

Deno.test("ObjectStore has what the last instruction of a run was made of for the next one", () => {
  const store = new ObjectStore(1e6);
  fill(store);
  const { sizeBytes } = store;
  store.retire(messageId);
  assertEquals([store.size, store.sizeBytes, store.keptBytes], [0, 0, sizeBytes]);
  assertEquals(store.get(RUN_ID, ids[0]!), { state: "unknown" });
  // Another run's are its own, even if they are the same.
  assertEquals(store.announce(RUN_ID + 1n, "another run's", entries), ids);
  assertEquals(store.announce(RUN_ID, "next", entries), []);
  assertEquals([store.sizeBytes, store.keptBytes], [sizeBytes, 0]);
  assertEquals(store.isComplete("next"), true);
  store.retire("next");
  store.forgetKept();
  assertEquals(store.keptBytes, 0);
});

Deno.test("ObjectStore keeps nothing that another message still holds, or that is not wanted", () => {
  const store = new ObjectStore(1e6);
  fill(store);
  store.announce(RUN_ID, "another", entries);
  store.retire(messageId);
  assertEquals(store.keptBytes, 0);
  store.release("another");
  store.retire("unknown");
  assertEquals([store.sizeBytes, store.keptBytes], [0, 0]);
});

Deno.test("ObjectStore gives what is kept up for what is needed", () => {
  const sizeBytes = ids.reduce((sum, id) => sum + contentOf(id).length, 0);
  const store = new ObjectStore(4 * sizeBytes);
  fill(store);
  store.retire(messageId);
  const others = [2n, 3n, 4n, 5n].map((value) => makeInstruction(value));
  for (const [index, other] of others.entries()) {
    store.announce(RUN_ID, `other ${index}`, other.instruction.objects);
    for (const [id, content] of other.contents) store.put(RUN_ID, id, content);
    assertEquals(store.keptBytes, index < 3 ? sizeBytes : 0);
  }
});
