import type { DescMethodUnary } from "@bufbuild/protobuf";
import type {
  SendAppHeartbeatRequestSchema,
  SendAppHeartbeatResponseSchema,
} from "../../proto/gen/flwr/proto/heartbeat_pb.ts";
import { StatusError } from "../../wire/status.ts";
import type { AppCalls } from "./app_calls.ts";
import { pause } from "./pause.ts";

/** `SendAppHeartbeat` of ServerAppIo or ClientAppIo. */
export type HeartbeatMethod = DescMethodUnary<
  typeof SendAppHeartbeatRequestSchema,
  typeof SendAppHeartbeatResponseSchema
>;

const CALL_TIMEOUT_MS = 5_000;
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 20_000;

/** Flower 1.25's pause: its interval of 30 s less 5 s for the call, times 0.7 to 0.9. */
function pauseMs(): number {
  return 25_000 * (0.7 + 0.2 * Math.random());
}

/** What {@linkcode startHeartbeats} works with. */
export interface HeartbeatOptions {
  readonly calls: AppCalls;
  readonly method: HeartbeatMethod;
  /** What the heartbeats keep good. */
  readonly token: string;
  /** Told when the token is not accepted any more; that was the last heartbeat. */
  readonly refused: () => void;
}

/** Sends heartbeats, the first at once, until the token is refused or they are disposed of. */
export function startHeartbeats(options: HeartbeatOptions): Disposable {
  const stop = new AbortController();
  sendUntilRefused(options, stop.signal).then(options.refused, (error) => {
    if (!stop.signal.aborted) throw error;
  });
  return {
    [Symbol.dispose]() {
      stop.abort();
    },
  };
}

async function sendUntilRefused(
  { calls, method, token }: HeartbeatOptions,
  signal: AbortSignal,
): Promise<void> {
  let retryMs = FIRST_RETRY_MS;
  for (;;) {
    try {
      const { success } = await calls.once(method, { token }, CALL_TIMEOUT_MS, signal);
      if (!success) return;
      retryMs = FIRST_RETRY_MS;
      await pause(pauseMs(), signal);
    } catch (error) {
      signal.throwIfAborted();
      // Whatever went wrong, the token may still be good: try again until it is refused.
      if (!(error instanceof StatusError)) throw error;
      await pause(retryMs * Math.random(), signal);
      retryMs = Math.min(2 * retryMs, MAX_RETRY_MS);
    }
  }
}
