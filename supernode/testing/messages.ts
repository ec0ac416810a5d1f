import { zipSync } from "fflate";
import { create } from "@bufbuild/protobuf";
import { PullMessagesResponseSchema } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { type Deflated, deflateMessage } from "../../records/deflate.ts";
import { createInstruction, pushedMessage } from "../../records/message.ts";
import { MetricRecord } from "../../records/metric_record.ts";
import { RecordDict } from "../../records/record_dict.ts";
import { createReply } from "../../records/reply.ts";
import { type Instruction, readInstruction } from "../work/instruction.ts";

export const NODE_ID = 7n;
export const RUN_ID = 2n ** 63n + 5n;
/** When the tests' messages are made, in seconds since the epoch. */
export const NOW_S = 1_800_000_000;

/** An instruction, and the contents of its objects by id. */
export interface TestInstruction {
  readonly instruction: Instruction;
  readonly contents: ReadonlyMap<string, Uint8Array>;
}

/** An instruction to node 7; another `value` makes it another one, of other objects. */
export function makeInstruction(
  value = 1n,
  runId = RUN_ID,
  messageType: "train" | "evaluate" = "train",
): TestInstruction {
  const message = createInstruction({
    runId,
    dstNodeId: NODE_ID,
    messageType,
    content: new RecordDict({ metrics: new MetricRecord({ value }) }),
    nowSeconds: NOW_S,
  });
  const deflated = deflateMessage(message);
  const instruction = readInstruction(
    create(PullMessagesResponseSchema, {
      messagesList: [pushedMessage(message, deflated.objectId)],
      messageObjectTrees: [deflated.tree],
    }),
    NODE_ID,
  );
  return { instruction: instruction!, contents: contentsOf(deflated) };
}

/** A ClientApp's answer to an instruction. */
export function makeReply({ metadata }: Instruction, value = 2n) {
  const content = new RecordDict({ metrics: new MetricRecord({ value }) });
  const message = createReply(metadata, content, { nowSeconds: NOW_S + 1 });
  const deflated = deflateMessage(message);
  return {
    message: pushedMessage(message, deflated.objectId),
    tree: deflated.tree,
    contents: contentsOf(deflated),
  };
}

function contentsOf({ objects }: Deflated): Map<string, Uint8Array> {
  return new Map(objects.map((object) => [object.objectId, object.content()]));
}

/** A FAB of an app with these lines in `[tool.flwr.app.config]`. */
export function makeFab(configLines: readonly string[] = ["lr = 0.5", "epochs = 3"]): Uint8Array {
  const toml = [
    "[project]",
    'name = "demo"',
    'version = "1.0.0"',
    "[tool.flwr.app]",
    'publisher = "acme"',
    "[tool.flwr.app.components]",
    'serverapp = "demo.server:app"',
    'clientapp = "demo.client:app"',
    "[tool.flwr.app.config]",
    ...configLines,
  ].join("\n");
  return zipSync({
    "pyproject.toml": new TextEncoder().encode(toml),
    ".info/CONTENT": new Uint8Array(),
  });
}
