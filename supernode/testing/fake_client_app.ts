import type { AppLaunch, AppProcess } from "../../apps/app_process.ts";
import { ClientAppIo } from "../../proto/gen/flwr/proto/clientappio_pb.ts";
import { postOrder } from "../../records/object_tree.ts";
import { GrpcChannel } from "../../wire/grpc/client.ts";
import { readInstruction } from "../work/instruction.ts";
import { makeReply, NODE_ID } from "./messages.ts";

/** What a fake ClientApp does instead of answering. */
export type Misdeed = "none" | "dies" | "hangs";

/**
 * Starts a ClientApp inside this process, which makes the calls that `flwr-clientapp` 1.25 makes. It
 * counts the messages of its run in its context, and answers with the count.
 */
export function startFakeClientApp(
  { apiAddress, token }: AppLaunch,
  misdeed: Misdeed = "none",
  onHang: () => void = () => {},
): AppProcess {
  const { promise: exited, resolve } = Promise.withResolvers<Deno.CommandStatus>();
  const channel = new GrpcChannel(apiAddress, { insecure: true });
  const end = (code: number, signal: Deno.Signal | null) => {
    channel.close();
    resolve({ success: code === 0, code, signal });
  };
  answer(channel, token, misdeed).then(
    () => misdeed === "hangs" ? onHang() : end(misdeed === "dies" ? 137 : 0, null),
    () => end(1, null),
  );
  return {
    pid: 0,
    exited,
    async stop() {
      end(143, "SIGTERM");
      await exited;
    },
  };
}

async function answer(channel: GrpcChannel, token: string, misdeed: Misdeed): Promise<void> {
  const { method } = ClientAppIo;
  await channel.unary(method.sendAppHeartbeat, { token });
  const { context, run } = await channel.unary(method.pullClientAppInputs, { token });
  const runId = run?.runId ?? 0n;
  const node = { nodeId: context?.nodeId ?? 0n };
  const pulled = await channel.unary(method.pullMessage, { token });
  const instruction = readInstruction(pulled, NODE_ID)!;
  for (const { objectId } of postOrder(instruction.tree)) {
    const { objectAvailable } = await channel.unary(method.pullObject, { node, runId, objectId });
    if (!objectAvailable) throw new Error(`There is no object ${objectId}.`);
  }
  const { messageId } = instruction.metadata;
  await channel.unary(method.confirmMessageReceived, { node, runId, messageObjectId: messageId });
  if (misdeed !== "none") return;
  const count = (context?.seriesId ?? 0n) + 1n;
  const reply = makeReply(instruction, count);
  const { objectsToPush } = await channel.unary(method.pushMessage, {
    token,
    messagesList: [reply.message],
    messageObjectTrees: [reply.tree],
  });
  for (const objectId of objectsToPush) {
    const objectContent = reply.contents.get(objectId)!;
    await channel.unary(method.pushObject, { node, runId, objectId, objectContent });
  }
  await channel.unary(method.pushClientAppOutputs, {
    token,
    context: { ...context!, seriesId: count },
  });
}
