import { assertEquals } from "@std/assert";
import { keys, type NodeRow } from "./layout.ts";
import { anyone, NOW, onNodes, registered, SECOND, statusOf } from "../testing/on_nodes.ts";

/** A database that counts how often all nodes are read, and does something after each time. */
function counting(afterList: () => Promise<unknown> = () => Promise.resolve()) {
  const read = { times: 0 };
  const kvOf = (kv: Deno.Kv) =>
    new Proxy(kv, {
      get(target, name) {
        const found: unknown = Reflect.get(target, name);
        if (typeof found !== "function") return found;
        if (name !== "list") return found.bind(target);
        return async function* (...args: Parameters<Deno.Kv["list"]>) {
          const [selector] = args;
          const rows = await Array.fromAsync(target.list(...args));
          const isOfNodes = "prefix" in selector &&
            JSON.stringify(selector.prefix) === JSON.stringify(keys.nodes);
          if (isOfNodes) {
            read.times++;
            await afterList();
          }
          yield* rows;
        };
      },
    });
  return { read, kvOf };
}

Deno.test("Nodes.list() reads all nodes from the database once, and shows each change since", () => {
  const { read, kvOf } = counting();
  return onNodes(async ({ nodes, reopen }) => {
    const first = await registered(nodes);
    const again = await reopen(NOW);
    const listed = async () => (await again.list(NOW)).map(({ row }) => row.nodeId);
    assertEquals(await listed(), [first.nodeId]);
    const second = await registered(again);
    assertEquals((await listed()).length, 2);
    await again.unregister(second.nodeId, NOW, anyone);
    const statuses = (await again.list(NOW)).map(({ row }) => row.status);
    assertEquals(statuses.toSorted(), ["registered", "unregistered"]);
    assertEquals(read.times, 1);
  }, kvOf);
});

Deno.test("Nodes.list() shows what is changed while it reads, and nothing that is gone by then", () => {
  let meanwhile = () => Promise.resolve();
  const { read, kvOf } = counting(() => meanwhile());
  return onNodes(async ({ nodes }) => {
    const [changed, gone] = [await registered(nodes), await registered(nodes, { keyless: true })];
    await nodes.unregister(gone.nodeId, NOW, anyone);
    const added: NodeRow[] = [];
    meanwhile = async () => {
      meanwhile = () => Promise.resolve();
      await nodes.unregister(changed.nodeId, NOW, anyone);
      added.push(await registered(nodes));
      assertEquals(await nodes.reduceGone(NOW + SECOND), 1);
    };
    for (let times = 0; times < 3; times++) {
      const listed = (await nodes.list(NOW)).map(({ row }) => row.nodeId);
      assertEquals(listed.toSorted(), [changed, ...added].map(({ nodeId }) => nodeId).toSorted());
    }
    assertEquals(await statusOf(nodes, changed), "unregistered");
    assertEquals(await nodes.get(gone.nodeId), undefined);
    // Once in vain, once for that answer, and once for all that follow.
    assertEquals(read.times, 3);
  }, kvOf);
});
