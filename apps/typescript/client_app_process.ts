/**
 * The process of a ClientApp in TypeScript: does for each message what Flower 1.25's
 * `flwr-clientapp` does for one.
 *
 * @module
 */

import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { FabError } from "../../fab/fab_error.ts";
import { ClientAppIo } from "../../proto/gen/flwr/proto/clientappio_pb.ts";
import type { Fab } from "../../proto/gen/flwr/proto/fab_pb.ts";
import {
  type Context,
  ContextSchema,
  MessageSchema,
} from "../../proto/gen/flwr/proto/message_pb.ts";
import { ErrorCode } from "../../records/error_code.ts";
import type { MessageError } from "../../records/message.ts";
import { type Metadata, metadataFromProto } from "../../records/metadata.ts";
import { parseObject } from "../../records/object_head.ts";
import { createErrorReply } from "../../records/reply.ts";
import { RecordError } from "../../records/record_error.ts";
import { pushMessages } from "../../sdk/push.ts";
import { handOver } from "../../sdk/runtime/hand_over.ts";
import { ExitError } from "../../terminal/errors.ts";
import { StatusError } from "../../wire/status.ts";
import { answerClientApp } from "./answer_call.ts";
import { AppCalls } from "./app_calls.ts";
import { startHeartbeats } from "./app_heartbeats.ts";
import type { AppProcessOptions } from "./app_process_options.ts";
import { type AppEnding, type AppStart, AppWorker } from "./app_worker.ts";
import { bundlePath } from "./bundle_paths.ts";
import {
  ClientAppCalls,
  type Instruction,
  pullClientAppInputs,
  pullInstruction,
} from "./client_app_calls.ts";
import { installApp } from "./install_app.ts";

/** Runs the ClientApp of one app for the messages that its tokens admit to, one after the other. */
export class ClientAppProcess implements Disposable {
  readonly #options: AppProcessOptions;
  readonly #calls: AppCalls;
  #app: ReadyApp | undefined;

  constructor(options: AppProcessOptions) {
    const { api, show } = options;
    this.#options = options;
    this.#calls = new AppCalls({
      api,
      say: (text) => show("stderr", `${text}\n`),
    });
  }

  /**
   * Runs the ClientApp for the one message that the token admits to, and pushes its reply, which is
   * an error when the app fails. Gives the exit code, 0 when there is a reply.
   *
   * Throws an {@linkcode ExitError} when the SuperNode does not admit the process or does not take
   * the reply.
   */
  async run(token: string): Promise<number> {
    const { show } = this.#options;
    const ended = new AbortController();
    const signal = AbortSignal.any([this.#options.signal, ended.signal]);
    const heartbeats = startHeartbeats({
      calls: this.#calls,
      method: ClientAppIo.method.sendAppHeartbeat,
      token,
      refused: () => ended.abort("its token is not accepted"),
    });
    let ready: Promise<ReadyApp | AppEnding> | undefined;
    try {
      const inputs = await pullClientAppInputs(this.#calls, token, signal);
      // The app gets ready while its message comes.
      ready = this.#ready(inputs.fab);
      const instruction = await pullInstruction(this.#calls, token, inputs, signal);
      const metadata = readMetadata(instruction);
      const api = new ClientAppCalls(this.#calls, token, inputs, signal);
      const app = await ready;
      const ending = "ok" in app
        ? app
        : await this.#handle(app, inputs.context, instruction, api, signal);
      if (!ending.ok) {
        show("stderr", `The ClientApp failed.\n${ending.stack}\n`);
        const nowSeconds = Date.now() / 1000;
        await pushMessages(api, [createErrorReply(metadata, errorOf(ending), { nowSeconds })]);
      }
      heartbeats[Symbol.dispose]();
      await api.pushOutputs(
        ending.context === undefined ? inputs.context : fromBinary(ContextSchema, ending.context),
      );
      return 0;
    } catch (error) {
      if (signal.aborted) throw new ExitError(`The ClientApp process was ended: ${signal.reason}.`);
      if (!(error instanceof StatusError)) throw error;
      throw new ExitError(`The SuperNode refuses the ClientApp: ${error.message}`, {
        cause: error,
      });
    } finally {
      heartbeats[Symbol.dispose]();
      await ready;
    }
  }

  /** Makes things ready for another message of the app that ran last. */
  prepare(): void {
    this.#app?.worker.prepare();
  }

  [Symbol.dispose](): void {
    this.#app?.worker[Symbol.dispose]();
    this.#calls[Symbol.dispose]();
  }

  #handle(
    { worker }: ReadyApp,
    context: Context,
    instruction: Instruction,
    api: ClientAppCalls,
    signal: AbortSignal,
  ): Promise<AppEnding> {
    return worker.run(
      startOf(context, instruction),
      { print: this.#options.show, answer: (call) => answerClientApp(call, api) },
      signal,
    );
  }

  /** Gets the app ready to run. What keeps it from that is an ending, too; it never rejects. */
  async #ready(fab: Fab): Promise<ReadyApp | AppEnding> {
    if (this.#app?.fabHash !== fab.hashStr) {
      this.#app?.worker[Symbol.dispose]();
      this.#app = undefined;
      const app = await this.#install(fab);
      if ("ok" in app) return app;
      this.#app = app;
      app.worker.prepare();
    }
    return this.#app;
  }

  async #install(fab: Fab): Promise<ReadyApp | AppEnding> {
    const { flwrDirectory, permissions } = this.#options;
    const path = bundlePath("clientapp");
    try {
      const app = await installApp(fab, flwrDirectory);
      if (!app.fab.files.has(path)) {
        return failure("load", new FabError(`The FAB has no "${path}".`));
      }
      const worker = new AppWorker("clientapp", { folder: app.folder, path, permissions });
      return { fabHash: fab.hashStr, worker };
    } catch (error) {
      return failure("run", error);
    }
  }
}

interface ReadyApp {
  readonly fabHash: string;
  readonly worker: AppWorker;
}

/** The instruction's contents go to the app, and cannot be read here afterwards. */
function startOf(context: Context, { messageId, contents }: Instruction): AppStart {
  const transfer: ArrayBuffer[] = [];
  const handed = new Map(
    Array.from(contents, ([objectId, content]) => [objectId, handOver(content, transfer)]),
  );
  return {
    message: {
      context: toBinary(ContextSchema, context),
      instruction: { messageId, contents: handed },
    },
    transfer,
  };
}

function failure(stage: "load" | "run", thrown: unknown): AppEnding {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const { name, message } = error;
  return { ok: false, stage, name, message, stack: error.stack ?? message };
}

/** The error reply's code and text, which are those of Flower 1.25. */
function errorOf({ stage, name, message }: AppEnding & { ok: false }): MessageError {
  return stage === "load"
    ? {
      code: ErrorCode.LOAD_CLIENT_APP_EXCEPTION,
      reason: "An exception was raised when attempting to load `ClientApp`",
    }
    : {
      code: ErrorCode.CLIENT_APP_RAISED_EXCEPTION,
      reason: `<class '${name}'>:<'${message}'>`,
    };
}

/** What the instruction says of itself, for a reply without its app. */
function readMetadata({ messageId, contents }: Instruction): Metadata {
  const content = contents.get(messageId);
  const metadata = content && fromBinary(MessageSchema, parseObject(content).body).metadata;
  if (!metadata) throw new RecordError("The instruction has no metadata.");
  return { ...metadataFromProto(metadata), messageId };
}
