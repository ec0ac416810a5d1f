/**
 * Serves protobuf services to processes of this machine that have its key.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import type { DescMethod } from "@bufbuild/protobuf";
import { acceptAll } from "../accept.ts";
import { formatAddress } from "../address.ts";
import { decodeRequest } from "../decode_request.ts";
import { encode } from "../encode.ts";
import { CallObservation, type ObserveCall } from "../observed_call.ts";
import type { IncomingCall, Service } from "../service.ts";
import { isForLog, STATUS_NUMBERS, StatusError, toStatusError } from "../status.ts";
import { close } from "./close.ts";
import { type Frame, FRAME_KINDS, FrameWriter, readFrames } from "./frames.ts";
import { KEY_BYTES, type LocalApi } from "./local_api.ts";

/** How a {@linkcode LocalServer} serves. */
export interface LocalServerOptions {
  /** The largest request that is read. */
  readonly maxMessageBytes: number;
  /** Told of every call that ends in an error whose cause the process is not shown. */
  readonly onInternalError?: (method: string, error: unknown) => void;
  /** Told of every call once it has ended. */
  readonly onCall?: ObserveCall | undefined;
}

/** How long who has connected may take to say the key. */
const KEY_MS = 5_000;
/** Room for a method's name in the frame of the largest request. */
const NAME_BYTES = 256;
const NO_HEADERS = { text: () => undefined, bytes: () => undefined };
const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Route {
  readonly service: Service;
  readonly method: DescMethod;
}

interface Reply {
  readonly kind: number;
  readonly parts: readonly Uint8Array[];
}

/** One listening server. */
export class LocalServer {
  readonly #options: LocalServerOptions;
  readonly #routes = new Map<string, Route>();
  readonly #key = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  readonly #connections = new Set<Deno.Conn>();
  readonly #work = new Set<Promise<void>>();
  #listener: Deno.TcpListener | undefined;

  constructor(options: LocalServerOptions) {
    this.#options = options;
  }

  /** Adds the unary methods of a service. */
  add(service: Service): void {
    for (const method of service.descriptor.methods) {
      if (method.methodKind !== "unary") continue;
      this.#routes.set(`${service.descriptor.typeName}/${method.name}`, { service, method });
    }
  }

  /** Listens on any port that only this machine reaches. */
  listen(): LocalApi {
    const hostname = "127.0.0.1";
    this.#listener = Deno.listen({ hostname, port: 0 });
    void acceptAll(this.#listener, (connection) => this.#take(connection));
    return { address: { host: hostname, port: this.#listener.addr.port }, key: this.#key };
  }

  /** Takes no new connections and waits for calls under way, up to `graceMs`; then cuts them off. */
  async drain(graceMs: number): Promise<void> {
    this.#listener?.close();
    this.#listener = undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, graceMs));
    await Promise.race([Promise.all(this.#work), late]);
    clearTimeout(timer);
    for (const connection of this.#connections) connection.close();
    await Promise.all(this.#work);
  }

  #take(connection: Deno.TcpConn): void {
    connection.setNoDelay(true);
    this.#connections.add(connection);
    void this.#serve(connection).catch(() => {}).finally(() => {
      if (this.#connections.delete(connection)) close(connection);
    });
  }

  /** Ends with the connection, or throws when it does not keep to the frames. */
  async #serve(connection: Deno.TcpConn): Promise<void> {
    if (!await this.#saysKey(connection)) return;
    const writer = new FrameWriter(connection);
    const underWay = new Map<number, AbortController>();
    const { hostname: host, port } = connection.remoteAddr;
    const peer = formatAddress({ host, port });
    try {
      for await (
        const frame of readFrames(connection, this.#options.maxMessageBytes + NAME_BYTES)
      ) {
        if (frame.kind === FRAME_KINDS.cancel) underWay.get(frame.callId)?.abort();
        if (frame.kind !== FRAME_KINDS.call) continue;
        const call = new AbortController();
        underWay.set(frame.callId, call);
        const answered = this.#answer(frame, peer, writer, call.signal).finally(() => {
          underWay.delete(frame.callId);
          this.#work.delete(answered);
        });
        this.#work.add(answered);
      }
    } finally {
      for (const call of underWay.values()) call.abort();
    }
  }

  async #saysKey(connection: Deno.Conn): Promise<boolean> {
    const said = new Uint8Array(KEY_BYTES);
    const timer = setTimeout(() => close(connection), KEY_MS);
    try {
      for (let from = 0; from < KEY_BYTES;) {
        const count = await connection.read(said.subarray(from));
        if (count === null) return false;
        from += count;
      }
    } finally {
      clearTimeout(timer);
    }
    return timingSafeEqual(Buffer.from(said), Buffer.from(this.#key));
  }

  /** Answers one call; never rejects. */
  async #answer(
    { callId, payload }: Frame,
    peer: string,
    writer: FrameWriter,
    signal: AbortSignal,
  ): Promise<void> {
    const [nameLength = 0] = payload;
    const name = decoder.decode(payload.subarray(1, 1 + nameLength));
    const route = this.#routes.get(name);
    const seen = new CallObservation(this.#options.onCall, {
      transport: "local",
      service: route?.service.descriptor.typeName ?? "",
      method: route?.method.name ?? "",
    });
    const body = payload.subarray(1 + nameLength);
    const reply = await seen.run(() => this.#reply(name, route, body, seen, peer, signal));
    // A connection that is gone needs no answer.
    await writer.write(reply.kind, callId, ...reply.parts).catch(() => {});
  }

  async #reply(
    name: string,
    route: Route | undefined,
    body: Uint8Array,
    seen: CallObservation,
    peer: string,
    signal: AbortSignal,
  ): Promise<Reply> {
    try {
      if (!route) throw new StatusError("UNIMPLEMENTED", "Method not found!");
      const { service, method } = route;
      seen.bytesIn = body.length;
      const headers = NO_HEADERS;
      const incoming: IncomingCall = {
        ...{ method: method.name, headers, peer, patienceMs: Infinity, ended: seen.ended },
        // It is there already, and of our own app.
        limitBody() {},
      };
      const caller = seen.caller = await service.admit(incoming);
      const request = decodeRequest(method, body);
      const answer = await service.call(method, request, caller, signal);
      const bytes = encode(method.output, answer);
      seen.bytesOut = bytes.length;
      seen.end(signal.aborted ? "CANCELLED" : "OK");
      return { kind: FRAME_KINDS.answer, parts: [bytes] };
    } catch (error) {
      const status = toStatusError(error);
      seen.end(status.status);
      if (isForLog(status)) this.#options.onInternalError?.(name, error);
      const number = Uint8Array.of(STATUS_NUMBERS[status.status]);
      return { kind: FRAME_KINDS.refusal, parts: [number, encoder.encode(status.message)] };
    }
  }
}
