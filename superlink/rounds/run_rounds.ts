/**
 * How far runs are and how they do, by what their messages say: the replies of each round, and the mean
 * of each metric that they report. So a run has its progress and its plots whatever its app logs.
 *
 * It is told of messages while they are in memory anyway (`messages/message_watch.ts`), and writes what
 * it made of them behind, once a second at most for a round that changes: what a crash loses is a
 * second of a plot.
 *
 * A round is known by the group of its messages (Flower's strategies up to 1.20), by `server-round` in a
 * ConfigRecord of its instructions (later ones, and Trellis's own), or else by its turn.
 *
 * @module
 */

import type { Message, ObjectTree } from "../../proto/gen/flwr/proto/message_pb.ts";
import type { MessageWatch } from "../messages/message_watch.ts";
import { commit } from "../state/commit.ts";
import { keys, type MessageRow } from "../state/layout.ts";
import { dropOldest } from "../drop_oldest.ts";
import { addReply, type Round } from "./round.ts";
import { RoundsOfRun } from "./rounds_of_run.ts";
import { MAX_ROUND, SmallRecords } from "./small_records.ts";

/** Instructions that are waited for, and replies whose objects are; the oldest are let go. */
const MAX_WAITED_FOR = 50_000;
/** Runs that are remembered; those that nobody asked for longest are let go. */
const MAX_RUNS = 100;
/** Records of a message that are looked at. */
const MAX_RECORDS = 16;

/** Instructions with one content: those of a round, as most apps send them. */
interface Sent {
  readonly runId: bigint;
  readonly phase: string;
  readonly groupId: string;
  readonly recordIds: readonly string[];
  round?: number;
  /** Instructions that are not counted in a round, because it is not known yet. */
  uncounted: number;
}

interface Reply {
  readonly sent: Sent;
  readonly recordIds: readonly string[];
  readonly failed: boolean;
}

interface Followed {
  readonly rounds: RoundsOfRun;
  /** What an earlier process wrote is in it. */
  readonly loaded: Promise<void>;
  newest: Sent | undefined;
}

/** The rounds of all runs of a SuperLink that is alone on its database. */
export class RunRounds implements MessageWatch {
  readonly #kv: Deno.Kv;
  readonly #records = new SmallRecords();
  readonly #runs = new Map<bigint, Followed>();
  readonly #instructions = new Map<string, Sent>();
  readonly #replies = new Map<string, Reply>();
  #revision = 0;

  constructor(kv: Deno.Kv) {
    this.#kv = kv;
  }

  /** Another number after each change. */
  get revision(): number {
    return this.#revision;
  }

