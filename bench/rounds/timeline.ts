/**
 * Where the time of one phase of a round (train or evaluate) goes: from the ServerApp's push of its
 * messages to its next, along the node whose reply came last.
 *
 * @module
 */

import { median } from "../median.ts";
import type { TracedCall } from "./trace.ts";

/** The steps of a phase, in their order. */
export const STEPS = [
  "ServerApp pushes the messages and their objects",
  "the node's pull is answered",
  "the node has all objects",
  "the ClientApp makes its first call",
  "the ClientApp has its message",
  "the ClientApp begins to reply",
  "the node has the whole reply",
  "the node begins to send the reply",
  "the SuperLink has the whole reply",
  "the ServerApp's pull is answered",
  "the ServerApp has all objects",
  "the ServerApp pushes the next messages",
] as const;

/** How long each step of a phase took, in milliseconds. */
export type Phase = readonly number[];

/** The phases in a trace, without those that are not whole. */
export function phasesOf(calls: readonly TracedCall[]): Phase[] {
  const pushes = calls.filter(is("ServerAppIo", "PushMessages"));
  return pushes.flatMap((push, index) => {
    const next = pushes[index + 1];
    if (!next) return [];
    const during = calls.filter(({ startMs, endMs }) =>
      endMs >= push.startMs && startMs < next.startMs
    );
    // The last phase of a run is not followed by a push of its own.
    const isLast = during.some(is("ServerAppIo", "PushAppOutputs"));
    const phase = isLast ? undefined : phaseOf(during, push.startMs, next.startMs);
    return phase ? [phase] : [];
  });
}

/** The median of each step. */
export function medianPhase(phases: readonly Phase[]): Phase {
  return STEPS.map((_, step) => median(phases.map((phase) => phase[step] ?? NaN)));
}

function phaseOf(
  calls: readonly TracedCall[],
  startMs: number,
  endMs: number,
): Phase | undefined {
  const serverApp = of(calls, "ServerAppIo");
  const fleet = of(calls, "Fleet");
  const slowest = fleet.filter(({ method }) => method.startsWith("Push")).toSorted(byEnd).at(-1);
  if (!slowest) return undefined;
  const { nodeId } = slowest;
  const node = fleet.filter((call) => call.nodeId === nodeId);
  const clientApp = clientAppOf(calls, nodeId);

  const hasMessages = ({ method, messages }: TracedCall) =>
    method === "PullMessages" && messages > 0;
  const pulled = node.find(hasMessages)?.endMs;
  const answered = serverApp.findLast(hasMessages)?.endMs;
  // Some nodes start the ClientApp before they have all objects.
  const hasAll = Math.min(wholeAt(node) ?? pulled ?? Infinity, clientApp[0]?.startMs ?? Infinity);

  const reached = [
    last(serverApp, "PushObject") ?? last(serverApp, "PushMessages"),
    pulled,
    hasAll,
    clientApp[0]?.startMs,
    last(clientApp, "ConfirmMessageReceived"),
    first(clientApp, "PushMessage"),
    last(clientApp, "PushObject") ?? last(clientApp, "PushMessage"),
    first(node, "PushMessages"),
    last(node, "PushObject") ?? last(node, "PushMessages"),
    answered,
    wholeAt(serverApp) ?? answered,
    endMs,
  ];

  let beforeMs = startMs;
  const steps: number[] = [];
  for (const atMs of reached) {
    if (atMs === undefined || !Number.isFinite(atMs)) return undefined;
    steps.push(Math.max(0, atMs - beforeMs));
    beforeMs = Math.max(beforeMs, atMs);
  }
  return steps;
}

/** The calls of the process that had this node's message; its first ones do not name the node. */
function clientAppOf(calls: readonly TracedCall[], nodeId: string): TracedCall[] {
  const all = of(calls, "ClientAppIo");
  const pids = new Set(all.filter((call) => call.nodeId === nodeId).map(({ pid }) => pid));
  return all.filter(({ pid }) => pids.has(pid));
}

function of(calls: readonly TracedCall[], service: string): TracedCall[] {
  return calls.filter((call) => call.service === service);
}

function is(service: string, method: string): (call: TracedCall) => boolean {
  return (call) => call.service === service && call.method === method;
}

function first(calls: readonly TracedCall[], method: string): number | undefined {
  return calls.find((call) => call.method === method)?.startMs;
}

function last(calls: readonly TracedCall[], method: string): number | undefined {
  return calls.filter((call) => call.method === method).toSorted(byEnd).at(-1)?.endMs;
}

/** When who pulled had all objects, as far as that took calls: of ours they may come with the pull. */
function wholeAt(calls: readonly TracedCall[]): number | undefined {
  return last(calls, "ConfirmMessageReceived") ?? last(calls, "PullObject");
}

function byEnd(a: TracedCall, b: TracedCall): number {
  return a.endMs - b.endMs;
}
