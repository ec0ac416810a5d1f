import { assertEquals } from "@std/assert";
import { acceptAll } from "./accept.ts";

Deno.test("connections are taken also after a moment without file descriptors, until the listener is closed", async () => {
  const events = [1, new Error("Too many open files"), 2, new Deno.errors.BadResource("closed")];
  const taken: number[] = [];
  await acceptAll({
    accept() {
      const event = events.shift();
      return typeof event === "number" ? Promise.resolve(event) : Promise.reject(event);
    },
  }, (connection) => taken.push(connection));
  assertEquals(taken, [1, 2]);
  assertEquals(events, []);
});

Deno.test("a real listener that is closed ends it", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = acceptAll(listener, (connection) => connection.close());
  (await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port })).close();
  listener.close();
  await accepted;
});
