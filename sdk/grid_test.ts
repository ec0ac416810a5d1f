import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  ArrayRecord,
  ClientApp,
  ErrorCode,
  type Grid,
  type Message,
  ndArray,
  RecordDict,
} from "./mod.ts";
import { jumpingClock, LocalFederation } from "./testing/local_federation.ts";

const echo = new ClientApp().query(({ content }) => content);

async function instructions(grid: Grid, content = new RecordDict()): Promise<Message[]> {
  const nodeIds = await grid.getNodeIds();
  return nodeIds.map((dstNodeId) =>
    grid.createMessage({ dstNodeId, messageType: "query", content })
  );
}

Deno.test("sendAndReceive() gives each node's reply, and tells how far it is", async () => {
  const federation = new LocalFederation();
  federation.addNodes(3, echo);
  const grid = federation.grid();
  const content = new RecordDict({
    arrays: ArrayRecord.fromNdArrays([["a", ndArray(new Float32Array([1, 2, 3]))]]),
  });
  const progress: string[] = [];
  const replies = await grid.sendAndReceive(await instructions(grid, content), {
    onProgress: ({ received, expected }) => progress.push(`${received}/${expected}`),
  });
  assertEquals(replies.map(({ metadata }) => metadata.srcNodeId), [2n, 3n, 4n]);
  for (const reply of replies) {
    assertEquals(reply.content?.arrayRecords().get("arrays"), content.get("arrays"));
    assertEquals(reply.metadata.dstNodeId, 1n);
  }
  assertEquals(progress, ["1/3", "2/3", "3/3"]);
});

Deno.test("objects that messages share are pushed once, and pulled once", async () => {
  const federation = new LocalFederation();
  federation.addNodes(10, echo);
  const grid = federation.grid();
  const content = new RecordDict({
    arrays: ArrayRecord.fromNdArrays([["a", ndArray(new Float32Array(3))]]),
  });
  await grid.sendAndReceive(await instructions(grid, content));
  const count = (name: string) => federation.calls.filter((call) => call === name).length;
  // Ten messages, and one each of RecordDict, ArrayRecord, Array and chunk.
  assertEquals(count("pushObject"), 14);
  assertEquals(count("pullObject"), 14);
  assertEquals(count("confirmMessage"), 10);
});

Deno.test("two messages that are made at once have two ids", async () => {
  const federation = new LocalFederation();
  federation.addNodes(1, echo);
  const grid = federation.grid();
  const [first] = await instructions(grid);
  const [second] = await instructions(grid);
  const messageIds = await grid.pushMessages([first!, second!]);
  assertEquals(new Set(messageIds).size, 2);
});

Deno.test("a message for a node that the run does not have is answered with an error", async () => {
  const federation = new LocalFederation();
  federation.addNodes(1, echo);
  const grid = federation.grid();
  const [reply] = await grid.sendAndReceive([
    grid.createMessage({ dstNodeId: 99n, messageType: "query", content: new RecordDict() }),
  ]);
  assertEquals(reply?.error, {
    code: ErrorCode.MESSAGE_UNAVAILABLE,
    reason: "The run has no node 99.",
  });
});

Deno.test("sendAndReceive() gives what has come when the time is up", async () => {
  const federation = new LocalFederation();
  federation.addNodes(2, echo);
  federation.silentNodes.add(3n);
  const clock = jumpingClock();
  const grid = federation.grid(clock);
  const startMs = clock.nowMs();
  const replies = await grid.sendAndReceive(await instructions(grid), { timeoutSeconds: 10 });
  assertEquals(replies.map(({ metadata }) => metadata.srcNodeId), [2n]);
  assertEquals(clock.nowMs() - startMs, 10_000);
});

Deno.test("a SuperLink that answers at once is asked less and less often", async () => {
  const federation = new LocalFederation();
  federation.addNodes(1, echo);
  federation.silentNodes.add(2n);
  const clock = jumpingClock();
  const pauses: number[] = [];
  const grid = federation.grid({
    nowMs: clock.nowMs,
    sleep: (ms) => {
      pauses.push(ms);
      return clock.sleep(ms);
    },
  });
  await grid.sendAndReceive(await instructions(grid), { timeoutSeconds: 15 });
  assertEquals(pauses.slice(0, 8), [50, 100, 200, 400, 800, 1600, 3000, 3000]);
});

Deno.test("a reply whose objects are lost is an error, and the others arrive", async () => {
  const federation = new LocalFederation();
  federation.addNodes(2, echo);
  federation.losingNodes.add(2n);
  const grid = federation.grid();
  const replies = await grid.sendAndReceive(await instructions(grid));
  assertEquals(replies.map(({ error }) => error?.code), [ErrorCode.MESSAGE_UNAVAILABLE, undefined]);
  assertStringIncludes(replies[0]?.error?.reason ?? "", "could not be pulled");
});

Deno.test("nothing is asked of the SuperLink for no messages", async () => {
  const federation = new LocalFederation();
  const grid = federation.grid();
  assertEquals(await grid.sendAndReceive([]), []);
  assertEquals(await grid.pushMessages([]), []);
  assertEquals(await grid.pullMessages([]), []);
  assertEquals(federation.calls, []);
});
