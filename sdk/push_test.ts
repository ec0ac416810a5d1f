import { assertEquals } from "@std/assert";
import type { CarriedObject } from "../records/carry_room.ts";
import { createInstruction } from "../records/message.ts";
import { objectIdOf } from "../records/object_id.ts";
import { ArrayRecord, ndArray, RecordDict } from "./mod.ts";
import { pushMessages } from "./push.ts";

/** Takes messages, and the objects that travel with them or not. */
class Target {
  readonly carried: CarriedObject[] = [];
  readonly pushed: string[] = [];
  readonly #takesCarried: boolean;

  constructor(takesCarried: boolean) {
    this.#takesCarried = takesCarried;
  }

  pushMessages(envelopes: readonly unknown[], carried: readonly CarriedObject[]) {
    this.carried.push(...carried);
    const left = new Set(this.wanted);
    if (this.#takesCarried) { for (const { objectId } of carried) left.delete(objectId); }
    return Promise.resolve({ messageIds: envelopes.map(String), objectsToPush: [...left] });
  }

  pushObject(objectId: string, content: Uint8Array): Promise<void> {
    assertEquals(objectIdOf(content), objectId);
    this.pushed.push(objectId);
    return Promise.resolve();
  }

  wanted: readonly string[] = [];
}

function instruction(elements: number) {
  return createInstruction({
    runId: 1n,
    dstNodeId: 2n,
    messageType: "train",
    content: new RecordDict({
      arrays: ArrayRecord.fromNdArrays([["a", ndArray(new Float32Array(elements))]]),
    }),
    nowSeconds: 1,
  });
}

Deno.test("pushMessages() sends small objects along, and pushes the others", async () => {
  const target = new Target(true);
  await pushMessages(target, [instruction(3), instruction(100_000)]);
  // Of the second, all but its chunk; the records of both hold different arrays.
  assertEquals(target.carried.length, 9);
  for (const { objectId, content } of target.carried) assertEquals(objectIdOf(content), objectId);
  assertEquals(target.pushed, []);
});

Deno.test("pushMessages() pushes what was sent along to one who did not take it", async () => {
  const first = new Target(false);
  await pushMessages(first, [instruction(3)]);
  const second = new Target(false);
  second.wanted = first.carried.map(({ objectId }) => objectId);
  await pushMessages(second, [instruction(3)]);
  assertEquals(second.pushed, second.wanted);
});
