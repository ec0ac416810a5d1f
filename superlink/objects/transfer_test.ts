/** What becomes of the objects of messages, as ServerApps and SuperNodes see it. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { refusal } from "../testing/fleet_client.ts";
import { objectIdOf } from "../../records/object_id.ts";
import { countKeys } from "../testing/leftovers.ts";
import { onRun } from "../testing/on_run.ts";
import { arrays, config, replyTo } from "../testing/test_messages.ts";

const KIB = 1024;
const text = (content: string) => new TextEncoder().encode(content);
/** Bytes that no other call gives. */
let fill = 0;
function bytes(size: number): Uint8Array {
  const content = new Uint8Array(size).fill(7);
  new DataView(content.buffer).setUint32(0, ++fill);
  return content;
}

Deno.test("An object is unknown, then announced, then there, for both sides and of any size", () =>
  onRun({}, async ({ app, runId, nodes: [node], instruct }) => {
    assert(node);
    const sizes = [4, 30 * KIB, 33 * KIB, 70 * KIB, 1_000_000];
    const carried = instruct(node, { content: arrays(...sizes.map(bytes)) });
    const look = async (id: string) => {
      const seen = [await app.pullObject(runId, id), await node.pullObject(runId, id)];
      return seen.map(({ objectFound, objectAvailable, objectContent }) => {
        assertEquals(objectContent.length > 0, objectAvailable);
        if (objectAvailable) assertEquals(objectIdOf(objectContent), id);
        return objectAvailable ? "there" : objectFound ? "announced" : "unknown";
      }).join();
    };
    const ids = [...carried.contents.keys()];
    for (const id of ids) assertEquals(await look(id), "unknown,unknown");
    const { objectsToPush } = await app.push(runId, carried);
    assertEquals(objectsToPush.toSorted(), ids.toSorted());
    for (const id of ids) assertEquals(await look(id), "announced,announced");
    for (const [id, content] of carried.contents) {
      assert(await app.pushObject(runId, id, content));
      assertEquals(await look(id), "there,there");
      assert(await app.pushObject(runId, id, content), "a second push is harmless");
    }
    const delivered = await node.take();
    assertEquals(delivered.tree, carried.tree);
    for (const id of ids) assertEquals(await look(id), "unknown,unknown");
  }));

Deno.test("An object that nobody announced or whose id is another's is not stored", () =>
  onRun({}, async ({ app, runId, nodes: [node], instruct }) => {
    assert(node);
    const carried = instruct(node);
    const [[id, content] = ["", bytes(4)]] = carried.contents;
    assertEquals(await app.pushObject(runId, id, content), false);
    await app.push(runId, carried);
    for (
      const [name, wrongId, wrongContent] of [
        ["other bytes", id, text("Message  0\0")],
        ["large other bytes", id, bytes(100 * KIB)],
        ["no bytes", id, new Uint8Array()],
        ["another id", "f".repeat(64), content],
        ["an id in capitals", id.toUpperCase(), content],
        ["an empty id", "", content],
        ["an id that is no hash", "../../etc/passwd", content],
        ["an endless id", "f".repeat(10_000), content],
      ] as const
    ) {
      assertEquals(await app.pushObject(runId, wrongId, wrongContent), false, name);
      assertEquals(await node.pushObject(runId, wrongId, wrongContent), false, name);
    }
    for (const strange of ["", "f".repeat(10_000), "../../etc/passwd"]) {
      assertEquals((await app.pullObject(runId, strange)).objectFound, false);
      assertEquals((await node.pullObject(runId, strange)).objectFound, false);
    }
    assertEquals((await app.pullObject(runId, id)).objectAvailable, false);
  }));

Deno.test("Bytes that are no object are refused with the reason", () =>
  onRun({}, async ({ app, runId, nodes: [node], instruct }) => {
    assert(node);
    for (
      const [content, reason] of [
        [text("no zero byte"), /zero byte/],
        [text("Message 0\0"), /three fields/],
        [text("Message   0\0"), /three fields/],
        [text("Mensaje  0\0"), /not supported/],
        [text("Message abc 0\0"), /not an object id/],
        [text("Message  1\0"), /says '1' bytes/],
        [text("Message  0\0x"), /says '0' bytes/],
        [text("Message  00\0"), /says '00' bytes/],
        [new Uint8Array(70 * KIB), /three fields/],
      ] as const
    ) {
      // Announced under the hash that it really has.
      const objectId = objectIdOf(content);
      const carried = instruct(node);
      const tree = { ...carried.tree, children: [{ ...carried.tree, objectId, children: [] }] };
      await app.push(runId, { ...carried, tree });
      for (
        const push of [
          () => app.pushObject(runId, objectId, content),
          () => node.pushObject(runId, objectId, content),
        ]
      ) {
        const [status, details] = await refusal(push());
        assertEquals(status, "FAILED_PRECONDITION");
        assert(details.startsWith(`Object with ID '${objectId}' has an unexpected structure. `));
        assertMatch(details, reason);
      }
    }
  }));

