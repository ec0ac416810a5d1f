import { assertEquals } from "@std/assert";
import { LocalReleasedObjects } from "./released_objects.ts";

Deno.test("ReleasedObjects remembers the latest 20,000 objects of all runs", () => {
  const released = new LocalReleasedObjects();
  const known = (...ids: string[]) => ids.map((id) => released.has(1n, id));
  released.add(1n, "first");
  released.add(1n, "second");
  assertEquals(released.has(2n, "first"), false);
  for (let count = 0; count < 19_998; count++) released.add(2n, String(count));
  assertEquals(known("first", "second"), [true, true]);
  released.add(1n, "first");
  released.add(2n, "one more");
  assertEquals(known("first", "second"), [true, false]);
});
