import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PullObjectResponseSchema } from "../../proto/gen/flwr/proto/message_pb.ts";
import type { ObjectStore } from "../work/object_store.ts";
import type { ClientApps } from "./client_apps.ts";

/** Keeps an object that a ClientApp pushes; whether it was taken. Throws a `StatusError`. */
export function putObject(
  { apps, objects }: { readonly apps: ClientApps; readonly objects: ObjectStore },
  runId: bigint,
  objectId: string,
  content: Uint8Array,
): boolean {
  const stored = objects.put(runId, objectId, content);
  if (stored) apps.objectArrived();
  return stored;
}

/** Answers a ClientApp's PullObject, once the object is there or `holdMs` are over. */
export async function pullObject(
  objects: ObjectStore,
  runId: bigint,
  objectId: string,
  holdMs: number,
  signal: AbortSignal,
): Promise<MessageInitShape<typeof PullObjectResponseSchema>> {
  // Flower's app waits a second and more before it asks again for what is not there yet.
  const found = await objects.untilStored(runId, objectId, holdMs, signal);
  return {
    objectFound: found.state !== "unknown",
    objectAvailable: found.state === "stored",
    ...(found.state === "stored" ? { objectContent: found.content } : {}),
  };
}
