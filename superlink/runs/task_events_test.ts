import { assertEquals } from "@std/assert";
import { type EventRow, keys } from "../state/layout.ts";
import { MAX_EVENTS, type NewEvent, TaskEvents } from "./task_events.ts";

const EVENT: NewEvent = { event: "progress", data: '{"step":1}' };

Deno.test("TaskEvents keeps events of a run up to its limit, all of a push or none", async () => {
  using kv = await Deno.openKv(":memory:");
  const events = new TaskEvents(kv);
  const last: EventRow = { at: 1, ...EVENT };
  await kv.set(keys.event(7n, MAX_EVENTS - 2), last);
  assertEquals(await events.append(7n, [EVENT, EVENT, EVENT], 2), false);
  assertEquals(await events.append(7n, [EVENT, EVENT], 3), true);
  assertEquals(await events.append(7n, [EVENT], 4), false);
  const ids = (await events.list(7n)).map(({ id, at }) => [id, at]);
  assertEquals(ids, [[MAX_EVENTS - 2, 1], [MAX_EVENTS - 1, 3], [MAX_EVENTS, 3]]);
  assertEquals(await events.append(8n, [EVENT], 5), true, "another run has its own");
  assertEquals((await events.list(8n)).map(({ id }) => id), [1]);
});

Deno.test("TaskEvents takes nothing of a push with an event that is no JSON object", async () => {
  using kv = await Deno.openKv(":memory:");
  const events = new TaskEvents(kv);
  for (const data of ["", "{", "[]", "1", "null", '"text"', `{"x":"${"y".repeat(20_000)}"}`]) {
    assertEquals(await events.append(7n, [EVENT, { event: "bad", data }], 1), false, data);
  }
  assertEquals(await events.list(7n), []);
});
