import type { ContentMessage, Message } from "../records/message.ts";
import { DEFAULT_ACTION, MessageCategory, parseMessageType } from "../records/message_type.ts";
import { RecordDict } from "../records/record_dict.ts";
import type { Context } from "./context.ts";

/**
 * Does what an instruction asks for and gives the reply's content. What it throws reaches the
 * ServerApp as an error reply.
 */
export type ClientHandler = (
  message: ContentMessage,
  context: Context,
) => RecordDict | Promise<RecordDict>;

/** There is no handler for a message's type. The text is that of Flower 1.25. */
export class NoHandlerError extends Error {
  override readonly name = "NoHandlerError";
}

/**
 * The part of an app that runs on the nodes. It has a handler for each kind of message that it
 * answers.
 *
 * Each message finds the app's modules as if they had just been loaded, as with Flower in Python,
 * whose apps have a new process for each: variables outside of the handlers do not last. What is to
 * be found again at the run's next message on this node belongs into `context.state`. The process may
 * be the same, but do not count on it, and leave nothing running: timers end with their message.
 *
 * ```ts
 * import { arraysOf, ClientApp, intOf, MetricRecord, RecordDict } from "@trellis/sdk";
 *
 * export const app = new ClientApp()
 *   .train((message, context) => {
 *     const arrays = arraysOf(message.content);
 *     const partition = intOf(context.nodeConfig, "partition-id", 0);
 *     // ... train the model on this node's part of the data ...
 *     const metrics = new MetricRecord({ "train-loss": 0.5 / (partition + 1), "num-examples": 10n });
 *     return new RecordDict({ arrays, metrics });
 *   })
 *   .evaluate((message) => {
 *     arraysOf(message.content);
 *     const metrics = new MetricRecord({ "eval-loss": 0.25, "num-examples": 10n });
 *     return new RecordDict({ metrics });
 *   });
 * ```
 */
export class ClientApp {
  readonly #handlers = new Map<string, ClientHandler>();

  /**
   * Answers messages of the type `train`, or `train.<action>`.
   *
   * @throws {RecordError} when the action is not a Python identifier.
   * @throws {TypeError} when there is a handler already.
   */
  train(handler: ClientHandler, action: string = DEFAULT_ACTION): this {
    return this.#register(MessageCategory.TRAIN, action, handler);
  }

  /** As {@linkcode train}, for `evaluate`. */
  evaluate(handler: ClientHandler, action: string = DEFAULT_ACTION): this {
    return this.#register(MessageCategory.EVALUATE, action, handler);
  }

  /** As {@linkcode train}, for `query`. */
  query(handler: ClientHandler, action: string = DEFAULT_ACTION): this {
    return this.#register(MessageCategory.QUERY, action, handler);
  }

  /**
   * Answers a message and gives the reply's content.
   *
   * @throws {NoHandlerError} when the app has no handler for the message's type.
   * @throws {TypeError} when the handler gives something else than records.
   */
  async handle(message: Message, context: Context): Promise<RecordDict> {
    if (message.error !== undefined) {
      throw new TypeError("An instruction carries content, and this one carries an error.");
    }
    const { category, action } = parseMessageType(message.metadata.messageType);
    const handler = this.#handlers.get(`${category}.${action}`);
    if (handler === undefined) {
      throw new NoHandlerError(`No ${category} function registered with name '${action}'`);
    }
    const content: unknown = await handler(message, context);
    // The handler may come from code that was never type-checked.
    if (content instanceof RecordDict) return content;
    throw new TypeError(`The handler of '${category}.${action}' gave no RecordDict.`);
  }

  #register(category: string, action: string, handler: ClientHandler): this {
    const messageType = `${category}.${action}`;
    parseMessageType(messageType);
    if (this.#handlers.has(messageType)) {
      throw new TypeError(`The app has a handler for '${messageType}' already.`);
    }
    this.#handlers.set(messageType, handler);
    return this;
  }
}
