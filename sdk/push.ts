import { type Deflated, type DeflatedObject, deflateMessage } from "../records/deflate.ts";
import { CARRY_BYTES, CarryRoom } from "../records/carry_room.ts";
import { type Message, pushedMessage } from "../records/message.ts";
import { eachWithin } from "./each_within.ts";
import type { PushTarget } from "./server_app_api.ts";

/** Contents of at most this many bytes are made and under way at a time (or one larger object). */
const MAX_BYTES_UNDER_WAY = 32 * 1024 ** 2;
/** No more than this many pushes at a time. */
const MAX_PUSHES = 8;

/**
 * Pushes messages in one call and then, several at a time, the objects that the other side lacks,
 * children before their parents. Gives the message ids in order, as the other side answered.
 */
export async function pushMessages(
  target: PushTarget,
  messages: readonly Message[],
): Promise<readonly string[]> {
  const deflated = messages.map((message) => ({ message, ...deflateMessage(message) }));
  const objects = objectsOf(deflated);
  const room = new CarryRoom(CARRY_BYTES);
  const { messageIds, objectsToPush } = await target.pushMessages(
    deflated.map(({ message, objectId, tree }) => ({
      message: pushedMessage(message, objectId),
      tree,
    })),
    objects.filter(({ sizeBytes }) => room.take(sizeBytes))
      .map(({ objectId, content }) => ({ objectId, content: content() })),
  );
  const wanted = new Set(objectsToPush);
  await eachWithin(
    { count: MAX_PUSHES, weight: MAX_BYTES_UNDER_WAY, weightOf: ({ sizeBytes }) => sizeBytes },
    objects.filter(({ objectId }) => wanted.has(objectId)),
    (object) => target.pushObject(object.objectId, object.content()),
  );
  return messageIds;
}

/** Each object once, children before parents. */
function objectsOf(deflated: readonly Deflated[]): DeflatedObject[] {
  const objects = new Map<string, DeflatedObject>();
  for (const object of deflated.flatMap(({ objects }) => objects)) {
    objects.set(object.objectId, object);
  }
  return [...objects.values()];
}
