import { assert, assertEquals, assertRejects } from "@std/assert";
import { create } from "@bufbuild/protobuf";
import { deadline } from "@std/async";
import { generatePrivateKey } from "../../keys/private_key.ts";
import { PullMessagesRequestSchema } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { StatusError } from "../../wire/status.ts";
import type { FleetCaller } from "../auth/fleet_caller.ts";
import { type Bells, LocalBells, topics, type WaitEnd } from "../bells.ts";
import type { Messages } from "../messages/messages.ts";
import type { Runs } from "../runs/runs.ts";
import { FakeConnection } from "../testing/fake_connection.ts";
import { TestClock } from "../testing/test_clock.ts";
import { HeldPulls, type HeldPullsOptions } from "./held_pulls.ts";

const NODE = 7n;
/** Longer than any test takes. */
const LONG_MS = 60_000;
const PATIENCE_MS = 5_000;
const { publicKey } = await generatePrivateKey("P-256");

/** Pulls for a node whose inbox a test fills. */
class Stage {
  readonly bells = new LocalBells();
  /** What waits for the node: ids of messages. */
  readonly inbox: string[] = [];
  unregistered = false;
  readonly #pulls: HeldPulls;

  constructor(options: Partial<HeldPullsOptions> = {}) {
    const nextInstruction = () => {
      const messageId = this.inbox.shift();
      return Promise.resolve(
        messageId && { message: { metadata: { runId: 1n, messageId } }, tree: {} },
      );
    };
    this.#pulls = new HeldPulls({
      messages: { nextInstruction } as unknown as Messages,
      runs: { addCosts() {} } as unknown as Runs,
      bells: this.bells,
      clock: new TestClock(),
      holdMs: LONG_MS,
      ...options,
    });
  }

  /** Pulls; gives the id of the message, or nothing. */
  async pull(
    connection: FakeConnection,
    gone = new AbortController().signal,
    patienceMs = Infinity,
  ): Promise<string | undefined> {
    const caller: FleetCaller = {
      key: publicKey,
      publicKeyPem: new Uint8Array(),
      timestampMicros: 0,
      peer: connection.peer,
      connection,
      program: { transport: "grpc" },
      patienceMs,
    };
    const request = create(PullMessagesRequestSchema);
    const answer = this.#pulls.pull(request, { caller, signal: gone }, () => {
      if (this.unregistered) throw new StatusError("UNAUTHENTICATED", "Invalid node ID");
      return Promise.resolve(NODE);
    });
    const { messagesList: [message] = [] } = await deadline(answer, PATIENCE_MS);
    return message?.metadata?.messageId;
  }

  /** A connection whose first pull has been answered. */
  async connection(): Promise<FakeConnection> {
    const connection = new FakeConnection();
    assertEquals(await this.pull(connection), undefined);
    return connection;
  }

  ring(): void {
    this.bells.ring(topics.inbox(NODE));
  }
}

