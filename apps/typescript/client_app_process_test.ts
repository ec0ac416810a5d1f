import { assertEquals, assertRejects } from "@std/assert";
import { createInstruction } from "../../records/message.ts";
import {
  ArrayRecord,
  arraysOf,
  ErrorCode,
  float32Of,
  MetricRecord,
  ndArray,
  ndArrayOf,
  RecordDict,
} from "../../sdk/mod.ts";
import { ExitError } from "../../terminal/errors.ts";
import { appApi } from "./app_channel.ts";
import { NO_PERMISSIONS } from "./app_permissions.ts";
import { ClientAppProcess } from "./client_app_process.ts";
import { fabOf } from "./testing/app_source.ts";
import { FakeClientAppIo, type FakeMessage, NODE_ID } from "./testing/fake_client_app_io.ts";
import { TOKEN } from "./testing/fake_server_app_io.ts";

interface Play extends Partial<Pick<FakeMessage, "state" | "lateTimes" | "fab">> {
  /** Gives the app. */
  readonly app?: string;
  readonly content?: RecordDict;
  readonly token?: string;
  readonly signal?: AbortSignal;
  readonly prepare?: (supernode: FakeClientAppIo) => void;
}

const arrays = ArrayRecord.fromNdArrays([["w", ndArray(new Float32Array([1, 2, 3]))]]);

/** Runs a ClientApp's process for a `train` message, and gives what the SuperNode saw of it. */
async function play(options: Play) {
  const { app = "return new ClientApp();", content = new RecordDict({ arrays }) } = options;
  const { token = TOKEN, signal = new AbortController().signal, prepare } = options;
  const instruction = createInstruction({
    runId: 7n,
    dstNodeId: NODE_ID,
    messageType: "train",
    content,
    nowSeconds: Date.now() / 1000,
  });
  const fab = options.fab ?? await fabOf({ clientapp: app });
  await using supernode = await FakeClientAppIo.start({ ...options, fab, instruction });
  prepare?.(supernode);
  const flwrDirectory = await Deno.makeTempDir();
  try {
    using process = new ClientAppProcess({
      api: await appApi(supernode.address),
      flwrDirectory,
      permissions: NO_PERMISSIONS,
      show: () => {},
      signal,
    });
    const exitCode = await process.run(token);
    return { exitCode, supernode, reply: supernode.reply };
  } finally {
    await Deno.remove(flwrDirectory, { recursive: true });
  }
}

const echo = "return new ClientApp().train(({ content }) => content);";

Deno.test("a ClientApp's process answers its message, then stores the context", async () => {
  const { exitCode, supernode, reply } = await play({ app: echo });
  assertEquals(exitCode, 0);
  assertEquals(reply?.content?.get("arrays"), arrays);
  assertEquals(reply?.metadata.srcNodeId, NODE_ID);
  assertEquals([reply?.metadata.dstNodeId, reply?.metadata.messageType], [1n, "train"]);
  assertEquals(supernode.calls, [
    "pullClientAppInputs",
    "pullMessage",
    "pullObject",
    "confirm true",
    "pushMessage",
    "pushObject",
    "pushClientAppOutputs",
  ]);
});

Deno.test("a ClientApp finds its state again, and leaves it for the next message", async () => {
  const { supernode } = await play({
    app: `return new ClientApp().train((message, { state, nodeConfig, runConfig }) => {
      const fits = state.get("fits").get("n");
      state.set("fits", new MetricRecord({ n: fits + nodeConfig.get("partition-id") }));
      return new RecordDict({ metrics: new MetricRecord({ lr: runConfig.get("lr") }) });
    });`,
    state: { fits: new MetricRecord({ n: 41n }) },
  });
  const [item] = supernode.outputs?.state?.items ?? [];
  assertEquals(item?.value.case === "metricRecord" && item.value.value.items[0]?.value?.value, {
    case: "sint64",
    value: 42n,
  });
});

Deno.test("a ClientApp waits for objects that are not there yet", async () => {
  const { reply } = await play({ app: echo, lateTimes: 2 });
  assertEquals(reply?.content?.get("arrays"), arrays);
});

