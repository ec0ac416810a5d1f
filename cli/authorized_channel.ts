import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { CallOptions } from "../wire/grpc/client.ts";
import { StatusError } from "../wire/status.ts";
import type { Credentials } from "./credentials.ts";

/** What calls are made over, whichever the transport. */
export interface CallChannel {
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): Promise<MessageShape<O>>;
  serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): AsyncIterable<MessageShape<O>>;
}

/**
 * A channel that sends a token with each call. A call that is not known any more is made once again
 * with what `renew` gives, if it gives something.
 */
export function authorized(
  channel: CallChannel,
  credentials: Credentials,
  renew: (credentials: Credentials) => Promise<Credentials | undefined>,
): CallChannel {
  let current = credentials;
  const options = (given: CallOptions = {}): CallOptions => ({
    ...given,
    headers: {
      ...given.headers,
      text: { ...given.headers?.text, authorization: `Bearer ${current.token}` },
    },
  });
  const renewed = async (error: unknown): Promise<boolean> => {
    if (!(error instanceof StatusError) || error.status !== "UNAUTHENTICATED") return false;
    const next = await renew(current);
    if (next) current = next;
    return next !== undefined;
  };
  return {
    async unary(method, request, given) {
      try {
        return await channel.unary(method, request, options(given));
      } catch (error) {
        if (!await renewed(error)) throw error;
        return await channel.unary(method, request, options(given));
      }
    },
    async *serverStream(method, request, given) {
      let answered = false;
      try {
        for await (const answer of channel.serverStream(method, request, options(given))) {
          answered = true;
          yield answer;
        }
        return;
      } catch (error) {
        if (answered || !await renewed(error)) throw error;
      }
      yield* channel.serverStream(method, request, options(given));
    },
  };
}
