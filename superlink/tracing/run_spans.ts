/**
 * The spans of runs: a run from its start to its end, its ServerApp, and each message from the moment
 * that it was handed out until its reply came. Loaded only where OpenTelemetry is on.
 *
 * They are in memory: what happens to a run after the SuperLink was started anew is told by spans that
 * name the run and have no parent.
 *
 * @module
 */

import {
  type Attributes,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import type { Message } from "../../proto/gen/flwr/proto/message_pb.ts";
import { tracer } from "../../wire/deno_tracer.ts";
import type { RunOnlooker } from "../onlooker.ts";
import type { RunRow } from "../state/layout.ts";

interface TracedRun {
  readonly run: Span | undefined;
  app: Span | undefined;
  /** What is out, by its node and id. */
  readonly messages: Map<string, Span>;
}

/** Runs, and messages of one, that are followed at once; what is more has no spans. */
const RUN_LIMIT = 1_000;
const MESSAGE_LIMIT = 10_000;

/** The spans of the runs of one SuperLink. */
export class RunSpans implements RunOnlooker {
  readonly #runs = new Map<bigint, TracedRun>();

  came(row: RunRow): void {
    const { runId, status } = row;
    switch (status) {
      case "pending":
        // The call that starts a run is its parent; a run that is pending again has its span.
        if (!this.#runs.has(runId)) this.#begin(runId, startSpan("run", attributesOf(runId)));
        return;
      case "starting":
        return;
      case "running": {
        const traced = this.#of(runId);
        if (traced) traced.app ??= startSpan("serverapp", attributesOf(runId), traced.run);
        return;
      }
      case "finished":
        this.#end(row);
    }
  }

  handedOut(nodeId: bigint, { metadata }: Message): void {
    const traced = metadata && this.#of(metadata.runId);
    if (!traced) return;
    const { runId, messageId, messageType } = metadata;
    const known = traced.messages.get(keyOf(nodeId, messageId));
    if (known) {
      known.addEvent("trellis.handed_out_again");
      return;
    }
    if (traced.messages.size >= MESSAGE_LIMIT) return;
    const span = startSpan(
      `message ${messageType.split(".")[0]}`,
      { ...attributesOf(runId), "flwr.message_id": messageId, "flwr.node_id": String(nodeId) },
      traced.app ?? traced.run,
    );
    traced.messages.set(keyOf(nodeId, messageId), span);
  }

  replied(nodeId: bigint, { metadata, error }: Message): void {
    const messages = metadata && this.#runs.get(metadata.runId)?.messages;
    const key = keyOf(nodeId, metadata?.replyToMessageId ?? "");
    const span = messages?.get(key);
    if (!span) return;
    messages?.delete(key);
    if (error) {
      span.setAttribute("flwr.error_code", Number(error.code));
      // The reason may quote what is the node's own.
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span.end();
  }

  /** Ends all spans as they are, so that they are sent. */
  stop(): void {
    for (const traced of this.#runs.values()) endAll(traced);
    this.#runs.clear();
  }

  /** What is known of a run; one of an earlier process is known from its next word on. */
  #of(runId: bigint): TracedRun | undefined {
    return this.#runs.get(runId) ?? this.#begin(runId, undefined);
  }

  #begin(runId: bigint, run: Span | undefined): TracedRun | undefined {
    if (this.#runs.size >= RUN_LIMIT) {
      run?.end();
      return undefined;
    }
    const traced: TracedRun = { run, app: undefined, messages: new Map() };
    this.#runs.set(runId, traced);
    return traced;
  }

  #end({ runId, end }: RunRow): void {
    const traced = this.#runs.get(runId);
    if (!traced) return;
    this.#runs.delete(runId);
    for (const span of [traced.run, traced.app]) {
      span?.setAttribute("flwr.run_status", `finished:${end}`);
      if (end === "failed") span?.setStatus({ code: SpanStatusCode.ERROR });
    }
    endAll(traced);
  }
}

function endAll({ run, app, messages }: TracedRun): void {
  for (const span of messages.values()) span.end();
  app?.end();
  run?.end();
}

/** Begins a span below `parent`, or without one below the call under way. */
function startSpan(name: string, attributes: Attributes, parent?: Span): Span {
  const call = trace.getActiveSpan()?.spanContext();
  if (!parent) return tracer.startSpan(name, { attributes }, context.active());
  // The call belongs to another trace: the one of the SuperNode or the ServerApp.
  const links = call ? [{ context: call }] : [];
  return tracer.startSpan(name, { attributes, links }, trace.setSpan(ROOT_CONTEXT, parent));
}

/** Numbers of 64 bits are texts in a span. */
function attributesOf(runId: bigint): Attributes {
  return { "flwr.run_id": String(runId) };
}

function keyOf(nodeId: bigint, messageId: string): string {
  return `${nodeId}/${messageId}`;
}