/** Lets what is under way get to where it waits. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("The first pull of a connection is answered at once, and later ones are held", async () => {
  const stage = new Stage();
  const connection = await stage.connection();
  const held = stage.pull(connection);
  await settle();
  assertEquals(stage.bells.size, 1);
  stage.inbox.push("one");
  stage.ring();
  assertEquals(await held, "one");
  assertEquals(await stage.pull(new FakeConnection()), undefined, "of a new connection");
  assertEquals(stage.bells.size, 0);
});

Deno.test("A pull is answered at once where a message is waiting, also a connection's first", async () => {
  const stage = new Stage();
  stage.inbox.push("one", "two");
  const connection = new FakeConnection();
  assertEquals(await stage.pull(connection), "one");
  assertEquals(await stage.pull(connection), "two");
});

Deno.test("A hold ends empty after its time, or after the time that its caller waits", async () => {
  for (const [holdMs, patienceMs] of [[30, Infinity], [LONG_MS, 30]] as const) {
    const stage = new Stage({ holdMs });
    const connection = await stage.connection();
    const start = performance.now();
    assertEquals(await stage.pull(connection, undefined, patienceMs), undefined);
    assert(performance.now() - start >= 25);
    assertEquals(stage.bells.size, 0);
  }
});

Deno.test("A hold goes on when its node is rung for nothing", async () => {
  const stage = new Stage();
  const connection = await stage.connection();
  const held = stage.pull(connection);
  for (let ring = 0; ring < 3; ring++) {
    await settle();
    stage.ring();
  }
  await settle();
  assertEquals(stage.bells.size, 1);
  stage.inbox.push("one");
  stage.ring();
  assertEquals(await held, "one");
});

Deno.test("A newer pull of a node ends the older one, which gets nothing", async () => {
  const stage = new Stage();
  const [first, second] = [await stage.connection(), await stage.connection()];
  const older = stage.pull(first);
  await settle();
  const newer = stage.pull(second);
  assertEquals(await older, undefined);
  assertEquals(stage.bells.size, 1);
  stage.inbox.push("one");
  stage.ring();
  assertEquals(await newer, "one");
});

Deno.test("A hold is freed when its peer goes away", async () => {
  const stage = new Stage();
  const connection = await stage.connection();
  const leaving = new AbortController();
  const held = stage.pull(connection, leaving.signal);
  await settle();
  leaving.abort();
  assertEquals(await held, undefined);
  assertEquals(stage.bells.size, 0);
  stage.inbox.push("one");
  assertEquals(await stage.pull(connection), "one", "and no message went with it");
});

Deno.test("A hold is refused when its node is unregistered meanwhile", async () => {
  const stage = new Stage();
  const connection = await stage.connection();
  const held = stage.pull(connection);
  await settle();
  stage.unregistered = true;
  stage.inbox.push("one");
  stage.ring();
  const error = await assertRejects(() => held, StatusError);
  assertEquals([error.status, error.message], ["UNAUTHENTICATED", "Invalid node ID"]);
  assertEquals(stage.inbox, ["one"], "and is given no message");
});

Deno.test("Holds end when the SuperLink stops, and none begins after", async () => {
  const stage = new Stage();
  const connection = await stage.connection();
  const held = stage.pull(connection);
  await settle();
  stage.bells.stop();
  assertEquals(await held, undefined);
  assertEquals(await stage.pull(connection), undefined);
});

/** Bells of which each wait ends as it is told to, at once; it notes how long it would have been. */
class ToldBells {
  readonly waitsMs: number[] = [];
  ends: WaitEnd = "timeout";

  ring(): void {}

  listen() {
    return {
      wait: (deadlineMs: number) => {
        this.waitsMs.push(Math.round((deadlineMs - Date.now()) / 1000) * 1000);
        return Promise.resolve(this.ends);
      },
      [Symbol.dispose]() {},
    };
  }
}

/** How long each of `count` pulls on a connection is held. */
async function holds(told: ToldBells, count: number, patienceMs?: number, cutAt?: number) {
  const stage = new Stage({ holdMs: 20_000, bells: told as unknown as Bells });
  const connection = await stage.connection();
  for (let pull = 0; pull < count; pull++) {
    told.ends = pull === cutAt ? "gone" : "timeout";
    await stage.pull(connection, undefined, patienceMs);
  }
  return told.waitsMs.splice(0);
}

Deno.test("A node that has nothing to do is held twice as long each time, up to four minutes", async () => {
  const told = new ToldBells();
  assertEquals(await holds(told, 6), [20_000, 40_000, 80_000, 160_000, 240_000, 240_000]);
  assertEquals(await holds(told, 3, 25_000), [20_000, 25_000, 25_000], "its caller waits 25 s");
});

Deno.test("Holds stay short on a connection on which a longer one was cut", async () => {
  assertEquals(
    await holds(new ToldBells(), 5, undefined, 2),
    [20_000, 40_000, 80_000, 20_000, 20_000],
  );
});
