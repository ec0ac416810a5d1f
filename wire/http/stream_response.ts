import { encode } from "../encode.ts";
import { frame } from "./framing.ts";
import type { AdmittedCall } from "./handler.ts";
import { toStatusError } from "../status.ts";
import { PROTOBUF_STREAM } from "./media_types.ts";

/**
 * How long a stream may take to its first message or error before its headers go out, in
 * milliseconds. An error that comes later can only break the stream off, and Flower's CLI waits 30 s
 * for the headers.
 */
const HEADERS_AFTER_MS = 1_000;

/**
 * Answers a server-streaming call with a body of frames. Throws what the method throws before its
 * first message, as long as that can still be told with a status; `brokenOff` is told what it throws
 * later.
 */
export async function streamResponse(
  { service, method, message, seen, ended }: AdmittedCall,
  brokenOff: (error: unknown) => void,
): Promise<Response> {
  const gone = new AbortController();
  const leave = () => {
    gone.abort();
    seen.end("CANCELLED");
  };
  ended.addEventListener("abort", leave);
  if (ended.aborted) leave();
  const answers = service.stream(method, message, seen.caller, gone.signal)[Symbol.asyncIterator]();
  let first: ReturnType<typeof answers.next> | undefined = answers.next();
  // Whoever reads the stream gets the error; nobody does when it is given up before.
  first.catch(() => {});
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, HEADERS_AFTER_MS);
  try {
    await Promise.race([first, late]);
  } finally {
    clearTimeout(timer);
  }
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = first ?? answers.next();
      first = undefined;
      try {
        const { done, value } = await next;
        // Nobody reads on: the stream is cancelled already.
        if (gone.signal.aborted) return;
        if (done) {
          controller.close();
          seen.end("OK");
          return;
        }
        const bytes = encode(method.output, value);
        seen.bytesOut += bytes.length;
        controller.enqueue(frame(bytes));
      } catch (error) {
        seen.end(toStatusError(error).status);
        brokenOff(error);
        throw error;
      }
    },
    async cancel() {
      leave();
      await answers.return?.();
    },
  }, { highWaterMark: 0 });
  const headers = { "content-type": PROTOBUF_STREAM, "cache-control": "no-store" };
  return new Response(body, { headers });
}
