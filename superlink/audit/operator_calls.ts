/**
 * The lines of what operators ask for, at the boundary of the services that they call: Flower's Control
 * API in its versions, and those of `trellis.v1`. A method that only looks has no line, unless it is
 * refused; a method that nobody has thought of has one.
 *
 * @module
 */

import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import type { Service } from "../../wire/service.ts";
import { StatusError } from "../../wire/status.ts";
import { NO_ACCOUNT } from "../accounts.ts";
import type { ControlCaller } from "../control/caller.ts";
import { RoleError } from "../control/gate.ts";
import type { AuditTrail, AuditWho } from "./audit.ts";
import { faultIn, subjectOf, subjectsOf } from "./call_subjects.ts";
import { TokenUses } from "./token_uses.ts";

/** What methods are called in the log. */
const ACTIONS: ReadonlyMap<string, string> = new Map([
  ["RegisterNode", "node.register"],
  ["RegisterNodes", "node.register"],
  ["UnregisterNode", "node.unregister"],
  ["UpdateNode", "node.update"],
  ["RotateKey", "node.rotate"],
  ["SuspendNodes", "node.suspend"],
  ["ResumeNodes", "node.resume"],
  ["StartRun", "run.start"],
  ["StopRun", "run.stop"],
  ["PullArtifacts", "artifact.pull"],
  ["CreateToken", "token.create"],
  ["RevokeToken", "token.revoke"],
  ["ApproveLogin", "login.approve"],
  ["RefuseLogin", "login.refuse"],
]);

/** Methods that change nothing, or only bring a caller's own token (which is noted when it is used). */
const LOOKS = /^(?:List|Show|Stream|Get|WhoAmI$|Refresh)/;

/** How a method is called in the log. */
export function actionOf(method: string): string {
  return ACTIONS.get(method) ?? `control.${method}`;
}

/** A service of which each call that changes something has its line, and each refusal is noted. */
export function withAudit(service: Service, trail: AuditTrail): Service {
  const tokenUses = new TokenUses(trail);
  return {
    descriptor: service.descriptor,

    async admit(call) {
      const { method, peer: from } = call;
      try {
        const caller = await service.admit(call);
        if (isControlCaller(caller)) tokenUses.used(caller);
        return caller;
      } catch (error) {
        const who = error instanceof RoleError
          ? whoOf({ account: NO_ACCOUNT, peer: from, holder: error.holder })
          : {};
        trail.note({
          ...{ who, action: actionOf(method), subject: {}, from },
          ...{ outcome: "refused", reason: reasonOf(error) },
        });
        throw error;
      }
    },

    async call(method, request, caller, signal) {
      const act = () => service.call(method, request, caller, signal);
      if (LOOKS.test(method.name) || !isControlCaller(caller)) return await act();
      const common = { who: whoOf(caller), action: actionOf(method.name), from: caller.peer };
      const asked = subjectOf(request);
      await trail.ready();
      let answer: MessageInitShape<DescMessage>;
      try {
        answer = await act();
      } catch (error) {
        trail.note({ ...common, subject: asked, outcome: "refused", reason: reasonOf(error) });
        throw error;
      }
      const fault = faultIn(answer);
      if (fault !== undefined) {
        trail.note({ ...common, subject: asked, outcome: "refused", reason: fault });
        return answer;
      }
      const subjects = subjectsOf(request, answer).map((subject) => ({ ...asked, ...subject }));
      await Promise.all(
        subjects.map((subject) => trail.record({ ...common, subject, outcome: "done" })),
      );
      return answer;
    },

    stream: (method, request, caller, signal) => service.stream(method, request, caller, signal),
  };
}

/** Who an operator is, as the log says it. */
export function whoOf({ account, holder }: ControlCaller): AuditWho {
  if (holder) return { tokenId: holder.tokenId, tokenName: holder.name };
  return { account: account.id === NO_ACCOUNT.id ? "anybody" : account.name };
}

function isControlCaller(caller: unknown): caller is ControlCaller {
  return typeof caller === "object" && caller !== null && "account" in caller && "peer" in caller;
}

function reasonOf(error: unknown): string {
  return error instanceof StatusError ? error.message : "It failed, see the SuperLink's log.";
}
