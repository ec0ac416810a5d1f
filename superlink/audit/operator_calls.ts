/**
 * The lines of what operators ask for, at the boundary of the services that they call: Flower's Control
 * API in its versions, and those of `trellis.v1`. A method that only looks has no line, unless it is
 * refused; a method that nobody has thought of has one.
 *
 * @module
 */

import type { DescMessage, Message, MessageInitShape } from "@bufbuild/protobuf";
import type { Service } from "../../wire/service.ts";
import { StatusError } from "../../wire/status.ts";
import { NO_ACCOUNT } from "../accounts.ts";
import { readSpkiPem } from "../auth/known_keys.ts";
import type { ControlCaller } from "../control/caller.ts";
import type { AuditSubject, AuditTrail, AuditWho } from "./audit.ts";
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
        const action = actionOf(method);
        trail.note({
          ...{ who: {}, action, subject: {}, from },
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

/**
 * What a request or an answer names. Versions of Flower have messages of their own with the same names
 * for the same fields.
 */
function subjectOf(message: Message | MessageInitShape<DescMessage>): AuditSubject {
  const id = (name: string) => {
    const value: unknown = Reflect.get(message, name);
    return typeof value === "bigint" ? value : undefined;
  };
  const publicKey: unknown = Reflect.get(message, "publicKey");
  const tokenId: unknown = Reflect.get(message, "id");
  const token: unknown = Reflect.get(message, "token");
  const fab: unknown = Reflect.get(message, "fab");
  const fabHash: unknown = isObject(fab) ? Reflect.get(fab, "hashStr") : undefined;
  const code: unknown = Reflect.get(message, "code");
  const found: AuditSubject = {
    nodeId: id("nodeId"),
    runId: id("runId"),
    fingerprint: publicKey instanceof Uint8Array
      ? readSpkiPem(new TextDecoder().decode(publicKey))?.fingerprint
      : undefined,
    ...(typeof tokenId === "string" ? { tokenId } : isObject(token) ? subjectOf(token) : {}),
    ...(typeof fabHash === "string" && fabHash !== "" ? { detail: `FAB ${fabHash}` } : {}),
    ...(typeof code === "string" ? { detail: `login ${code}` } : {}),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

/** One for each node of a call that changed several, or one. */
function subjectsOf(
  request: Message,
  answer: MessageInitShape<DescMessage>,
): readonly AuditSubject[] {
  const nodeIds: unknown = Reflect.get(answer, "nodeIds");
  if (Array.isArray(nodeIds)) return nodeIds.map((nodeId) => ({ nodeId }));
  const nodes: unknown = Reflect.get(answer, "nodes");
  if (!Array.isArray(nodes)) return [subjectOf(answer)];
  const asked: unknown = Reflect.get(request, "nodes");
  return nodes.filter(isObject).map((node, index) => {
    const of: unknown = Array.isArray(asked) ? asked[index] : undefined;
    const outcome: unknown = Reflect.get(node, "outcome");
    return {
      ...(isObject(of) ? subjectOf(of) : {}),
      ...subjectOf(node),
      ...(typeof outcome === "string" ? { detail: outcome } : {}),
    };
  });
}

function isObject(value: unknown): value is MessageInitShape<DescMessage> {
  return typeof value === "object" && value !== null;
}
