import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { formatAddress } from "../../wire/address.ts";
import { StatusError } from "../../wire/status.ts";
import type { AppApi, AppChannel } from "./app_channel.ts";
import { pause } from "./pause.ts";

/** What {@linkcode AppCalls} works with. */
export interface AppCallsOptions {
  readonly api: AppApi;
  /** Told once when the other side cannot be reached, and once when it can be again. */
  readonly say: (text: string) => void;
}

const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 20_000;

/**
 * An app process's calls to the SuperLink or SuperNode that it works for. As in Flower 1.25, a call
 * that meets `UNAVAILABLE` is made again for ever, after 1, 2, 4, 8, 16, 20, 20 … s, each times a
 * random factor from 0 to 1; and so is one whose connection broke.
 */
export class AppCalls implements Disposable {
  readonly #address: string;
  readonly #channel: AppChannel;
  readonly #say: (text: string) => void;
  #isLost = false;

  constructor({ api, say }: AppCallsOptions) {
    this.#address = formatAddress(api.address);
    this.#channel = api.open();
    this.#say = say;
  }

  /** Makes a call until it is answered. Throws a `StatusError`, or the signal's reason. */
  async make<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    signal: AbortSignal,
  ): Promise<MessageShape<O>> {
    for (let tries = 0;; tries++) {
      signal.throwIfAborted();
      try {
        const answer = await this.#channel.unary(method, request, { signal });
        this.#found();
        return answer;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof StatusError) || !isLostConnection(error)) throw error;
        this.#lost(error);
      }
      const delayMs = Math.min(FIRST_DELAY_MS * 2 ** tries, MAX_DELAY_MS) * Math.random();
      await pause(delayMs, signal);
    }
  }

  /** Makes a call once. Throws a `StatusError`, `DEADLINE_EXCEEDED` after `timeoutMs`. */
  once<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<MessageShape<O>> {
    return this.#channel.unary(method, request, { timeoutMs, signal });
  }

  [Symbol.dispose](): void {
    this.#channel[Symbol.dispose]();
  }

  #lost(error: StatusError): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#say(`${this.#address} cannot be reached, trying again: ${error.message}`);
  }

  #found(): void {
    if (!this.#isLost) return;
    this.#isLost = false;
    this.#say(`${this.#address} can be reached again.`);
  }
}

/** Whether a call got no answer of the service. gRPC tells a broken connection in several ways. */
function isLostConnection({ status, message }: StatusError): boolean {
  return status === "UNAVAILABLE" || status === "CANCELLED" ||
    status === "INTERNAL" && /^Received RST_STREAM with code [1-9]/.test(message);
}
