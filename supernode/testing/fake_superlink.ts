import { createHash } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { FabSchema } from "../../proto/gen/flwr/proto/fab_pb.ts";
import {
  type PullMessagesResponse,
  PullMessagesResponseSchema,
  PushMessagesResponseSchema,
} from "../../proto/gen/flwr/proto/fleet_pb.ts";
import {
  type Message,
  type PullObjectResponse,
  PullObjectResponseSchema,
} from "../../proto/gen/flwr/proto/message_pb.ts";
import { type Run, RunSchema } from "../../proto/gen/flwr/proto/run_pb.ts";
import { postOrder } from "../../records/object_tree.ts";
import { StatusError } from "../../wire/status.ts";
import type { FleetReply, ObjectAddress } from "../fleet/fleet_client.ts";
import type { WorkOptions } from "../work/work.ts";
import { makeFab, type TestInstruction } from "./messages.ts";

/** The half of a Fleet API that a node works with, for one node, in memory. */
export class FakeSuperLink {
  readonly calls: string[] = [];
  readonly replies: Message[] = [];
  readonly runtimes: number[] = [];
  /** What nodes pushed, and what they may pull. */
  readonly objects = new Map<string, Uint8Array>();
  readonly endedRuns = new Set<bigint>();
  fab = makeFab();
  overrides: NonNullable<MessageInitShape<typeof RunSchema>["overrideConfig"]> = {};
  /** What the next calls of a method end with instead of an answer. */
  readonly failures = new Map<string, StatusError[]>();
  /** Whether a pull waits for a message. */
  held = false;
  /** Whether a pull may confirm messages, as a SuperLink of ours lets it. */
  takesConfirmations = false;
  /** What pulls confirmed. */
  readonly confirmed: string[] = [];
  readonly #inbox: TestInstruction[] = [];
  #arrival = Promise.withResolvers<void>();
  #replied = Promise.withResolvers<void>();

  /** Has a message delivered with the next pull, its objects too unless they are late. */
  send(test: TestInstruction, { late = false } = {}): void {
    if (!late) { for (const [id, content] of test.contents) this.objects.set(id, content); }
    this.#inbox.push(test);
    this.#arrival.resolve();
  }

  /** Waits until there are so many replies. */
  async untilReplies(count: number): Promise<void> {
    while (this.replies.length < count) {
      this.#replied = Promise.withResolvers();
      await this.#replied.promise;
    }
  }

  /** The calls as a node's client makes them. */
  readonly fleet: WorkOptions["fleet"] = {
    pullMessages: async (_nodeId, confirmed, signal) => {
      this.#enter("pullMessages");
      this.confirmed.push(...confirmed.map(({ messageId }) => messageId));
      if (this.held && this.#inbox.length === 0) await this.#untilArrival(signal);
      const next = this.#inbox.shift();
      return pulled(next, this.takesConfirmations);
    },
    getRun: (_nodeId, runId) => this.#run("getRun", runId, () => this.#describe(runId)),
    getFab: (_nodeId, runId, hash) =>
      this.#run("getFab", runId, () => create(FabSchema, { hashStr: hash, content: this.fab })),
    pullObject: (object) => this.#run("pullObject", object.runId, () => this.#object(object)),
    confirmMessageReceived: ({ runId }) =>
      this.#run("confirmMessageReceived", runId, () => undefined),
    pushMessages: (_nodeId, reply) => {
      const runId = BigInt(reply.messagesList?.[0]?.metadata?.runId ?? 0n);
      return this.#run("pushMessages", runId, () => this.#take(reply));
    },
    pushObject: ({ runId, objectId }, content) =>
      this.#run("pushObject", runId, () => {
        this.objects.set(objectId, content);
        return true;
      }),
  };

  #enter(call: string): void {
    this.calls.push(call);
    const failure = this.failures.get(call)?.shift();
    if (failure) throw failure;
  }

  // deno-lint-ignore require-await
  async #run<T>(call: string, runId: bigint, answer: () => T): Promise<T> {
    this.#enter(call);
    if (this.endedRuns.has(runId)) throw new StatusError("PERMISSION_DENIED", "Run is finished.");
    return answer();
  }

  #describe(runId: bigint): Run {
    const fabHash = createHash("sha256").update(this.fab).digest("hex");
    return create(RunSchema, { runId, fabHash, overrideConfig: this.overrides });
  }

  #object({ objectId }: ObjectAddress): PullObjectResponse {
    const content = this.objects.get(objectId);
    return create(PullObjectResponseSchema, {
      objectFound: true,
      objectAvailable: content !== undefined,
      ...(content ? { objectContent: content } : {}),
    });
  }

  #take(
    {
      messagesList = [],
      messageObjectTrees = [],
      clientappRuntimeList = [],
      carriedObjects = [],
    }: FleetReply,
  ) {
    for (const { objectId = "", content = new Uint8Array() } of carriedObjects) {
      this.objects.set(objectId, content);
    }
    const [message] = messagesList as Message[];
    const [tree] = messageObjectTrees as Parameters<typeof postOrder>;
    this.replies.push(message!);
    this.runtimes.push(...clientappRuntimeList);
    this.#replied.resolve();
    return create(PushMessagesResponseSchema, {
      objectsToPush: postOrder(tree!).map(({ objectId }) => objectId)
        .filter((objectId) => !this.objects.has(objectId)).reverse(),
      sessionId: "session",
    });
  }

  async #untilArrival(signal: AbortSignal): Promise<void> {
    this.#arrival = Promise.withResolvers();
    const { promise, reject } = Promise.withResolvers<never>();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    await Promise.race([this.#arrival.promise, promise]).finally(() =>
      signal.removeEventListener("abort", abort)
    );
  }
}

function pulled(
  test: TestInstruction | undefined,
  takesConfirmations: boolean,
): PullMessagesResponse {
  const { message, tree } = test?.instruction ?? {};
  return create(
    PullMessagesResponseSchema,
    message && tree
      ? { messagesList: [message], messageObjectTrees: [tree], takesConfirmations }
      : {},
  );
}
