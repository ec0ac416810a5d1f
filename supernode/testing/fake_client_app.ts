import type { AppLaunch, AppProcess } from "../../apps/app_process.ts";
import { postOrder } from "../../records/object_tree.ts";
import { readInstruction } from "../work/instruction.ts";
import { type ClientAppCalls, clientAppCalls, type Generation } from "./client_app_calls.ts";
import { makeReply, NODE_ID } from "./messages.ts";

/** What a fake ClientApp does instead of answering. */
export type Misdeed = "none" | "dies" | "hangs";

/** How a fake ClientApp behaves. */
export interface FakeClientAppOptions {
  readonly misdeed?: Misdeed | undefined;
  readonly onHang?: () => void;
  /** Whose calls it makes. */
  readonly generation?: Generation;
}

/**
 * Starts a ClientApp inside this process, which makes the calls that `flwr-clientapp` makes. It counts
 * the messages of its run in its context, and answers with the count.
 */
export function startFakeClientApp(
  launch: AppLaunch,
  { misdeed = "none", onHang = () => {}, generation = "1.25" }: FakeClientAppOptions = {},
): AppProcess {
  const { promise: exited, resolve } = Promise.withResolvers<Deno.CommandStatus>();
  const calls = clientAppCalls(generation, launch);
  const end = (code: number, signal: Deno.Signal | null) => {
    calls.close();
    resolve({ success: code === 0, code, signal });
  };
  answer(calls, misdeed).then(
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

async function answer(calls: ClientAppCalls, misdeed: Misdeed): Promise<void> {
  await calls.heartbeat();
  const { context, run } = await calls.pullInputs();
  const runId = run?.runId ?? 0n;
  const instruction = readInstruction(await calls.pullMessage(), NODE_ID)!;
  for (const { objectId } of postOrder(instruction.tree)) {
    const { objectAvailable } = await calls.pullObject({ runId, objectId });
    if (!objectAvailable) throw new Error(`There is no object ${objectId}.`);
  }
  await calls.confirm({ runId, objectId: instruction.metadata.messageId });
  if (misdeed !== "none") return;
  const count = (context?.seriesId ?? 0n) + 1n;
  const reply = makeReply(instruction, count);
  const { objectsToPush } = await calls.pushMessage(reply.message, reply.tree);
  for (const objectId of objectsToPush) {
    const { stored } = await calls.pushObject({ runId, objectId }, reply.contents.get(objectId)!);
    if (!stored) throw new Error(`The object ${objectId} was not taken.`);
  }
  await calls.pushOutputs({ ...context!, seriesId: count });
}
