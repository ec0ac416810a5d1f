/**
 * Makes unary calls within one machine.
 *
 * @module
 */

import {
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { encode } from "../encode.ts";
import { STATUS_NUMBERS, StatusError, statusName } from "../status.ts";
import { writeAll } from "../write_all.ts";
import { close } from "./close.ts";
import { type Frame, FRAME_KINDS, FrameWriter, readFrames } from "./frames.ts";
import type { LocalApi } from "./local_api.ts";

/** Options of one call. */
export interface LocalCallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/** As much as protobuf can hold. */
const MAX_FRAME_BYTES = 2_147_483_647;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Link {
  readonly connection: Deno.Conn;
  readonly writer: FrameWriter;
  readonly waiting: Map<number, (frame: Frame | StatusError) => void>;
}

/** One connection to a {@linkcode LocalApi}, made when a call needs it and again when it is lost. */
export class LocalChannel implements Disposable {
  readonly #api: LocalApi;
  #link: Promise<Link> | undefined;
  #lastCallId = 0;
  #isClosed = false;

  constructor(api: LocalApi) {
    this.#api = api;
  }

  /**
   * Makes a call. Throws a `StatusError`: the server's, `UNAVAILABLE` when there is no connection,
   * `DEADLINE_EXCEEDED` after `timeoutMs`, `CANCELLED` when `signal` aborts.
   */
  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    { signal, timeoutMs }: LocalCallOptions = {},
  ): Promise<MessageShape<O>> {
    const body = encode(method.input, request);
    const { connection, writer, waiting } = await this.#connect();
    if (signal?.aborted) throw cancelled();
    const callId = this.#lastCallId = (this.#lastCallId + 1) >>> 0;
    const answered = Promise.withResolvers<Frame | StatusError>();
    waiting.set(callId, answered.resolve);
    const giveUp = (why: StatusError) => {
      if (!waiting.delete(callId)) return;
      answered.resolve(why);
      writer.write(FRAME_KINDS.cancel, callId).catch(() => {});
    };
    const abort = () => giveUp(cancelled());
    signal?.addEventListener("abort", abort);
    const timer = timeoutMs === undefined ? undefined : setTimeout(
      () => giveUp(new StatusError("DEADLINE_EXCEEDED", `No answer within ${timeoutMs} ms.`)),
      timeoutMs,
    );
    try {
      const name = encoder.encode(`${method.parent.typeName}/${method.name}`);
      const head = Uint8Array.of(name.length, ...name);
      // Where that fails, the reader fails all calls.
      writer.write(FRAME_KINDS.call, callId, head, body).catch(() => close(connection));
      const frame = await answered.promise;
      if (frame instanceof StatusError) throw frame;
      return readAnswer(method.output, frame);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Fails what is under way. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#link?.then(({ connection }) => close(connection), () => {});
  }

  async #connect(): Promise<Link> {
    if (this.#isClosed) throw lost();
    this.#link ??= this.#open();
    try {
      return await this.#link;
    } catch (cause) {
      this.#link = undefined;
      throw cause instanceof StatusError ? cause : lost(cause);
    }
  }

  async #open(): Promise<Link> {
    const { address: { host, port }, key } = this.#api;
    const connection = await Deno.connect({ hostname: host, port });
    connection.setNoDelay(true);
    try {
      await writeAll(connection, key);
    } catch (error) {
      close(connection);
      throw error;
    }
    const link: Link = { connection, writer: new FrameWriter(connection), waiting: new Map() };
    void this.#read(link);
    return link;
  }

  async #read({ connection, waiting }: Link): Promise<void> {
    let error: StatusError;
    try {
      for await (const frame of readFrames(connection, MAX_FRAME_BYTES)) {
        waiting.get(frame.callId)?.(frame);
        waiting.delete(frame.callId);
      }
      error = lost();
    } catch (cause) {
      error = lost(cause);
    }
    this.#link = undefined;
    close(connection);
    for (const fail of waiting.values()) fail(error);
    waiting.clear();
  }
}

function readAnswer<O extends DescMessage>(
  schema: O,
  { kind, payload }: Frame,
): MessageShape<O> {
  if (kind === FRAME_KINDS.answer) return fromBinary(schema, payload);
  const [status = STATUS_NUMBERS.UNKNOWN] = payload;
  throw new StatusError(statusName(status), decoder.decode(payload.subarray(1)));
}

function lost(cause?: unknown): StatusError {
  return new StatusError("UNAVAILABLE", "The connection was lost.", { cause });
}

function cancelled(): StatusError {
  return new StatusError("CANCELLED", "The call was given up.");
}
