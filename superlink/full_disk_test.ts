/** What a full disk does to runs: peers are told what they can act on, and nothing is lost. */

import { assert, assertEquals } from "@std/assert";
import { Control } from "../proto/gen/flwr/proto/control_pb.ts";
import { StatusError } from "../wire/status.ts";
import type { Database } from "./state/database.ts";
import { FakeApps } from "./testing/fake_apps.ts";
import { FleetClient, refusal } from "./testing/fleet_client.ts";
import { FullDisk } from "./testing/full_disk.ts";
import { assertNothingLeft, leftoversIn } from "./testing/leftovers.ts";
import { onRun } from "./testing/on_run.ts";
import { testFab } from "./testing/test_fab.ts";
import { arrays, replyTo } from "./testing/test_messages.ts";
import { AppClient } from "./testing/app_client.ts";
import { startTestSuperLink } from "./testing/test_superlink.ts";

const TEXT = "The SuperLink cannot write its state right now.";

/** One object goes into the database, the other into a file. */
const content = () =>
  arrays(
    crypto.getRandomValues(new Uint8Array(100)),
    crypto.getRandomValues(new Uint8Array(40_000)),
  );

Deno.test("While the disk is full, each API says so as its peers need it, and then all goes on", async () => {
  const disk = new FullDisk();
  await onRun({ between: disk.under, holdMs: 50 }, async (stage) => {
    const { app, runId, token, nodes: [node], instruct, link } = stage;
    const asked = instruct(node!, { content: content() });
    const reply = replyTo(asked, link.clock.nowMicros(), content());
    using stranger = await FleetClient.create(link);

    /** Fails while the disk is full, and nothing of it is kept; then the same call succeeds. */
    const whileFull = async <T>(status: string, call: () => Promise<T>): Promise<T> => {
      disk.fails = () => true;
      assertEquals(await refusal(call()), [status, TEXT]);
      disk.fails = () => false;
      return await call();
    };
    const onFleet = <T>(call: () => Promise<T>) => whileFull("UNAVAILABLE", call);
    const elsewhere = <T>(call: () => Promise<T>) => whileFull("RESOURCE_EXHAUSTED", call);

    const strangerId = await onFleet(() => stranger.register());
    await onFleet(() => stranger.activate());
    await onFleet(() => stranger.deactivate(strangerId));
    const other = await elsewhere(() => app.startRun(testFab({ files: { "new.py": "" } })));
    const otherToken = await elsewhere(() => app.requestToken(other));
    await elsewhere(() => app.call(app.method.pullAppInputs, { token: otherToken }));
    await elsewhere(() => app.log(other, "text"));
    await elsewhere(() => app.stop(other));

    await elsewhere(() => app.push(runId, asked));
    for (const [id, bytes] of asked.contents) {
      assert(await elsewhere(() => app.pushObject(runId, id, bytes)));
    }
    const delivered = await onFleet(() => node!.pull());
    assertEquals(delivered?.messageId, asked.messageId);
    await node!.fetch(delivered!);
    await onFleet(() => node!.confirm(runId, asked.messageId));
    await onFleet(() => node!.push(reply));
    for (const [id, bytes] of reply.contents) {
      assert(await onFleet(() => node!.pushObject(runId, id, bytes)));
    }
    const { messagesList } = await elsewhere(() => app.pull(runId, [asked.messageId]));
    assertEquals(messagesList.map(({ metadata }) => metadata?.messageId), [reply.messageId]);
    await elsewhere(() => app.confirm(runId, reply.messageId));
    assertEquals(
      await elsewhere(() => app.pull(runId, ["f".repeat(64)])).then((made) =>
        made.messagesList.map(({ error }) => error?.code)
      ),
      [3n],
    );

    disk.fails = () => true;
    assertEquals((await app.call(app.method.sendAppHeartbeat, { token })).success, true);
    assertEquals(await node!.client.heartbeat(node!.nodeId), true);
    assertEquals((await app.call(app.method.getNodes, { runId })).nodes.length, 1);
    assertEquals(await app.statusOf(runId), "running");
    disk.fails = () => false;
    await elsewhere(() =>
      app.call(app.method.pushAppOutputs, { token, runId, context: { runId } })
    );
    await elsewhere(() => app.finish(runId));
    assertEquals(await app.statusOf(runId), "finished:completed");
    await link.logged.untilLogged("state.write-failed");
    assert(link.logged.of("state.write-failed").length <= 3, "not a line for each call");
    assertEquals(link.logged.of("superlink.internal-error"), []);
  });
});

