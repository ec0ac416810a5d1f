import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { UserConfigValue } from "../../config/user_config.ts";
import {
  ArrayRecord,
  arraysOf,
  ClientApp,
  float32Of,
  MetricRecord,
  ndArray,
  RecordDict,
} from "../../sdk/mod.ts";
import { ExitError } from "../../terminal/errors.ts";
import { appApi } from "./app_channel.ts";
import { NO_PERMISSIONS } from "./app_permissions.ts";
import { runServerAppProcess } from "./server_app_process.ts";
import { fabOf } from "./testing/app_source.ts";
import { FakeServerAppIo, TOKEN } from "./testing/fake_server_app_io.ts";

interface Play {
  /** The body of the main function; without it, the app has no ServerApp in TypeScript. */
  readonly main?: string;
  readonly config?: string;
  readonly overrides?: Record<string, UserConfigValue>;
  readonly token?: string;
  readonly signal?: AbortSignal;
  /** Before the process starts. */
  readonly prepare?: (superlink: FakeServerAppIo) => void;
  /** While it runs. */
  readonly meanwhile?: (superlink: FakeServerAppIo) => Promise<void>;
}

/** Runs a ServerApp whose main function has this body, and gives what the SuperLink saw of it. */
async function play(
  { main, config, overrides = {}, token = TOKEN, signal, prepare, meanwhile }: Play,
) {
  const fab = await fabOf(
    main === undefined
      ? { clientapp: "return new ClientApp();" }
      : { serverapp: `return new ServerApp(async (grid, context) => {\n${main}\n});` },
    config,
  );
  await using superlink = await FakeServerAppIo.start({ fab, overrides });
  prepare?.(superlink);
  const flwrDirectory = await Deno.makeTempDir();
  let shown = "";
  try {
    const running = runServerAppProcess({
      api: await appApi(superlink.address),
      flwrDirectory,
      permissions: NO_PERMISSIONS,
      show: (_stream, text) => shown += text,
      signal: signal ?? new AbortController().signal,
    }, token);
    const [exitCode] = await Promise.all([running, meanwhile?.(superlink)]);
    return { exitCode, superlink, shown, status: superlink.statuses.at(-1) };
  } finally {
    await Deno.remove(flwrDirectory, { recursive: true });
  }
}

Deno.test("a ServerApp's process logs, gives up its token, and only then ends its run", async () => {
  const { exitCode, superlink, shown, status } = await play({
    main: `console.log("rounds", context.runConfig.get("rounds"), context.runConfig.get("lr"));
           context.state.set("note", new MetricRecord({ n: 1n }));`,
    config: "rounds = 3\nlr = 0.1",
    overrides: { rounds: 5n },
  });
  assertEquals(exitCode, 0);
  assertEquals([status?.status, status?.subStatus, status?.details], ["finished", "completed", ""]);
  assertEquals(superlink.log, "rounds 5n 0.1\n");
  assertEquals(shown, superlink.log);
  const calls = superlink.calls.filter((call) => call !== "pushLogs");
  assertEquals(calls, ["pullAppInputs", "pushAppOutputs", "updateRunStatus"]);
  assertEquals(superlink.outputs?.state?.items.map(({ key }) => key), ["note"]);
});

Deno.test("a ServerApp trains nodes through its process", async () => {
  const { exitCode, superlink } = await play({
    main:
      `const initialArrays = ArrayRecord.fromNdArrays([["w", sdk.ndArray(new Float32Array(1))]]);
           const result = await new FedAvg().start({ grid, initialArrays, numRounds: 2 });
           console.log("WEIGHT", sdk.float32Of(result.arrays, "w")[0]);`,
    prepare: ({ federation }) => federation.addNodes(2, increment),
  });
  assertEquals(exitCode, 0);
  assertStringIncludes(superlink.log, "WEIGHT 2\n");
});

/** Adds one to the weight. */
const increment = new ClientApp()
  .train(({ content }) => {
    const weights = float32Of(arraysOf(content), "w").map((weight) => weight + 1);
    return new RecordDict({
      arrays: ArrayRecord.fromNdArrays([["w", ndArray(weights)]]),
      metrics: new MetricRecord({ "num-examples": 1n }),
    });
  })
  .evaluate(() => new RecordDict({ metrics: new MetricRecord({ "num-examples": 1n }) }));

