/**
 * What is told to the audit log: who did what, to what, from where, and how it ended. Those who act
 * know only this port; where there is no file (a state in memory, or one that several share), nobody
 * listens.
 *
 * @module
 */

import { StatusError } from "../../wire/status.ts";

/** Who acted, as far as it was proved. Never a secret: tokens have ids, keys have fingerprints. */
export interface AuditWho {
  /** The name of an account. */
  readonly account?: string | undefined;
  /** The id of the token that was sent, and what it is called. */
  readonly tokenId?: string | undefined;
  readonly tokenName?: string | undefined;
  /** `SHA256:…` of the key that was proved, or claimed where the outcome is a refusal. */
  readonly fingerprint?: string | undefined;
  /** What the SuperLink itself did, for example by the clock. */
  readonly program?: string | undefined;
}

/** What was acted on. Ids are decimal, as people see them. */
export interface AuditSubject {
  readonly nodeId?: bigint | undefined;
  readonly runId?: bigint | undefined;
  readonly fingerprint?: string | undefined;
  readonly tokenId?: string | undefined;
  /** What a token or login allows. */
  readonly role?: string | undefined;
  /** What operators said of a node, as the texts of `said_of_node.ts`. */
  readonly name?: string | undefined;
  readonly location?: string | undefined;
  readonly labels?: string | undefined;
  readonly expires?: string | undefined;
  /** `suspended` when it was registered so. */
  readonly status?: string | undefined;
  /** What else there is to say, in a few words: the app of a run, the way it ended. */
  readonly detail?: string | undefined;
}

/** One line of the audit log. */
export interface AuditEntry {
  readonly who: AuditWho;
  /** What was done, for example `node.register`. */
  readonly action: string;
  readonly subject: AuditSubject;
  /** `address:port` of the peer. */
  readonly from?: string | undefined;
  readonly outcome: "done" | "refused";
  /** Why it was refused, as the peer or the log is told. */
  readonly reason?: string | undefined;
}

/** Takes entries. Use {@linkcode audited} for what an operator asks for. */
export interface AuditTrail {
  /** Throws a `StatusError` when nothing can be recorded now, so that nothing may be done. */
  ready(): Promise<void>;
  /**
   * Comes back once the entry is on disk, and throws a `StatusError` when it cannot be. Refusals are
   * only noted.
   */
  record(entry: AuditEntry): Promise<void>;
  /** For what nobody waits for; never throws. Refusals past a bounded rate are counted, not kept. */
  note(entry: AuditEntry): void;
}

/** Keeps nothing. */
export const NO_AUDIT: AuditTrail = {
  ready: () => Promise.resolve(),
  record: () => Promise.resolve(),
  note() {},
};

/** What is known of an action before it is done. */
export type AuditedAction = Omit<AuditEntry, "outcome" | "reason">;

/**
 * Does something of which there must be a line: not at all when none can be written, and it is over
 * only when the line is on disk. `subjectOf` adds what is known once it is done.
 */
export async function audited<T>(
  trail: AuditTrail,
  action: AuditedAction,
  act: () => Promise<T>,
  subjectOf: (result: T) => AuditSubject = () => ({}),
): Promise<T> {
  await trail.ready();
  let result: T;
  try {
    result = await act();
  } catch (error) {
    const reason = error instanceof StatusError ? error.message : "It failed; see the log.";
    trail.note({ ...action, outcome: "refused", reason });
    throw error;
  }
  const subject = { ...action.subject, ...subjectOf(result) };
  await trail.record({ ...action, subject, outcome: "done" });
  return result;
}