Deno.test("An object that is pushed again when its message has gone is no error", () =>
  onRun({}, async ({ app, runId, nodes: [node], instruct, link }) => {
    assert(node);
    const asked = instruct(node, { content: arrays(bytes(40 * KIB)) });
    await app.send(runId, asked);
    await node.take();
    const reply = replyTo(asked, link.clock.nowMicros(), arrays(bytes(40 * KIB)));
    await node.reply(reply);
    await app.pull(runId, [asked.messageId]);
    await app.confirm(runId, reply.messageId);
    // The answers to the first pushes were lost.
    for (const [id, content] of asked.contents) assert(await app.pushObject(runId, id, content));
    for (const [id, content] of reply.contents) assert(await node.pushObject(runId, id, content));
    assertEquals(await countKeys(link.database, "object"), 0);
  }));

Deno.test("Objects may come in any order and from both sides at once", () =>
  onRun({}, async ({ app, runId, nodes: [node], instruct }) => {
    assert(node);
    const carried = instruct(node, {
      content: arrays(...[1, 40, 90, 300].map((k) => bytes(k * KIB))),
    });
    await app.push(runId, carried);
    const pull = node.pull();
    await Promise.all(
      [...carried.contents].reverse().flatMap(([id, content]) => [
        app.pushObject(runId, id, content),
        node.pushObject(runId, id, content),
        app.pushObject(runId, id, content),
      ]),
    ).then((stored) => assert(stored.every(Boolean)));
    // A pull that was held in vain, because the objects took so long, is followed by another.
    const delivered = await pull ?? await node.pull();
    assert(delivered);
    assertEquals((await node.fetch(delivered)).size, carried.contents.size);
  }));

Deno.test("What messages share is asked for once, and goes with the last of them", () =>
  onRun({ nodeCount: 3 }, async ({ app, runId, nodes, instruct, link }) => {
    const content = arrays(bytes(100), bytes(50 * KIB));
    const carried = nodes.map((node) => instruct(node, { content }));
    const shared = [...carried[0]!.contents.keys()].slice(0, -1);
    const [first, ...others] = carried;
    await app.send(runId, first!);
    const { objectsToPush } = await app.push(runId, ...others);
    assertEquals(objectsToPush.toSorted(), others.map(({ messageId }) => messageId).toSorted());
    for (const { messageId, contents } of others) {
      assert(await app.pushObject(runId, messageId, contents.get(messageId)!));
    }
    const found = () =>
      Promise.all(shared.map(async (id) => (await app.pullObject(runId, id)).objectAvailable));
    for (const node of nodes) {
      assert((await found()).every(Boolean));
      await node.take();
    }
    assertEquals((await found()).some(Boolean), false);
    for (const kind of ["object", "holder", "branch"]) {
      assertEquals(await countKeys(link.database, kind), 0, kind);
    }
  }));

Deno.test("What is shared in part stays for those who need that part", () =>
  onRun({ nodeCount: 2 }, async ({ app, runId, nodes: [one, two], instruct }) => {
    assert(one && two);
    const [common, own] = [bytes(40 * KIB), bytes(100)];
    const first = instruct(one, { content: arrays(common, own) });
    const second = instruct(two, { content: arrays(common) });
    await app.send(runId, first);
    const { objectsToPush } = await app.push(runId, second);
    const inBoth = [...second.contents.keys()].filter((id) => first.contents.has(id));
    assertEquals(inBoth.length, 2, "a chunk and its array");
    assert(inBoth.every((id) => !objectsToPush.includes(id)));
    for (const id of objectsToPush) await app.pushObject(runId, id, second.contents.get(id)!);
    await one.take();
    for (const id of first.contents.keys()) {
      assertEquals((await app.pullObject(runId, id)).objectAvailable, inBoth.includes(id));
    }
    await two.take();
    for (const id of inBoth) assertEquals((await app.pullObject(runId, id)).objectFound, false);
  }));