Deno.test("A run ends although what it leaves cannot be deleted, which is made up for", async () => {
  const disk = new FullDisk();
  await onRun({ between: disk.under }, async ({ app, runId, nodes: [node], instruct, link }) => {
    await app.send(runId, instruct(node!, { content: content() }));
    let writes = 0;
    disk.fails = () => writes++ > 0;
    await app.stop(runId);
    assertEquals(await app.statusOf(runId), "finished:stopped");
    assert((await leftoversIn(link.database)).length > 0);
    disk.fails = () => false;
    await assertNothingLeft(link.database);
  });
});

Deno.test("A run that could not be started for want of disk is started later", async () => {
  const disk = new FullDisk();
  const apps = new FakeApps();
  await using link = await startTestSuperLink({
    between: disk.under,
    isolation: "subprocess",
    startApp: apps.start,
  });
  using app = new AppClient(link);
  let writes = 0;
  // The run itself is written.
  disk.fails = () => writes++ > 1;
  const { runId } = await app.control(Control.method.startRun, { fab: { content: testFab() } });
  await link.logged.untilLogged("run.launch-failed");
  disk.fails = () => false;
  await apps.untilStarted(1);
  assertEquals(await app.statusOf(runId!), "starting");
});

Deno.test("Answers that were handed out before the disk failed arrive", async () => {
  const disk = new FullDisk();
  await onRun(
    { between: disk.under, nodeCount: 2 },
    async ({ app, runId, nodes, instruct, link }) => {
      const asked = nodes.map((node) => instruct(node));
      const ids = await app.send(runId, ...asked);
      for (const node of nodes) await node.take();
      await nodes[0]!.reply(replyTo(asked[0]!, link.clock.nowMicros()));
      await nodes[1]!.leave();
      let writes = 0;
      disk.fails = () => writes++ > 0;
      const codes = async () =>
        (await app.pull(runId, ids)).messagesList.map(({ error }) => error?.code ?? "reply");
      assertEquals(await codes(), ["reply"]);
      disk.fails = () => false;
      assertEquals(
        (await app.pull(runId, [ids[1]!])).messagesList.map(({ error }) => error?.code),
        [5n],
      );
    },
  );
});

Deno.test("Of many messages that wait for one object none is handed out twice when the disk fails in between", async () => {
  const disk = new FullDisk();
  await onRun({ between: disk.under, holdMs: 20 }, async ({ app, runId, nodes, instruct }) => {
    const [node] = nodes;
    assert(node);
    const shared = arrays(crypto.getRandomValues(new Uint8Array(40_000)));
    // More than are completed in one commit.
    const asked = Array.from({ length: 150 }, () => instruct(node, { content: shared }));
    const pushed = await app.push(runId, ...asked);
    const contents = new Map(asked.flatMap(({ contents }) => [...contents]));
    const [last = "", ...others] = pushed.objectsToPush.toSorted((a, b) =>
      contents.get(b)!.length - contents.get(a)!.length
    );
    for (const id of others) await app.pushObject(runId, id, contents.get(id)!);
    // Its file and a first commit are written.
    let writes = 0;
    disk.fails = () => writes++ > 1;
    assertEquals(
      (await refusal(app.pushObject(runId, last, contents.get(last)!)))[0],
      "RESOURCE_EXHAUSTED",
    );
    disk.fails = () => false;
    const got: string[] = [];
    const takeAll = async () => {
      for (let next = await node.pull(); next; next = await node.pull()) {
        got.push(next.messageId);
        await node.confirm(runId, next.messageId);
      }
    };
    await takeAll();
    assert(got.length > 0 && got.length < asked.length, `${got.length} were handed out`);
    await app.pushObject(runId, last, contents.get(last)!);
    await takeAll();
    assertEquals(got.toSorted(), asked.map(({ messageId }) => messageId).toSorted());
  });
});

