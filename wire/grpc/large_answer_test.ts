import { assertEquals, assertRejects } from "@std/assert";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { StatusError } from "../status.ts";
import { Moment, onStage } from "../testing/grpc_stage.ts";

/** More than one piece, and no whole number of them. */
const CONTENT = new Uint8Array(5_000_003).map((_, index) => index % 251);
const LIMIT_BYTES = 6_000_000;

Deno.test("GrpcServer sends a large content whole, to several peers at once, from one place", () =>
  onStage({
    maxMessageBytes: LIMIT_BYTES,
    fleet: { pullObject: () => Promise.resolve({ objectFound: true, objectContent: CONTENT }) },
  }, async ({ connect }) => {
    const answers = await Promise.all(
      [1, 2, 3].map(() => connect().unary(Fleet.method.pullObject, {})),
    );
    for (const { objectFound, objectContent } of answers) {
      assertEquals([objectFound, objectContent.length], [true, CONTENT.length]);
      assertEquals(objectContent.findIndex((byte, at) => byte !== CONTENT[at]), -1);
    }
  }));

Deno.test("GrpcServer goes on after peers that left in the middle of a large answer", () => {
  let asked = new Moment();
  return onStage({
    maxMessageBytes: LIMIT_BYTES,
    fleet: {
      pullObject() {
        // Its answer is begun before anybody else has a turn.
        queueMicrotask(asked.come);
        return Promise.resolve({ objectContent: CONTENT });
      },
    },
  }, async ({ connect, channel }) => {
    for (let turn = 0; turn < 20; turn++) {
      asked = new Moment();
      const leaving = connect();
      const gone = new AbortController();
      const { signal } = gone;
      const call = assertRejects(() => leaving.unary(Fleet.method.pullObject, {}, { signal }));
      await asked.comes;
      gone.abort();
      await call;
      leaving.close();
    }
    const { objectContent } = await channel.unary(Fleet.method.pullObject, {});
    assertEquals(objectContent.length, CONTENT.length);
  });
});

Deno.test("GrpcServer refuses to send a large answer that is over its limit", () =>
  onStage({
    maxMessageBytes: CONTENT.length,
    fleet: { pullObject: () => Promise.resolve({ objectContent: CONTENT }) },
  }, async ({ channel }) => {
    const error = await assertRejects(
      () => channel.unary(Fleet.method.pullObject, {}),
      StatusError,
    );
    assertEquals(error.status, "RESOURCE_EXHAUSTED");
  }));
