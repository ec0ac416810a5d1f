import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async";
import { Control } from "../../proto/gen/flwr/proto/control_pb.ts";
import { StatusError } from "../status.ts";
import { Moment, onStage, refusal, untilAborted } from "../testing/grpc_stage.ts";

Deno.test("GrpcServer streams answers in order, and no faster than the peer reads", () => {
  const COUNT = 2_000;
  // All together far more than is sent ahead.
  const logOutput = "x".repeat(8 * 1024);
  let produced = 0;
  return onStage({
    control: {
      async *streamLogs() {
        for (; produced < COUNT; produced++) {
          yield { logOutput, latestTimestamp: produced };
          await Promise.resolve();
        }
      },
    },
  }, async ({ channel }) => {
    let expected = 0;
    for await (const { latestTimestamp } of channel.serverStream(Control.method.streamLogs, {})) {
      assertEquals(latestTimestamp, expected++);
      if (expected !== 1) continue;
      await delay(200);
      assert(produced < COUNT, "all was produced while nothing was read");
    }
    assertEquals(expected, COUNT);
  });
});

Deno.test("GrpcServer ends a stream with the refusal of its method", () =>
  onStage({
    control: {
      async *streamLogs() {
        yield { logOutput: "one" };
        await Promise.resolve();
        throw new StatusError("NOT_FOUND", "Run ID not found");
      },
    },
  }, async ({ channel }) => {
    const read: string[] = [];
    const reading = (async () => {
      for await (const { logOutput } of channel.serverStream(Control.method.streamLogs, {})) {
        read.push(logOutput);
      }
    })();
    assertEquals(await refusal(reading), ["NOT_FOUND", "Run ID not found"]);
    assertEquals(read, ["one"]);
  }));

Deno.test("GrpcServer aborts a stream's signal when the peer leaves it", () => {
  const aborted = new Moment();
  return onStage({
    control: {
      async *streamLogs(_, { signal }) {
        yield { logOutput: "one" };
        await untilAborted(signal);
        aborted.come();
      },
    },
  }, async ({ channel }) => {
    for await (const _ of channel.serverStream(Control.method.streamLogs, {})) break;
    await aborted.comes;
  });
});