Deno.test("large arrays go through a ClientApp's process unharmed", async () => {
  const data = new Float32Array(4_000_000).map((_, index) => Math.cos(index));
  const content = new RecordDict({
    arrays: ArrayRecord.fromNdArrays([["w", ndArray(data, [2000, 2000])]]),
  });
  const { reply } = await play({ app: echo, content });
  const back = arraysOf(reply?.content ?? new RecordDict());
  assertEquals(ndArrayOf(back, "w").shape, [2000, 2000]);
  assertEquals(float32Of(back, "w").every((value, index) => value === data[index]), true);
});

const LOAD_REASON = "An exception was raised when attempting to load `ClientApp`";

/** What is wrong, and the error reply: code and text as those of Flower 1.25. */
const errors: [string, Play, bigint, string][] = [
  [
    "throws",
    { app: 'return new ClientApp().train(() => { throw new RangeError("boom"); });' },
    ErrorCode.CLIENT_APP_RAISED_EXCEPTION,
    "<class 'RangeError'>:<'boom'>",
  ],
  [
    "has no handler",
    { app: "return new ClientApp().evaluate(({ content }) => content);" },
    ErrorCode.CLIENT_APP_RAISED_EXCEPTION,
    "<class 'NoHandlerError'>:<'No train function registered with name 'default''>",
  ],
  [
    "throws in its import",
    { app: 'throw new Error("no licence");' },
    ErrorCode.CLIENT_APP_RAISED_EXCEPTION,
    "<class 'Error'>:<'no licence'>",
  ],
  [
    "gives something else than records",
    { app: "return new ClientApp().train(() => 5);" },
    ErrorCode.CLIENT_APP_RAISED_EXCEPTION,
    "<class 'TypeError'>:<'The handler of 'train.default' gave no RecordDict.'>",
  ],
  [
    "is no ClientApp",
    { app: "return new ServerApp(() => {});" },
    ErrorCode.LOAD_CLIENT_APP_EXCEPTION,
    LOAD_REASON,
  ],
  [
    "is not in the FAB",
    { fab: await fabOf({ serverapp: "return undefined;" }) },
    ErrorCode.LOAD_CLIENT_APP_EXCEPTION,
    LOAD_REASON,
  ],
  [
    "comes in a FAB that is no zip",
    { fab: new Uint8Array(9) },
    ErrorCode.CLIENT_APP_RAISED_EXCEPTION,
    "<class 'FabError'>:<'The FAB is not a zip file.'>",
  ],
];

for (const [what, options, code, reason] of errors) {
  Deno.test(`a ClientApp that ${what} is an error reply`, async () => {
    const { exitCode, reply, supernode } = await play(options);
    assertEquals([reply?.error?.code, reply?.error?.reason], [code, reason]);
    assertEquals(reply?.metadata.srcNodeId, NODE_ID);
    assertEquals([exitCode, supernode.outputs?.nodeId], [0, NODE_ID]);
  });
}

Deno.test("a process with a wrong token is told so", async () => {
  await assertRejects(
    () => play({ token: "00".repeat(32) }),
    ExitError,
    "The SuperNode refuses the ClientApp: Invalid token.",
  );
});

Deno.test("a ClientApp that never returns ends when its heartbeat is refused", async () => {
  await assertRejects(
    () =>
      play({
        app: "return new ClientApp().train(() => { for (;;) {} });",
        prepare: (supernode) => supernode.heartbeats = false,
      }),
    ExitError,
    "was ended: its token is not accepted",
  );
});

Deno.test("a ClientApp's process ends when it is told to", async () => {
  const stop = new AbortController();
  await assertRejects(
    () =>
      play({
        app: "return new ClientApp().train(() => { for (;;) {} });",
        signal: stop.signal,
        prepare: (supernode) => {
          supernode.noted = (call) => {
            if (call === "confirm true") stop.abort("SIGTERM");
          };
        },
      }),
    ExitError,
    "was ended: SIGTERM",
  );
});
