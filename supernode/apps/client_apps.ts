/**
 * The ClientApps of a SuperNode: which message waits for one, which has one, and what came of it.
 *
 * A ClientApp process has a token, and there is one token for a run at a time: the next message of
 * a run waits until the context of the one before is back, because that is where an app's state is.
 *
 * @module
 */

import { encodeHex } from "@std/encoding";
import type { Context, Message, ObjectTree } from "../../proto/gen/flwr/proto/message_pb.ts";
import { ExitError } from "../../terminal/errors.ts";
import type { Log } from "../../terminal/log.ts";
import { StatusError } from "../../wire/status.ts";
import { randomId } from "../../records/random_id.ts";
import type { Clock } from "../clock.ts";
import { Bell } from "../waiting.ts";
import type { Instruction } from "../work/instruction.ts";
import type { NodeRun } from "../work/node_runs.ts";
import type { ObjectStore } from "../work/object_store.ts";
import { checkReply } from "./check_reply.ts";
import type { ClientAppProcess, Session, StartClientApp, Task, TaskEnd } from "./task.ts";
import { warnWhenUnattended } from "./unattended.ts";

/** What the ClientApps depend on. */
export interface ClientAppsOptions {
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly log: Log;
  /** Starts the process of a ClientApp; absent when others do that. */
  readonly start: StartClientApp | undefined;
}

/** A token lives this long before the first heartbeat, and after each, as in Flower 1.25. */
const FIRST_LIFE_MS = 30_000;
const LIFE_MS = 60_000;
/** How long a process may take to end when it is told to. */
const STOP_MS = 2_000;
const TOKEN_BYTES = 128;
/** More of what an app says of its end does not go to the ServerApp. */
const MAX_DETAILS = 1_000;

/** The ClientApps of one SuperNode. */
export class ClientApps {
  readonly #options: ClientAppsOptions;
  readonly #waiting: Task[] = [];
  readonly #sessions = new Map<string, Session>();
  readonly #processes = new Set<ClientAppProcess>();
  readonly #changes = new Bell();

  constructor(options: ClientAppsOptions) {
    this.#options = options;
  }

  /** Has a message handled, after those of its run that came before; never rejects. */
  handle(instruction: Instruction, run: NodeRun): Promise<TaskEnd> {
    const task: Task = { taskId: randomId(), instruction, run, ended: Promise.withResolvers() };
    this.#waiting.push(task);
    this.#changes.ring();
    this.#startWaiting();
    const { start, clock, log } = this.#options;
    if (!start) void warnWhenUnattended(task, () => this.#isUnattended(task), { clock, log });
    return task.ended.promise;
  }

  /** Gives a message up: its process, if it has one, is stopped, and nobody gets an answer. */
  abandon({ metadata: { messageId } }: Instruction): void {
    this.#end(messageId, { kind: "abandoned" }, "The run is over.");
  }

  /** Answers all messages for ClientApps that will not, and stops their processes. */
  async stop(reason: string): Promise<void> {
    const tasks = [
      ...this.#waiting,
      ...[...this.#sessions.values()].flatMap(({ task }) => task ?? []),
    ];
    for (const { instruction } of tasks) {
      this.#end(instruction.metadata.messageId, { kind: "crashed", reason }, reason);
    }
    await Promise.all([...this.#processes].map((process) => process.stop(STOP_MS)));
  }

  /** The messages that wait for a process, one a run, the longest wait first. */
  pending(): Task[] {
    const first = new Map<bigint, Task>();
    for (const task of this.#waiting) {
      const { runId } = task.run.run;
      if (!first.has(runId) && !this.#isOpen(runId)) first.set(runId, task);
    }
    return [...first.values()];
  }

  /** Waits until something may be {@linkcode pending} that was not, at most `waitMs`. */
  async untilPending(waitMs: number, signal: AbortSignal): Promise<void> {
    await this.#changes.wait(waitMs, this.#options.clock, signal);
  }

  /** A token for a message that is {@linkcode pending}. */
  claim(taskId: bigint): string | undefined {
    const task = this.pending().find((task) => task.taskId === taskId);
    return task && this.#open(task.run.run.runId).token;
  }

  /** A token for a run of which a message is {@linkcode pending}. */
  requestToken(runId: bigint): string | undefined {
    const task = this.pending().find(({ run }) => run.run.runId === runId);
    return task && this.claim(task.taskId);
  }

  /** The run of a token that is good. */
  runIdOf(token: string): bigint | undefined {
    return this.#sessions.get(token)?.runId;
  }

  /** The message that a token's process has or will be given. Throws a `StatusError`. */
  taskOf(token: string): Task {
    const { task, runId } = this.#session(token);
    const found = task ?? this.#waiting.find(({ run }) => run.run.runId === runId);
    if (found) return found;
    throw new StatusError("NOT_FOUND", `There is no message of run ${runId}.`);
  }

  /**
   * Gives the oldest message of the token's run to the token's process, and the same one if it asks
   * again. From now on the message is answered whatever becomes of the process.
   */
  begin(token: string): Task {
    const session = this.#session(token);
    const task = this.#take(session);
    if (!task) throw new StatusError("NOT_FOUND", `There is no message of run ${session.runId}.`);
    this.heartbeat(token);
    return task;
  }

  /** Hands out the message of the token's process, which it then works on. */
  takeMessage(token: string): Instruction {
    const { instruction } = this.begin(token);
    this.#session(token).takenMs ??= this.#options.clock.nowMs();
    return instruction;
  }

  /** Takes a reply without its payload, and gives the ids of the objects that are wanted. */
  pushReply(token: string, message: Message | undefined, tree: ObjectTree | undefined): string[] {
    const session = this.#session(token);
    const { task, takenMs } = session;
    if (!task || takenMs === undefined) {
      throw new StatusError("FAILED_PRECONDITION", "There was no message to reply to.");
    }
    const reply = checkReply(task.instruction.metadata, message, tree);
    const { objects, clock } = this.#options;
    const { messageId } = reply;
    if (session.reply && session.reply.tree.objectId !== messageId) {
      throw new StatusError("FAILED_PRECONDITION", "There was a reply before.");
    }
    const missing = objects.announce(session.runId, messageId, reply.objects);
    const runtimeSeconds = (clock.nowMs() - takenMs) / 1000;
    session.reply ??= { message: reply.message, tree: reply.tree, runtimeSeconds };
    this.#endIfComplete(session);
    return missing;
  }

  /** Told when an object was put: it may have completed a reply. */
  objectArrived(): void {
    for (const session of this.#sessions.values()) this.#endIfComplete(session);
  }

  /**
   * Keeps the context for the next message, and takes the token back. An app that says why it ends
   * without a reply is believed.
   */
  finish(token: string, context: Context | undefined, details = ""): void {
    const session = this.#session(token);
    if (context && context.runId !== session.runId) {
      throw new StatusError("INVALID_ARGUMENT", "The context is not one of the token's run.");
    }
    if (context) this.taskOf(token).run.context = context;
    const why = details === "" ? "." : `: ${details.slice(0, MAX_DETAILS).toWellFormed()}`;
    this.#close(session, `The ClientApp ended without a complete reply${why}`);
  }

  /** Whether the token is still good; it then lives on. */
  heartbeat(token: string): boolean {
    const session = this.#sessions.get(token);
    if (!session) return false;
    session.expiresMs = this.#options.clock.nowMs() + LIFE_MS;
    return true;
  }

  #session(token: string): Session {
    const session = this.#sessions.get(token);
    if (session) return session;
    throw new StatusError("PERMISSION_DENIED", "Invalid token.");
  }

  /** The session's message: from now on the oldest that waits, if it has none. */
  #take(session: Session): Task | undefined {
    if (session.task) return session.task;
    const index = this.#waiting.findIndex(({ run }) => run.run.runId === session.runId);
    const [task] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (task) session.task = task;
    return task;
  }

  #isOpen(runId: bigint): boolean {
    return [...this.#sessions.values()].some((session) => session.runId === runId);
  }

  #open(runId: bigint): Session {
    const { clock } = this.#options;
    const session: Session = {
      token: encodeHex(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES))),
      runId,
      closed: new AbortController(),
      expiresMs: clock.nowMs() + FIRST_LIFE_MS,
    };
    this.#sessions.set(session.token, session);
    if (!this.#options.start) void this.#expire(session);
    return session;
  }

  async #expire(session: Session): Promise<void> {
    const { clock } = this.#options;
    const { signal } = session.closed;
    while (!signal.aborted) {
      const leftMs = session.expiresMs - clock.nowMs();
      if (leftMs > 0) await clock.sleep(leftMs, signal);
      else this.#close(session, "No heartbeat received from the ClientApp.");
    }
  }

  #isUnattended(task: Task): boolean {
    return this.#waiting.includes(task) && !this.#isOpen(task.run.run.runId);
  }

