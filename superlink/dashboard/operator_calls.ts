/**
 * Calls of the page to the services that the CLI calls: what it does is bounded, written to the audit
 * log and answered as what an operator does over the Control API.
 *
 * @module
 */

import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { Service } from "../../wire/service.ts";
import { NO_ACCOUNT } from "../accounts.ts";
import type { ControlCaller, TokenHolder } from "../control/caller.ts";

/** Who acts: whoever may open the page. */
const THE_PAGE: TokenHolder = { tokenId: "page", name: "the page", role: "admin" };

/** Calls a method for somebody at the page; `peer` is where their browser is. */
export type OperatorCall = <I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  peer: string,
) => Promise<MessageShape<O>>;

/** Makes the calls of some services. */
export function operatorCalls(services: readonly Service[]): OperatorCall {
  return async (method, request, peer) => {
    const service = services.find(({ descriptor }) => descriptor === method.parent);
    if (!service) throw new TypeError(`No service has ${method.name}.`);
    const caller: ControlCaller = { account: NO_ACCOUNT, peer, holder: THE_PAGE };
    const message = create(method.input, request);
    const { signal } = new AbortController();
    const answer = await service.call(method, message, caller, signal);
    // Services are typed by the descriptors of all messages; bytes give this one's type back.
    const output: DescMessage = method.output;
    return fromBinary(method.output, toBinary(output, create(output, answer)));
  };
}
