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
import type { AuditTrail } from "../audit/audit.ts";
import { actionOf, whoOf } from "../audit/operator_calls.ts";
import type { ControlCaller } from "../control/caller.ts";
import { requireRole } from "../control/gate.ts";
import { PageError, type PageRequest } from "./routes.ts";

/**
 * Calls a method for who asked for something on the page. Throws `PERMISSION_DENIED` when their role
 * does not allow it.
 */
export type OperatorCall = <I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  asked: Pick<PageRequest, "holder" | "peer">,
) => Promise<MessageShape<O>>;

/** Makes the calls of some services. */
export function operatorCalls(services: readonly Service[], trail: AuditTrail): OperatorCall {
  return async (method, request, { holder, peer }) => {
    const service = services.find(({ descriptor }) => descriptor === method.parent);
    if (!service) throw new TypeError(`No service has ${method.name}.`);
    if (!holder) throw new PageError(401, "You are not signed in.");
    const caller: ControlCaller = { account: NO_ACCOUNT, peer, holder };
    try {
      requireRole(holder, method.name);
    } catch (error) {
      const reason = error instanceof Error ? error.message : "";
      trail.note({
        ...{ who: whoOf(caller), action: actionOf(method.name), subject: {}, from: peer },
        ...{ outcome: "refused", reason },
      });
      throw error;
    }
    const message = create(method.input, request);
    const { signal } = new AbortController();
    const answer = await service.call(method, message, caller, signal);
    // Services are typed by the descriptors of all messages; bytes give this one's type back.
    const output: DescMessage = method.output;
    return fromBinary(method.output, toBinary(output, create(output, answer)));
  };
}