Deno.test("A tree that says something else of the same object has what it says", () =>
  onRun({ nodeCount: 2 }, async ({ app, runId, nodes: [one, two], instruct }) => {
    assert(one && two);
    const honest = instruct(one, { content: config("key", "value") });
    const forged = instruct(two, { content: config("key", "value") });
    const [child] = forged.tree.children;
    assert(child);
    const tree = { ...forged.tree, children: [{ ...child, children: [] }] };
    const { objectsToPush } = await app.push(runId, { ...forged, tree });
    assertEquals(objectsToPush.toSorted(), [forged.messageId, child.objectId].toSorted());
    const rest = (await app.push(runId, honest)).objectsToPush;
    assertEquals(rest.toSorted(), [...honest.contents.keys()].toSorted());
    for (const id of rest) assert(await app.pushObject(runId, id, honest.contents.get(id)!));
    await one.take();
    assertEquals((await app.pullObject(runId, child.objectId)).objectAvailable, true);
  }));

Deno.test("A model of a thousand objects goes there and back", () =>
  onRun({ holdMs: 5_000 }, async ({ app, runId, nodes: [node], instruct, link }) => {
    assert(node);
    const content = arrays(...Array.from({ length: 500 }, () => bytes(20)));
    const carried = instruct(node, { content });
    const { objectsToPush } = await app.push(runId, carried);
    assertEquals(objectsToPush.length, 1003);
    await Promise.all(
      objectsToPush.map((id) => app.pushObject(runId, id, carried.contents.get(id)!)),
    );
    const delivered = await node.pull();
    assertEquals(delivered?.tree, carried.tree);
    await node.confirm(runId, carried.messageId);
    assertEquals(await countKeys(link.database, "object"), 0);
    assertEquals(await countKeys(link.database, "holder"), 0);
    const reply = replyTo(carried, link.clock.nowMicros(), content);
    assertEquals((await node.push(reply)).objectsToPush.length, 1003);
  }));

Deno.test("Objects of one run are not those of another", () =>
  onRun({}, async ({ app, runId, nodes: [node], instruct }) => {
    assert(node);
    const other = await app.running();
    const carried = instruct(node, { content: arrays(bytes(40 * KIB)) });
    await app.send(runId, carried);
    for (const [id, content] of carried.contents) {
      assertEquals((await app.pullObject(other.runId, id)).objectFound, false);
      assertEquals(await app.pushObject(other.runId, id, content), false);
    }
    await app.stop(other.runId);
    await node.take();
  }));

for (const end of ["stop", "finish"] as const) {
  Deno.test(`Nothing is left of a run's messages after its ${end}, wherever they were`, () =>
    onRun({ nodeCount: 4 }, async ({ app, runId, nodes, instruct, link }) => {
      const content = arrays(bytes(50 * KIB), bytes(10));
      const carried = nodes.map((node) => instruct(node, { content }));
      await app.send(runId, ...carried);
      const [, taken, replying, replied] = nodes;
      await taken!.take();
      await replying!.take();
      await replied!.take();
      await replying!.push(replyTo(carried[2]!, link.clock.nowMicros(), arrays(bytes(60 * KIB))));
      await replied!.reply(replyTo(carried[3]!, link.clock.nowMicros(), arrays(bytes(60 * KIB))));
      await app.push(runId, instruct(nodes[0]!, { content: arrays(bytes(50 * KIB)) }));
      await app.pull(runId, ["f".repeat(64)]);
      // The stage looks at every key and blob after this.
      await app[end](runId);
      assertEquals(
        (await refusal(app.pullObject(runId, carried[0]!.messageId)))[0],
        "PERMISSION_DENIED",
      );
    }));
}

Deno.test("Nothing is left of what was being pushed while the run was stopped", () =>
  onRun({}, async ({ app, runId, nodes: [node], instruct }) => {
    assert(node);
    const carried = Array.from(
      { length: 10 },
      () => instruct(node, { content: arrays(bytes(200 * KIB)) }),
    );
    await app.push(runId, ...carried);
    const pushes = carried.flatMap(({ contents }) =>
      [...contents].map(([id, content]) => app.pushObject(runId, id, content))
    );
    const more = Array.from({ length: 5 }, () => app.push(runId, instruct(node)));
    const pulls = [app.pull(runId, ["f".repeat(64)]), node.pull()];
    const all = Promise.allSettled<unknown>([...pushes, ...more, ...pulls]);
    await Promise.race(pushes);
    await app.stop(runId);
    for (const result of await all) {
      if (result.status === "fulfilled") continue;
      assertEquals([result.reason.status, result.reason.message], [
        "PERMISSION_DENIED",
        "Run is finished. Stopped by user.",
      ]);
    }
  }));
