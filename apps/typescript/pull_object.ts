import type { DescMethodUnary } from "@bufbuild/protobuf";
import type {
  PullObjectRequestSchema,
  PullObjectResponseSchema,
} from "../../proto/gen/flwr/proto/message_pb.ts";
import type { AppCalls } from "./app_calls.ts";
import { pause } from "./pause.ts";

/** `PullObject` of ServerAppIo or ClientAppIo. */
export type PullObjectMethod = DescMethodUnary<
  typeof PullObjectRequestSchema,
  typeof PullObjectResponseSchema
>;

/** An object of a run, as the node that asks for it names it. */
export interface ObjectName {
  readonly nodeId: bigint;
  readonly runId: bigint;
  readonly objectId: string;
}

const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 5_000;
/** As long as Flower 1.25 tries. */
const MAX_WAIT_MS = 7_200_000;

/**
 * Pulls an object, and waits for it while it has been announced but is not there yet. Gives
 * `undefined` when the other side does not know it, or does not get it within two hours.
 */
export async function pullObject(
  calls: AppCalls,
  method: PullObjectMethod,
  { nodeId, runId, objectId }: ObjectName,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const deadlineMs = performance.now() + MAX_WAIT_MS;
  for (let pauseMs = FIRST_PAUSE_MS;; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    const { objectFound, objectAvailable, objectContent } = await calls.make(
      method,
      { node: { nodeId }, runId, objectId },
      signal,
    );
    if (objectAvailable) return objectContent;
    if (!objectFound || performance.now() > deadlineMs) return undefined;
    await pause(pauseMs, signal);
  }
}
