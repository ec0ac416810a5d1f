/**
 * Calls protobuf services over HTTP (Flower 1.35 and newer), bound from their descriptors.
 *
 * @module
 */

import {
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { type Dispatcher, Pool } from "undici";
import { type Address, formatAddress } from "../address.ts";
import type { CallOptions, ClientSecurity } from "../grpc/client.ts";
import { callTracer, tracedCall } from "../call_tracer.ts";
import { encode } from "../encode.ts";
import { StatusError, type StatusName } from "../status.ts";
import { CollectedBytes } from "./collected_bytes.ts";
import { connectHttp } from "./connector.ts";
import { errorOfResponse } from "./errors.ts";
import { unframed } from "./framing.ts";
import { clientHeaders } from "./headers.ts";
import { isProtobuf, PROTOBUF, PROTOBUF_STREAM } from "./media_types.ts";
import { pathOf } from "./route.ts";

/** Flower's time limit for a connection, and for each silence of a call without one of its own. */
const PATIENCE_MS = 30_000;
/** A request is given this much more time for its size; a slower line is no use for models. */
const SLOWEST_UPLOAD_BYTES_A_MS = 32;
/** Shorter than the 5 s after which Flower's servers drop idle connections. */
const KEEP_ALIVE_MS = 4_000;
/** The largest message that protobuf allows. */
const MAX_MESSAGE_BYTES = 2_147_483_647;
/** More of an error's text is not read. */
const MAX_ERROR_BYTES = 64 * 1024;

/** What a proxy says when the server behind it is not there. */
const GATEWAY_STATUSES: ReadonlySet<number> = new Set([502, 504]);

/**
 * The way to one HTTP server: connections are made as calls need them.
 *
 * It follows no redirects (Flower's clients do): a proof of possession is good for one call of any
 * kind, and whoever it was sent on to could spend it on another. For the same reason it takes no proxy
 * from the environment (Flower's do): without TLS that could read and hold back what is sent.
 */
export class HttpChannel {
  /** Whether calls can be made: there is no one connection that all depend on. */
  readonly connected = true;
  readonly #pool: Pool;
  readonly #origin: string;
  readonly #callsUnderWay = new Set<AbortController>();
  #reached = false;
  #connections = 0;

  constructor(address: Address, security: ClientSecurity) {
    const scheme = security.insecure ? "http" : "https";
    this.#origin = `${scheme}://${formatAddress(address)}`;
    this.#pool = new Pool(this.#origin, {
      connect: (_options, connected) => connectHttp(address, security, PATIENCE_MS, connected),
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      // Calls have timers of their own, which end with them.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /**
   * How often the server was reached after it could not be, the first time included: one more than
   * before means that it was away.
   */
  get connections(): number {
    return this.#connections;
  }

  /**
   * Makes a unary call. Without `timeoutMs` it may take any time as long as something comes every
   * 30 s. Throws a `StatusError`: the server's, `UNAVAILABLE` when it cannot be reached,
   * `DEADLINE_EXCEEDED`, or `CANCELLED`.
   */
  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    const span = callTracer?.made(tracedCall("http", method));
    using call = this.#begin(options);
    const body = encode(method.input, request);
    const headers = {
      ...clientHeaders(options.headers ?? {}),
      ...span?.headers,
      accept: PROTOBUF,
    };
    try {
      const response = await this.#send(pathOf(method), body, headers, call);
      const collected = new CollectedBytes();
      for await (const chunk of response.body) {
        call.expectWithin(PATIENCE_MS);
        collected.add(chunk);
      }
      const answer = decode(method.output, collected.whole());
      span?.end("OK");
      return answer;
    } catch (error) {
      const failure = this.#toStatusError(error, call);
      span?.end(failure.status);
      throw failure;
    }
  }

  /** Makes a server-streaming call; leaving the loop early cancels it. */
  async *serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): AsyncGenerator<MessageShape<O>> {
    const span = callTracer?.made(tracedCall("http", method));
    let ended: StatusName = "CANCELLED";
    using call = this.#begin(options);
    const body = encode(method.input, request);
    const headers = {
      ...clientHeaders(options.headers ?? {}),
      ...span?.headers,
      accept: PROTOBUF_STREAM,
      "accept-encoding": "identity",
    };
    try {
      const response = await this.#send(pathOf(method), body, headers, call);
      // A log may be silent for as long as its run is.
      call.expectWithin(undefined);
      for await (const bytes of unframed(response.body, MAX_MESSAGE_BYTES)) {
        yield decode(method.output, bytes);
      }
      ended = "OK";
    } catch (error) {
      const failure = this.#toStatusError(error, call);
      ended = failure.status;
      throw failure;
    } finally {
      span?.end(ended);
    }
  }

  /** Drops all connections; calls under way end with `CANCELLED`. */
  close(): void {
    for (const call of this.#callsUnderWay) call.abort();
    void this.#pool.destroy();
  }

  /** Sends a request and gives an answer that is a success. */
  async #send(
    path: string,
    body: Uint8Array,
    headers: Readonly<Record<string, string>>,
    call: CallUnderWay,
  ): Promise<Dispatcher.ResponseData> {
    call.expectWithin(PATIENCE_MS + body.length / SLOWEST_UPLOAD_BYTES_A_MS);
    const response = await this.#pool.request({
      method: "POST",
      path,
      body,
      headers: { ...headers, "content-type": PROTOBUF },
      signal: call.signal,
    });
    call.expectWithin(PATIENCE_MS);
    const { statusCode } = response;
    if (GATEWAY_STATUSES.has(statusCode)) this.#reached = false;
    else this.#heard();
    if (statusCode >= 200 && statusCode < 300) {
      if (isAnswer(response.headers["content-type"])) return response;
      await response.body.dump({ limit: MAX_ERROR_BYTES });
      throw new StatusError("UNKNOWN", "What answers there is no Flower API.");
    }
    const { location } = response.headers;
    if (statusCode >= 300 && statusCode < 400 && typeof location === "string") {
      await response.body.dump({ limit: MAX_ERROR_BYTES });
      throw new StatusError("UNKNOWN", redirection(location, this.#origin + path));
    }
    throw errorOfResponse(statusCode, await errorText(response.body), dateOf(response.headers));
  }

  #heard(): void {
    if (!this.#reached) this.#connections++;
    this.#reached = true;
  }

  /** A call that ends early by the caller's signal, its time limit, or {@linkcode close}. */
  #begin({ signal: asked, timeoutMs }: CallOptions): CallUnderWay {
    const ended = new AbortController();
    const end = () => ended.abort();
    let isLate = false;
    const giveUp = () => {
      isLate = true;
      end();
    };
    const limit = timeoutMs === undefined ? undefined : setTimeout(giveUp, timeoutMs);
    let silence: ReturnType<typeof setTimeout> | undefined;
    const expectWithin = (ms: number | undefined) => {
      clearTimeout(silence);
      silence = ms === undefined ? undefined : setTimeout(giveUp, ms);
    };
    this.#callsUnderWay.add(ended);
    asked?.addEventListener("abort", end);
    if (asked?.aborted) end();
    return {
      signal: ended.signal,
      isLate: () => isLate,
      expectWithin,
      [Symbol.dispose]: () => {
        clearTimeout(limit);
        clearTimeout(silence);
        this.#callsUnderWay.delete(ended);
        asked?.removeEventListener("abort", end);
        end();
      },
    };
  }

  #toStatusError(error: unknown, call: CallUnderWay): StatusError {
    if (error instanceof StatusError) return error;
    if (call.isLate()) {
      return new StatusError("DEADLINE_EXCEEDED", "No answer came in time.", { cause: error });
    }
    if (call.signal.aborted) {
      return new StatusError("CANCELLED", "The call was given up.", { cause: error });
    }
    this.#reached = false;
    const words = error instanceof Error && error.message !== "" ? error.message : "It broke off.";
    return new StatusError("UNAVAILABLE", words, { cause: error });
  }
}

