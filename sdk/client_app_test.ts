import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createInstruction } from "../records/message.ts";
import { ClientApp, NoHandlerError, RecordDict, RecordError } from "./mod.ts";
import { testContext } from "./testing/local_federation.ts";

function instruction(messageType: string) {
  return createInstruction({
    runId: 7n,
    dstNodeId: 2n,
    messageType,
    content: new RecordDict(),
    nowSeconds: 1_750_000_000,
  });
}

Deno.test("ClientApp gives each message to the handler of its category and action", async () => {
  const handled: string[] = [];
  const handler = (name: string) => () => {
    handled.push(name);
    return new RecordDict();
  };
  const app = new ClientApp()
    .train(handler("train"))
    .train(handler("train.warm_up"), "warm_up")
    .evaluate(handler("evaluate"))
    .query(handler("query"));
  const types = ["train", "train.default", "train.warm_up", "evaluate", "query"];
  for (const type of types) await app.handle(instruction(type), testContext(2n));
  assertEquals(handled, ["train", "train", "train.warm_up", "evaluate", "query"]);
});

Deno.test("ClientApp says in Flower's words that it has no handler", async () => {
  const app = new ClientApp().train(() => new RecordDict());
  await assertRejects(
    () => app.handle(instruction("evaluate"), testContext(2n)),
    NoHandlerError,
    "No evaluate function registered with name 'default'",
  );
});

Deno.test("ClientApp refuses a second handler, and names that no message can have", () => {
  const handler = () => new RecordDict();
  const app = new ClientApp().train(handler);
  assertThrows(() => app.train(handler), TypeError, "'train.default' already");
  for (const action of ["", "a.b", "1st", "warm up"]) {
    assertThrows(() => app.query(handler, action), RecordError);
  }
});
