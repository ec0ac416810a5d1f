/**
 * What an operator's call is about, as its lines in the audit log say it.
 *
 * @module
 */

import type { DescMessage, Message, MessageInitShape } from "@bufbuild/protobuf";
import { readSpkiPem } from "../auth/known_keys.ts";
import type { AuditSubject } from "./audit.ts";
import { expiryText, labelsText } from "./said_of_node.ts";

/**
 * What a request or an answer names. Versions of Flower have messages of their own with the same names
 * for the same fields.
 */
export function subjectOf(message: Message | MessageInitShape<DescMessage>): AuditSubject {
  const of = (name: string): unknown => Reflect.get(message, name);
  const id = (name: string) => {
    const value = of(name);
    return typeof value === "bigint" ? value : undefined;
  };
  const [publicKey, tokenId, code] = [of("publicKey"), of("id"), of("code")];
  const [token, fab] = [of("token"), of("fab")];
  const fabHash: unknown = isObject(fab) ? Reflect.get(fab, "hashStr") : undefined;
  const found: AuditSubject = {
    nodeId: id("nodeId"),
    runId: id("runId"),
    fingerprint: publicKey instanceof Uint8Array
      ? readSpkiPem(new TextDecoder().decode(publicKey))?.fingerprint
      : undefined,
    ...(typeof tokenId === "string" ? { tokenId } : isObject(token) ? subjectOf(token) : {}),
    ...(typeof fabHash === "string" && fabHash !== "" ? { detail: `FAB ${fabHash}` } : {}),
    ...(typeof code === "string" ? { detail: `login ${code}` } : {}),
    ...roleOf(of("role"), of("name")),
  };
  return defined(found);
}

/** One for each node that a call for several changed, or one. */
export function subjectsOf(
  request: Message,
  answer: MessageInitShape<DescMessage>,
): readonly AuditSubject[] {
  const nodeIds: unknown = Reflect.get(answer, "nodeIds");
  if (Array.isArray(nodeIds)) return nodeIds.map((nodeId) => ({ nodeId }));
  const node: unknown = Reflect.get(answer, "node");
  // How a node is once it was changed; of one that has another key that is not news.
  if (isObject(node) && "setLabels" in request) return [saidOfNode(node, true)];
  const nodes: unknown = Reflect.get(answer, "nodes");
  if (!Array.isArray(nodes)) return [subjectOf(answer)];
  const asked: unknown = Reflect.get(request, "nodes");
  const subjects = nodes.filter(isObject).map((node, index) => {
    const of: unknown = Array.isArray(asked) ? asked[index] : undefined;
    const outcome: unknown = Reflect.get(node, "outcome");
    return {
      ...(isObject(of) ? { ...subjectOf(of), ...saidOfNode(of, false) } : {}),
      ...subjectOf(node),
      ...(typeof outcome === "string" ? { detail: outcome } : {}),
    };
  });
  // A large file that is imported each night would fill the log with what is as it was.
  const changed = subjects.filter(({ detail }) => detail !== "unchanged");
  const unchanged = subjects.length - changed.length;
  return unchanged > 1 ? [...changed, { detail: `unchanged: ${unchanged}` }] : subjects;
}

/** Why nothing was done although there is an answer: nodes that cannot be registered are named in it. */
export function faultIn(answer: MessageInitShape<DescMessage>): string | undefined {
  const faults: unknown = Reflect.get(answer, "faults");
  if (!Array.isArray(faults) || faults.length === 0) return undefined;
  const first: unknown = faults[0];
  const text: unknown = isObject(first) ? Reflect.get(first, "text") : undefined;
  return faults.length === 1 ? String(text) : `${text} (and ${faults.length - 1} more)`;
}

/** What is said of a node: all that it is, or what a request gives. */
function saidOfNode(node: MessageInitShape<DescMessage>, all: boolean): AuditSubject {
  const of = (name: string): unknown => Reflect.get(node, name);
  const [name, location, labels] = [of("name"), of("location"), of("labels")];
  const inner: unknown = isObject(labels) ? Reflect.get(labels, "labels") ?? labels : undefined;
  return defined({
    name: typeof name === "string" ? name : undefined,
    location: typeof location === "string" ? location : undefined,
    labels: isObject(inner) ? labelsText(inner) : undefined,
    expires: expiryOf(all ? of("expiresAt") ?? "never" : of("expiry")),
    status: of("suspended") === true ? "suspended" : undefined,
  });
}

function expiryOf(expiry: unknown): string | undefined {
  if (typeof expiry === "bigint") return expiryText(Number(expiry));
  if (expiry === "never") return expiryText(undefined);
  if (!isObject(expiry)) return undefined;
  const value: unknown = Reflect.get(expiry, "value");
  return expiryOf(value === true ? "never" : value);
}

/** Of tokens and logins: what they allow, and what they are called. */
function roleOf(role: unknown, name: unknown): AuditSubject {
  if (typeof role !== "string" || role === "") return {};
  return { role, ...(typeof name === "string" && name !== "" ? { name } : {}) };
}

function defined(subject: AuditSubject): AuditSubject {
  return Object.fromEntries(Object.entries(subject).filter(([, value]) => value !== undefined));
}

function isObject(value: unknown): value is MessageInitShape<DescMessage> {
  return typeof value === "object" && value !== null;
}