  #startWaiting(): void {
    const { start } = this.#options;
    if (!start) return;
    for (const { run } of this.pending()) void this.#launch(this.#open(run.run.runId), start);
  }

  async #launch(session: Session, start: StartClientApp): Promise<void> {
    const { log } = this.#options;
    const { runId, token } = session;
    // A process of our own is there for one message: whatever becomes of it, that one is answered.
    this.#take(session);
    let process: ClientAppProcess;
    try {
      process = await start(this.taskOf(token).run.runtime, token);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      // What to do is for whoever runs this SuperNode, not for the ServerApp.
      const remedy = error instanceof ExitError ? error.remedy : undefined;
      const sentence = `The ClientApp of run ${runId} cannot be started. ${reason}`;
      log.error("app.not_started", [sentence, ...(remedy ? [remedy] : [])].join(" "), {
        runId: `${runId}`,
      });
      this.#close(session, `The ClientApp could not be started: ${reason}`);
      return;
    }
    session.process = process;
    this.#processes.add(process);
    if (session.closed.signal.aborted) void process.stop(STOP_MS);
    const { code, signal } = await process.exited;
    this.#processes.delete(process);
    const how = signal === null ? `exit code ${code}` : signal;
    this.#close(session, `The ClientApp process ended without a reply (${how}).`);
  }

  #endIfComplete({ task, reply }: Session): void {
    if (!task || !reply || !this.#options.objects.isComplete(reply.tree.objectId)) return;
    task.ended.resolve({ kind: "replied", ...reply });
  }

  /** Takes a token back. A message without a complete reply gets the reason instead. */
  #close(session: Session, reason: string): void {
    if (!this.#sessions.delete(session.token)) return;
    session.closed.abort();
    session.task?.ended.resolve({ kind: "crashed", reason });
    const { objects } = this.#options;
    const { reply } = session;
    if (reply && !objects.isComplete(reply.tree.objectId)) objects.release(reply.tree.objectId);
    this.#startWaiting();
    this.#changes.ring();
  }

  #end(messageId: string, end: TaskEnd, reason: string): void {
    const index = this.#waiting.findIndex(({ instruction }) =>
      instruction.metadata.messageId === messageId
    );
    const [waiting] = index < 0 ? [] : this.#waiting.splice(index, 1);
    waiting?.ended.resolve(end);
    for (const session of [...this.#sessions.values()]) {
      if (session.task?.instruction.metadata.messageId !== messageId) continue;
      session.task.ended.resolve(end);
      void session.process?.stop(STOP_MS);
      this.#close(session, reason);
    }
  }
}
