import { create } from "@bufbuild/protobuf";
import { assertEquals } from "@std/assert";
import {
  type PullMessagesResponse,
  PullMessagesResponseSchema,
} from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { LogLines } from "../../superlink/testing/log_lines.ts";
import { StatusError } from "../../wire/status.ts";
import { FakeClock } from "../testing/fake_clock.ts";
import { makeInstruction, NODE_ID } from "../testing/messages.ts";
import { Confirmations } from "./confirmations.ts";
import { pull, type PullOptions } from "./pull.ts";

const never = new AbortController().signal;
const empty = create(PullMessagesResponseSchema);

function setUp(answer: (clock: FakeClock) => Promise<PullMessagesResponse>) {
  const clock = new FakeClock();
  const logged = new LogLines();
  const confirmations = new Confirmations();
  /** What each pull confirmed. */
  const told: string[][] = [];
  const fleet: PullOptions["fleet"] = {
    pullMessages: (_nodeId, confirmed) => {
      told.push(confirmed.map(({ messageId }) => messageId));
      return answer(clock);
    },
  };
  const options = { fleet, nodeId: NODE_ID, confirmations, clock, log: logged.log };
  return { clock, logged, confirmations, told, pull: (signal = never) => pull(options, signal) };
}

Deno.test("pull gives a message at once", async () => {
  const { instruction: { message, tree } } = makeInstruction();
  const { pull } = setUp(() =>
    Promise.resolve(create(PullMessagesResponseSchema, {
      messagesList: [message],
      messageObjectTrees: [tree],
    }))
  );
  const pulled = await pull();
  assertEquals(pulled.kind === "message" && pulled.instruction.message, message);
});

Deno.test("pull waits 3 s after an answer that came at once without a message", async () => {
  const { clock, pull } = setUp(() => Promise.resolve(empty));
  const pulled = pull();
  assertEquals(await clock.tick(), 3_000);
  assertEquals((await pulled).kind, "nothing");
});

Deno.test("pull does not wait after an answer that was held back", async () => {
  const { clock, pull } = setUp(async (clock) => {
    await clock.sleep(20_000);
    return empty;
  });
  const pulled = pull();
  assertEquals(await clock.tick(), 20_000);
  assertEquals(await clock.tick(), 0);
  assertEquals((await pulled).kind, "nothing");
});

Deno.test("pull takes PERMISSION_DENIED for a run that is over, as Flower does", async () => {
  const { clock, pull } = setUp(() =>
    Promise.reject(new StatusError("PERMISSION_DENIED", "Run is finished."))
  );
  const pulled = pull();
  await clock.tick();
  assertEquals((await pulled).kind, "nothing");
});

Deno.test("pull gives the refusal of a node that is not known any more", async () => {
  const { pull } = setUp(() =>
    Promise.reject(new StatusError("UNAUTHENTICATED", "Invalid node ID"))
  );
  const pulled = await pull();
  assertEquals(pulled.kind === "refused" && pulled.refusal.kind, "unknown-node");
});

Deno.test("pull passes over a message that is none, and says so", async () => {
  const { clock, logged, pull } = setUp(() =>
    Promise.resolve(create(PullMessagesResponseSchema, { messagesList: [{}] }))
  );
  const pulled = pull();
  await clock.tick();
  assertEquals((await pulled).kind, "nothing");
  assertEquals(logged.of("message.malformed").length, 1);
});

Deno.test("pull ends when it is stopped", async () => {
  const stop = new AbortController();
  const { pull } = setUp(() => {
    stop.abort("SIGTERM");
    return Promise.reject(stop.signal.reason);
  });
  assertEquals((await pull(stop.signal)).kind, "nothing");
});

Deno.test("pull confirms until it is answered", async () => {
  const { instruction } = makeInstruction();
  const { message, tree } = instruction;
  const answered = { messagesList: [message], messageObjectTrees: [tree] };
  const answers = [
    () => Promise.reject(new StatusError("UNAUTHENTICATED", "Invalid node ID")),
    () => Promise.resolve(create(PullMessagesResponseSchema, answered)),
    () => Promise.resolve(empty),
  ];
  const { clock, confirmations, told, pull } = setUp(() => answers.shift()!());
  const confirmMessageReceived = () => Promise.reject(new Error("There is no need for a call."));
  await confirmations.confirm(
    { confirmMessageReceived },
    NODE_ID,
    { ...instruction, confirmedByPull: true },
    never,
  );
  for (let number = 1; number <= 2; number++) await pull();
  const last = pull();
  await clock.tick();
  await last;
  const { messageId } = instruction.metadata;
  assertEquals(told, [[messageId], [messageId], []]);
});
