import { assertEquals, assertRejects } from "@std/assert";
import { findConnection } from "./target.ts";
import type { StreamLogsRequest } from "../proto/gen/flwr/proto/control_pb.ts";
import { StatusError } from "../wire/status.ts";
import { followLog, type FollowOptions, type LogSource, readLog } from "./log_stream.ts";
import { controlScene } from "./testing/control_server.ts";
import { ExitError } from "../terminal/errors.ts";

type Piece = readonly [text: string, timestamp: number] | StatusError | "hold";

/** A SuperLink whose n-th log stream yields the n-th list of pieces. */
async function logScene(streams: readonly (readonly Piece[])[]) {
  const asked: number[] = [];
  const scene = await controlScene({
    async *streamLogs({ afterTimestamp }: StreamLogsRequest, { signal }) {
      const pieces = streams[asked.length] ?? [];
      asked.push(afterTimestamp);
      for (const piece of pieces) {
        if (piece instanceof StatusError) throw piece;
        if (piece === "hold") {
          await new Promise((done) => signal.addEventListener("abort", done, { once: true }));
        } else yield { logOutput: piece[0], latestTimestamp: piece[1] };
      }
    },
  });
  const context = { workingDirectory: scene.app, home: scene.app };
  const source: LogSource = {
    connection: await findConnection([scene.app, "fed"], context),
    runId: 7n,
  };
  return { scene, asked, source };
}

function recorder(signal = new AbortController().signal) {
  let text = "";
  const said: string[] = [];
  const options: FollowOptions = {
    write: (piece) => void (text += piece),
    say: (line) => void said.push(line),
    signal,
    firstPauseMs: 1,
    retries: 2,
  };
  return { options, text: () => text, said };
}

Deno.test("followLog ends when the run is finished", async () => {
  const { scene, asked, source } = await logScene([[["a\n", 1], ["b\n", 2]]]);
  await using _ = scene;
  const { options, text } = recorder();
  assertEquals(await followLog(source, options), true);
  assertEquals([text(), asked], ["a\nb\n", [0]]);
});

Deno.test("followLog goes on after a time limit and a lost connection, from where it was", async () => {
  const { scene, asked, source } = await logScene([
    [["a\n", 1.5], new StatusError("DEADLINE_EXCEEDED", "")],
    [["b\n", 2.5], new StatusError("UNAVAILABLE", "")],
    [new StatusError("UNAVAILABLE", "")],
    [["c\n", 3]],
  ]);
  await using _ = scene;
  const { options, text, said } = recorder();
  assertEquals(await followLog(source, options), true);
  assertEquals([text(), asked, said.length], ["a\nb\nc\n", [0, 1.5, 2.5, 2.5], 1]);
});

Deno.test("followLog gives up when a connection stays away, or never was there", async () => {
  const gone = [new StatusError("UNAVAILABLE", "gone")];
  const { scene, asked, source } = await logScene([[["a\n", 1], ...gone], gone, gone, gone]);
  await using _ = scene;
  await assertRejects(() => followLog(source, recorder().options), ExitError, "not available");
  assertEquals(asked.length, 3);
  const never = await logScene([gone, gone]);
  await using __ = never.scene;
  await assertRejects(() => followLog(never.source, recorder().options), ExitError);
  assertEquals(never.asked.length, 1);
});

Deno.test("followLog gives the SuperLink's refusal at once", async () => {
  const { scene, source } = await logScene([[new StatusError("NOT_FOUND", "Run ID not found")]]);
  await using _ = scene;
  await assertRejects(
    () => followLog(source, recorder().options),
    ExitError,
    "no run with this ID",
  );
});

Deno.test("followLog leaves when it is told to, and says that the run is not finished", async () => {
  const { scene, source } = await logScene([[["a\n", 1], "hold"]]);
  await using _ = scene;
  const leave = new AbortController();
  const { options, text } = recorder(leave.signal);
  const following = followLog(source, {
    ...options,
    write(piece) {
      options.write(piece);
      leave.abort();
    },
  });
  assertEquals(await following, false);
  assertEquals(text(), "a\n");
});

Deno.test("readLog ends when there is nothing more, whether or not the run goes on", async () => {
  const { scene, source } = await logScene([[["a\n", 1], ["b\n", 2], "hold"], ["hold"], []]);
  await using _ = scene;
  const limits = { quietMs: 20, timeoutMs: 200 };
  for (const expected of ["a\nb\n", "", ""]) {
    let text = "";
    await readLog(source, (piece) => void (text += piece), limits);
    assertEquals(text, expected);
  }
});
