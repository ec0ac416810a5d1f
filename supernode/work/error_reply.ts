import { deflateMessage } from "../../records/deflate.ts";
import { pushedMessage } from "../../records/message.ts";
import type { Metadata } from "../../records/metadata.ts";
import { postOrder } from "../../records/object_tree.ts";
import { createErrorReply } from "../../records/reply.ts";
import type { ObjectStore } from "./object_store.ts";
import type { CompleteReply } from "./transfer.ts";

/**
 * A reply with an error to an instruction, complete in the object store under its message id. `code`
 * is one of Flower's error codes; the ServerApp sees the reason.
 */
export function makeErrorReply(
  objects: ObjectStore,
  instruction: Metadata,
  error: { readonly code: bigint; readonly reason: string },
  nowSeconds: number,
): CompleteReply {
  const reply = createErrorReply(instruction, error, { nowSeconds });
  const deflated = deflateMessage(reply);
  const { runId } = instruction;
  objects.announce(runId, deflated.objectId, postOrder(deflated.tree));
  for (const object of deflated.objects) objects.put(runId, object.objectId, object.content());
  return {
    message: pushedMessage(reply, deflated.objectId),
    tree: deflated.tree,
    runtimeSeconds: 0,
  };
}