for (const takesConfirmations of [true, false]) {
  const how = takesConfirmations ? "with its next pull" : "with calls";
  Deno.test(`a ServerApp's process confirms replies ${how} where the SuperLink has it so`, async () => {
    const { superlink } = await play({
      main: `const [dstNodeId] = await grid.getNodeIds();
             for (const n of [1n, 2n]) {
               const content = new RecordDict({ config: new sdk.ConfigRecord({ n }) });
               const message = grid.createMessage({ dstNodeId, messageType: "query", content });
               const [reply] = await grid.sendAndReceive([message]);
               console.log(reply.metadata.messageId);
             }`,
      prepare: (superlink) => {
        superlink.takesConfirmations = takesConfirmations;
        superlink.federation.addNodes(1, new ClientApp().query(({ content }) => content));
      },
    });
    const [first] = superlink.log.split("\n");
    const calls = superlink.federation.calls.filter((call) => call === "confirmMessage");
    assertEquals(superlink.confirmedIds, takesConfirmations ? [first] : []);
    assertEquals(calls.length, takesConfirmations ? 0 : 2);
  });
}

Deno.test("large arrays go through a ServerApp's process unharmed, in both directions", async () => {
  const { superlink, exitCode } = await play({
    main: `const data = new Float64Array(3_000_000).map((_, i) => Math.sin(i));
           const content = new RecordDict({ arrays: ArrayRecord.fromNdArrays([["a", sdk.ndArray(data)]]) });
           const [dstNodeId] = await grid.getNodeIds();
           const message = grid.createMessage({ dstNodeId, messageType: "query", content });
           const [reply] = await grid.sendAndReceive([message]);
           const back = sdk.float64Of(sdk.arraysOf(reply.content), "a");
           console.log("SAME", back.length, back.every((value, i) => value === data[i]));`,
    prepare: ({ federation }) =>
      federation.addNodes(1, new ClientApp().query(({ content }) => content)),
  });
  assertEquals([exitCode, superlink.log], [0, "SAME 3000000 true\n"]);
});

Deno.test("what a ServerApp throws is its run's end, in the log and in the status", async () => {
  const { exitCode, superlink, status } = await play({ main: 'throw new Error("no model");' });
  assertEquals(exitCode, 1);
  assertEquals([status?.subStatus, status?.details], ["failed", "no model"]);
  assertStringIncludes(superlink.log, "Error: no model\n    at ");
  // Otherwise a SuperLink of Flower 1.25 writes over the reason when the token expires.
  const order = ["pushAppOutputs", "updateRunStatus"].map((call) => superlink.calls.indexOf(call));
  assert(order[0]! >= 0 && order[0]! < order[1]!);
});

const reasons: [string, Play, string][] = [
  ["an error of another kind", { main: "null.x" }, "TypeError: Cannot read properties of null"],
  ["a FAB without a ServerApp in TypeScript", {}, 'The FAB has no "bundle/serverapp.js"'],
  ["an override of what the app does not have", { main: "", overrides: { lr: 1 } }, '"lr"'],
];

for (const [what, options, text] of reasons) {
  Deno.test(`a run fails with the reason: ${what}`, async () => {
    const { exitCode, status } = await play(options);
    assertEquals([exitCode, status?.subStatus], [1, "failed"]);
    assertStringIncludes(status?.details ?? "", text);
  });
}

Deno.test("a ServerApp whose run was stopped ends quietly at its next call", async () => {
  const { exitCode, superlink, status, shown } = await play({
    main: `console.log("READY");
           for (;;) {
             await grid.getNodeIds().catch(() => {});
             await new Promise((resolve) => setTimeout(resolve, 10));
           }`,
    meanwhile: async (superlink) => {
      await superlink.untilLogged("READY");
      superlink.stopped = true;
    },
  });
  assertEquals([exitCode, status, superlink.outputs], [0, undefined, undefined]);
  assertStringIncludes(shown, "stopped.");
  assertStringIncludes(superlink.log, "stopped.");
});

Deno.test("a ServerApp ends when its heartbeat is refused, whatever it does", async () => {
  const { exitCode, status } = await play({
    main: "for (;;) {}",
    prepare: (superlink) => superlink.heartbeats = false,
  });
  assertEquals([exitCode, status], [0, undefined]);
});

Deno.test("a ServerApp that is told to end says so in its run's status", async () => {
  const stop = new AbortController();
  const { exitCode, status, superlink } = await play({
    main: `console.log("READY"); await new Promise(() => {});`,
    signal: stop.signal,
    meanwhile: async (superlink) => {
      await superlink.untilLogged("READY");
      stop.abort("SIGTERM");
    },
  });
  assertEquals([exitCode, status?.subStatus], [1, "failed"]);
  assertEquals(status?.details, "The ServerApp process was ended: SIGTERM.");
  assertEquals(superlink.log, "READY\n");
});

Deno.test("a process with a wrong token is told so", async () => {
  await assertRejects(
    () => play({ main: "", token: "00".repeat(32) }),
    ExitError,
    "does not let the ServerApp start: Invalid token.",
  );
});