interface CallUnderWay extends Disposable {
  readonly signal: AbortSignal;
  /** Whether it ended because its time was over. */
  readonly isLate: () => boolean;
  /** Ends it when this is not called again within `ms` milliseconds; never for `undefined`. */
  readonly expectWithin: (ms: number | undefined) => void;
}

/** What a person is told of a redirect. */
function redirection(location: string, from: string): string {
  const url = URL.parse(location, from);
  const target = url === null ? "elsewhere" : `to "${url.origin}"`;
  return `It redirects ${target}, where signed requests do not follow. If that is the SuperLink, give ` +
    "its address.";
}

/** A message that no server of Flower's sent, such as the page of a proxy, is told by its type. */
function isAnswer(contentType: string | string[] | undefined): boolean {
  return typeof contentType === "string" &&
    (isProtobuf(contentType) || contentType === PROTOBUF_STREAM);
}

async function errorText(body: Dispatcher.ResponseData["body"]): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_ERROR_BYTES) break;
  }
  return text;
}

function dateOf({ date }: Dispatcher.ResponseData["headers"]): number | undefined {
  const ms = typeof date === "string" ? Date.parse(date) : NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

function decode<O extends DescMessage>(schema: O, bytes: Uint8Array): MessageShape<O> {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    throw new StatusError("INTERNAL", "Response message parsing error", { cause });
  }
}