  instructed({ metadata }: Message, tree: ObjectTree): void {
    if (!metadata || this.#instructions.has(metadata.messageId)) return;
    const { runId, messageId, groupId, messageType } = metadata;
    const followed = this.#follow(runId);
    const phase = phaseOf(messageType);
    const recordIds = recordIdsOf(tree);
    const { newest } = followed;
    const isSame = newest?.phase === phase && newest.groupId === groupId &&
      newest.recordIds.join() === recordIds.join();
    const sent = isSame ? newest : { runId, phase, groupId, recordIds, uncounted: 0 };
    followed.newest = sent;
    sent.uncounted++;
    if (sent.round !== undefined) this.#count(sent, sent.round);
    remember(this.#instructions, messageId, sent);
    this.#revision++;
  }

  replied({ metadata, error }: Message, tree: ObjectTree): void {
    if (!metadata) return;
    const { runId, messageId, replyToMessageId, messageType, groupId } = metadata;
    // Not known: it was sent by an earlier process.
    const sent = this.#instructions.get(replyToMessageId) ??
      { runId, phase: phaseOf(messageType), groupId, recordIds: [], uncounted: 0 };
    this.#instructions.delete(replyToMessageId);
    const recordIds = recordIdsOf(tree);
    remember(this.#replies, messageId, { sent, recordIds, failed: error !== undefined });
  }

  stored(runId: bigint, objectId: string, content: Uint8Array): void {
    this.#records.add(runId, objectId, content);
  }

  completed({ messageId }: Pick<MessageRow, "messageId">): void {
    const reply = this.#replies.get(messageId);
    if (!reply) return;
    this.#replies.delete(messageId);
    const { sent, recordIds, failed } = reply;
    const { runId, phase } = sent;
    const followed = this.#follow(runId);
    const named = this.#roundOf(sent);
    this.#count(sent, named ?? nextRound(sent, followed.rounds));
    const records = this.#records.of(runId, recordIds);
    followed.rounds.change(phase, sent.round ?? 0, (round) => addReply(round, records, failed));
    // What is sent after a reply to instructions that name no round is the next one.
    if (named === undefined && followed.newest === sent) followed.newest = undefined;
    this.#revision++;
  }

  /** What is known of a run's rounds. */
  async of(runId: bigint): Promise<RoundsOfRun> {
    const { rounds, loaded, newest } = this.#follow(runId);
    await loaded;
    if (newest) {
      const round = this.#roundOf(newest);
      if (round !== undefined) this.#count(newest, round);
    }
    return rounds;
  }

  /** The number of a run's round, without a look at all of them; 0 when there is none. */
  async latest(runId: bigint): Promise<number> {
    if (this.#runs.has(runId)) return (await this.of(runId)).current?.number ?? 0;
    const prefix = keys.rounds(runId);
    for await (const { key } of this.#kv.list({ prefix }, { reverse: true, limit: 1 })) {
      return Number(key.at(-1));
    }
    return 0;
  }

  /** Writes what has changed. */
  async write(): Promise<void> {
    for (const [runId, { rounds, loaded }] of this.#runs) {
      if (!rounds.isDirty) continue;
      await loaded;
      await rounds.write(({ phase, number, round }) =>
        commit(this.#kv.atomic().set(keys.round(runId, phase, number), round))
      );
    }
  }

  /** The round that instructions name, once it is known. */
  #roundOf(sent: Sent): number | undefined {
    if (/^\d{1,9}$/.test(sent.groupId)) return Number(sent.groupId);
    const [named] = this.#records.of(sent.runId, sent.recordIds)
      .flatMap(({ round }) => round ?? []);
    return named;
  }

  /** Counts instructions in their round, now that it is known. */
  #count(sent: Sent, round: number): void {
    sent.round ??= Math.min(round, MAX_ROUND);
    const { runId, phase, uncounted } = sent;
    if (uncounted === 0) return;
    sent.uncounted = 0;
    const { rounds } = this.#follow(runId);
    rounds.change(phase, sent.round, (each) => each.sent += uncounted);
  }

  #follow(runId: bigint): Followed {
    const known = this.#runs.get(runId);
    if (known) return known;
    const rounds = new RoundsOfRun();
    const followed = { rounds, loaded: this.#load(runId, rounds), newest: undefined };
    this.#runs.set(runId, followed);
    for (const [oldest, { rounds }] of this.#runs) {
      if (this.#runs.size <= MAX_RUNS) break;
      if (!rounds.isDirty && oldest !== runId) this.#runs.delete(oldest);
    }
    return followed;
  }

  async #load(runId: bigint, rounds: RoundsOfRun): Promise<void> {
    try {
      for await (const { key, value } of this.#kv.list<Round>({ prefix: keys.rounds(runId) })) {
        const [, , phase, number] = key;
        rounds.restore(String(phase), Number(number), value);
      }
    } catch {
      // What cannot be read is not shown; the storage's own alarm tells.
    }
  }
}

/** The round of instructions that name none: the one after the newest, or that, if they are of it. */
function nextRound({ phase, uncounted }: Sent, rounds: RoundsOfRun): number {
  const newest = rounds.newest(phase);
  return uncounted > 0 || newest === 0 ? newest + 1 : newest;
}

/** `train` of `train` and of `train.with-dropout`. */
function phaseOf(messageType: string): string {
  return messageType.split(".")[0]?.slice(0, 20) ?? "";
}

/** The objects right below a message's content that may be records of numbers: those without children. */
function recordIdsOf({ children: [content] }: ObjectTree): string[] {
  const leaves = content?.children.filter(({ children }) => children.length === 0) ?? [];
  return leaves.slice(0, MAX_RECORDS).map(({ objectId }) => objectId);
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value);
  dropOldest(map, MAX_WAITED_FOR);
}
