/**
 * A SuperLink's ServerAppIo with one run, whose nodes run ClientApps inside this process.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { type Context, ContextSchema } from "../../../proto/gen/flwr/proto/message_pb.ts";
import type { RunStatus } from "../../../proto/gen/flwr/proto/run_pb.ts";
import { ServerAppIo } from "../../../proto/gen/flwr/proto/serverappio_pb.ts";
import { userConfigToProto } from "../../../records/scalar_map.ts";
import type { UserConfigValue } from "../../../config/user_config.ts";
import { LocalFederation } from "../../../sdk/testing/local_federation.ts";
import type { Address } from "../../../wire/address.ts";
import { GrpcServer } from "../../../wire/grpc/server.ts";
import { defineService } from "../../../wire/service.ts";
import { StatusError } from "../../../wire/status.ts";

/** The run, and the token that admits to it. */
export const RUN_ID = 2n ** 63n + 7n;
export const TOKEN = "5e".repeat(128);

/** A process has started this soon, also on a busy machine. */
const LOG_TIMEOUT_MS = 60_000;

/** What the run is made of. */
export interface FakeRun {
  readonly fab: Uint8Array;
  readonly overrides?: Readonly<Record<string, UserConfigValue>>;
}

/** Serves one run, and notes what its ServerApp does. */
export class FakeServerAppIo implements AsyncDisposable {
  readonly federation = new LocalFederation();
  /** The calls besides those for messages, in order; logs that follow one another are one call. */
  readonly calls: string[] = [];
  readonly statuses: RunStatus[] = [];
  log = "";
  outputs: Context | undefined;
  /** What heartbeats are answered. */
  heartbeats = true;
  /** Whether a pull may confirm replies, as a SuperLink of ours lets it. */
  takesConfirmations = false;
  /** The replies that pulls confirmed. */
  readonly confirmedIds: string[] = [];
  /** Set when the run is stopped: every call for messages is denied then. */
  stopped = false;
  readonly #server = new GrpcServer({ maxMessageBytes: 64 * 1024 ** 2 });
  #address: Address | undefined;
  readonly #changes = new EventTarget();

  static async start(run: FakeRun): Promise<FakeServerAppIo> {
    const fake = new FakeServerAppIo();
    fake.#server.add(fake.#service(run));
    fake.#address = await fake.#server.listen({ host: "127.0.0.1", port: 0 });
    return fake;
  }

  get address(): Address {
    if (this.#address === undefined) throw new Error("It does not listen.");
    return this.#address;
  }

  /** Waits until the log holds `text`; rejects when it does not in time. */
  async untilLogged(text: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => {
      if (this.log.includes(text)) resolve();
    };
    const late = setTimeout(() => reject(new Error(`The log is "${this.log}".`)), LOG_TIMEOUT_MS);
    this.#changes.addEventListener("log", look);
    look();
    await promise.finally(() => {
      clearTimeout(late);
      this.#changes.removeEventListener("log", look);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.drain(1_000);
  }

  #note(call: string): void {
    if (this.calls.at(-1) !== call) this.calls.push(call);
  }

  #service({ fab, overrides = {} }: FakeRun) {
    const { federation } = this;
    const requireRunning = (runId: bigint) => {
      if (runId !== RUN_ID) throw new StatusError("NOT_FOUND", "Run ID not found");
      if (this.stopped) {
        throw new StatusError("PERMISSION_DENIED", "Run is finished. Stopped by user.");
      }
    };
    const requireToken = (token: string) => {
      if (token !== TOKEN) throw new StatusError("PERMISSION_DENIED", "Invalid token.");
    };
    const overrideConfig = userConfigToProto(new Map(Object.entries(overrides)));
    return defineService(ServerAppIo, () => undefined, {
      pullAppInputs: ({ token }) => {
        this.#note("pullAppInputs");
        requireToken(token);
        const hashStr = createHash("sha256").update(fab).digest("hex");
        return Promise.resolve({
          context: create(ContextSchema, { runId: RUN_ID }),
          run: { runId: RUN_ID, overrideConfig },
          fab: { hashStr, content: fab },
        });
      },
      pushAppOutputs: ({ token, runId, context }) => {
        this.#note("pushAppOutputs");
        requireToken(token);
        requireRunning(runId);
        this.outputs = context;
        return Promise.resolve({});
      },
      sendAppHeartbeat: ({ token }) => {
        requireToken(token);
        return Promise.resolve({ success: this.heartbeats });
      },
      pushLogs: ({ logs }) => {
        this.#note("pushLogs");
        this.log += logs.join("");
        this.#changes.dispatchEvent(new Event("log"));
        return Promise.resolve({});
      },
      updateRunStatus: ({ runId, runStatus }) => {
        this.#note("updateRunStatus");
        requireRunning(runId);
        if (runStatus) this.statuses.push(runStatus);
        return Promise.resolve({});
      },
      getNodes: async ({ runId }) => {
        requireRunning(runId);
        return { nodes: (await federation.getNodeIds()).map((nodeId) => ({ nodeId })) };
      },
      pushMessages: async ({ runId, messagesList, messageObjectTrees }) => {
        requireRunning(runId);
        const envelopes = messagesList.map((message, index) => ({
          message,
          tree: messageObjectTrees[index]!,
        }));
        const { messageIds, objectsToPush } = await federation.pushMessages(envelopes);
        return { messageIds: [...messageIds], objectsToPush: [...objectsToPush] };
      },
      pushObject: async ({ node, runId, objectId, objectContent }) => {
        requireRunning(runId);
        if (node?.nodeId !== 1n) throw new StatusError("FAILED_PRECONDITION", "Unexpected node.");
        await federation.pushObject(objectId, new Uint8Array(objectContent));
        return { stored: true };
      },
      pullMessages: async ({ runId, messageIds, confirmedIds }) => {
        requireRunning(runId);
        this.confirmedIds.push(...confirmedIds);
        const envelopes = await federation.pullMessages(messageIds);
        return {
          messagesList: envelopes.map(({ message }) => message),
          messageObjectTrees: envelopes.map(({ tree }) => tree),
          takesConfirmations: this.takesConfirmations,
        };
      },
      pullObject: async ({ runId, objectId }) => {
        requireRunning(runId);
        const objectContent = await federation.pullObject(objectId);
        return objectContent
          ? { objectFound: true, objectAvailable: true, objectContent }
          : { objectFound: false };
      },
      confirmMessageReceived: async ({ runId }) => {
        requireRunning(runId);
        await federation.confirmMessage();
        return {};
      },
    });
  }
}
