import type { MessageInitShape } from "@bufbuild/protobuf";
import { formatTimestamp } from "../../keys/timestamp.ts";
import type { TaskEventSchema } from "../../proto/gen/flwr1_41/proto/task_pb.ts";
import type { NumberedEvent } from "./task_events.ts";

/** An event as Flower 1.31 to 1.42 send it. A run's one task has the run's id. */
export function taskEventView(
  runId: bigint,
  { id, at, event, data }: NumberedEvent,
): MessageInitShape<typeof TaskEventSchema> {
  return { id: BigInt(id), timestamp: formatTimestamp(at), runId, taskId: runId, event, data };
}

/** A reader's cursor as the number of an event; those that no event has are all the same. */
export function eventNumber(id: bigint | undefined): number | undefined {
  return id === undefined ? undefined : Math.min(Number(id), Number.MAX_SAFE_INTEGER);
}
