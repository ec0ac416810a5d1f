import { StatusError, type StatusName } from "../../wire/status.ts";
import type { LifeCycleCalls } from "../life_cycle.ts";

/** What a scripted call does: answers, refuses, or runs code first. */
export type Answer<T> = T | StatusError | ((signal: AbortSignal) => T | Promise<T>);

/** A refusal, in Flower's words. */
export function refusal(status: StatusName, words: string): StatusError {
  return new StatusError(status, words);
}

export const ALREADY_ONLINE = refusal(
  "FAILED_PRECONDITION",
  "SuperNode with node ID 7 could not be activated.",
);
export const UNKNOWN_KEY = refusal(
  "FAILED_PRECONDITION",
  "No SuperNode found with the given public key.",
);
export const UNKNOWN_NODE = refusal("UNAUTHENTICATED", "Invalid node ID");

/** Answers of each call, in order; the last one is repeated. */
export interface Script {
  readonly registerNode?: readonly Answer<bigint>[];
  readonly activateNode?: readonly Answer<bigint>[];
  readonly deactivateNode?: readonly Answer<void>[];
  readonly unregisterNode?: readonly Answer<void>[];
  readonly sendHeartbeat?: readonly Answer<boolean>[];
}

/** The calls of a SuperNode's life with scripted answers, and a record of them. */
export class FakeFleet implements LifeCycleCalls {
  readonly calls: string[] = [];
  readonly #script: Script;
  readonly #used = new Map<string, number>();

  constructor(script: Script = {}) {
    this.#script = script;
  }

  registerNode(signal: AbortSignal): Promise<bigint> {
    return this.#answer("registerNode", this.#script.registerNode ?? [7n], signal);
  }

  activateNode(signal: AbortSignal): Promise<bigint> {
    return this.#answer("activateNode", this.#script.activateNode ?? [7n], signal);
  }

  deactivateNode(nodeId: bigint): Promise<void> {
    return this.#answer(`deactivateNode ${nodeId}`, this.#script.deactivateNode ?? [undefined]);
  }

  unregisterNode(nodeId: bigint): Promise<void> {
    return this.#answer(`unregisterNode ${nodeId}`, this.#script.unregisterNode ?? [undefined]);
  }

  sendHeartbeat(nodeId: bigint, signal: AbortSignal): Promise<boolean> {
    const answers = this.#script.sendHeartbeat ?? [true];
    return this.#answer(`sendHeartbeat ${nodeId}`, answers, signal);
  }

  async #answer<T>(
    call: string,
    answers: readonly Answer<T>[],
    signal: AbortSignal = new AbortController().signal,
  ): Promise<T> {
    this.calls.push(call);
    const used = this.#used.get(call) ?? 0;
    this.#used.set(call, used + 1);
    const answer = answers[Math.min(used, answers.length - 1)]!;
    if (answer instanceof StatusError) throw answer;
    return answer instanceof Function ? await answer(signal) : answer;
  }
}