Deno.test("A SuperNode is told to come back when an object's file cannot be read", async () => {
  const broken: { cause: Error | undefined } = { cause: undefined };
  const between = (database: Database): Database => ({
    ...database,
    blobs: {
      put: database.blobs.put.bind(database.blobs),
      get: (space, name) =>
        broken.cause ? Promise.reject(broken.cause) : database.blobs.get(space, name),
      delete: database.blobs.delete.bind(database.blobs),
      deleteSpace: database.blobs.deleteSpace.bind(database.blobs),
      spaces: database.blobs.spaces.bind(database.blobs),
    },
  });
  await onRun({ between }, async ({ app, runId, nodes: [node], instruct, link }) => {
    assert(node);
    await app.send(runId, instruct(node, { content: content() }));
    const delivered = await node.pull();
    assert(delivered);
    broken.cause = new Error("Too many open files (os error 24)");
    assertEquals(await refusal(node.fetch(delivered)), ["UNAVAILABLE", "Internal server error."]);
    await link.logged.untilLogged("superlink.internal-error");
    broken.cause = undefined;
    assertEquals((await node.fetch(delivered)).size > 0, true);
  });
});

/** Repeats a call while the disk is full, as an honest peer may. */
async function persist<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof StatusError) || error.message !== TEXT) throw error;
    }
  }
}

for (const oddsOfFailure of [0.1, 0.5]) {
  Deno.test(`Messages arrive once and whole when ${oddsOfFailure} of all writes fail`, async () => {
    const disk = new FullDisk();
    await onRun({ between: disk.under, holdMs: 20, nodeCount: 3 }, async (stage) => {
      const { app, runId, nodes, instruct, link } = stage;
      disk.fails = () => Math.random() < oddsOfFailure;
      const shared = content();
      const asked = nodes.map((node) => instruct(node, { content: shared }));
      const contents = new Map(asked.flatMap(({ contents }) => [...contents]));
      const pushed = await persist(() => app.push(runId, ...asked));
      await Promise.all(
        pushed.objectsToPush.map((id) =>
          persist(() => app.pushObject(runId, id, contents.get(id)!))
        ),
      );
      const open = new Set(pushed.messageIds);
      const replies = new Set<string>();
      const work = nodes.map(async (node, index) => {
        let delivered = await persist(() => node.pull());
        while (!delivered) delivered = await persist(() => node.pull());
        assertEquals(delivered.messageId, asked[index]!.messageId);
        assertEquals((await node.fetch(delivered)).size, asked[index]!.contents.size);
        await persist(() => node.confirm(runId, delivered!.messageId));
        const reply = replyTo(asked[index]!, link.clock.nowMicros(), shared);
        replies.add(reply.messageId);
        const { objectsToPush } = await persist(() => node.push(reply));
        for (const id of objectsToPush) {
          assert(await persist(() => node.pushObject(runId, id, reply.contents.get(id)!)));
        }
      });
      while (open.size > 0) {
        const { messagesList, messageObjectTrees } = await persist(() =>
          app.pull(runId, [...open])
        );
        for (const [index, { metadata, error }] of messagesList.entries()) {
          assertEquals(error, undefined);
          assert(open.delete(metadata!.replyToMessageId));
          assert(replies.delete(metadata!.messageId));
          const id = messageObjectTrees[index]!.objectId;
          assert((await app.pullObject(runId, id)).objectAvailable);
          await persist(() => app.confirm(runId, id));
        }
      }
      await Promise.all(work);
      disk.fails = () => false;
      assertEquals(replies.size, 0);
    });
  });
}
