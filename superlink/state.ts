/**
 * The state of a SuperLink: who its nodes are, its runs, their messages and objects, and what was seen
 * of proofs. There is one set of rules, and two ways to keep what they are decided on.
 *
 * **Alone.** One SuperLink holds the database. What it asks for on every call is in memory and on disk:
 * rows of nodes and messages, leases, which objects are awaited, the window of proofs. A transition
 * takes its turn in this process, decides on memory, commits, and then changes memory. A heartbeat or
 * a pull without a message reads nothing of the disk but the node's inbox.
 *
 * **Shared.** Several SuperLinks serve one database: isolates of Deno Deploy, or of `deno serve
 * --parallel`. No truth is in memory, because each of them may end at any time and knows nothing of the
 * others. The same rules then work on ports of which the other half reads the database each time:
 *
 * | what | alone | shared |
 * |---|---|---|
 * | rows of nodes | `NodeRows`, kept once read | read each time |
 * | leases, and who holds one | `LocalLeases`, `HttpSessions` | `SharedLeases`, `SharedSessions` |
 * | proofs that were seen | `LocalGuard`: a window and marks | `SharedGuard`: a row for each, that expires |
 * | nonces of SuperExecs | `LocalNonces` | `SharedNonces` |
 * | registrations of a host | `PeerLimit` | `SharedRegistrationLimit` |
 * | turns of a run | `LocalTurns`: a queue | `SharedTurns`: a row that every commit checks |
 * | rows of messages | `CachedRows` | `StoredRows` |
 * | which objects are awaited | `LocalAwaitedObjects` | `DerivedAwaitedObjects` |
 * | instructions handed out | `LocalHandedOut` | `StoredHandedOut`: an index |
 * | objects let go lately | `LocalReleasedObjects` | `SharedReleasedObjects`, that expire |
 * | leases of tokens | `LocalTokenLeases` | `SharedTokenLeases` |
 * | the end of a log | in memory | a row that every commit checks |
 * | waking who waits | `LocalBells` | `SharedBells`, watched |
 * | large bytes | files | chunks in the database, and a cache of what never changes |
 *
 * Whoever decides in the shared way reads first, and commits under a check that what it read is still
 * so: the row of the node, the lease, the token or the run, or for all that hangs together in a run the
 * row of its turn. When a check fails, another one was faster; nothing was written, and the transition
 * begins anew (`state/transitions.ts`). So the last word has the database, as alone, and `kill -9` at
 * any moment leaves nothing to repair.
 *
 * What stays in memory there is written behind (what a run cost, at most a second late), bounds what
 * one process takes on (calls at once, failed proofs, the length of a log), or costs no more than an
 * empty answer when it is lost.
 *
 * @module
 */

import { LocalNonces, type UsedNonces } from "../apps/runtime/superexec_auth.ts";
import type { TimestampWindow } from "../keys/timestamp.ts";
import { ReplayGuard } from "../keys/replay_guard.ts";
import type { Log } from "../terminal/log.ts";
import { Grants } from "./access/grants.ts";
import { Logins } from "./access/logins.ts";
import type { AuditTrail } from "./audit/audit.ts";
import { AuditEvents } from "./audit/events.ts";
import { HttpSessions, type Sessions } from "./auth/http_sessions.ts";
import { LocalGuard, type ProofGuard } from "./auth/proof_guard.ts";
import { type Allowance, PeerLimit } from "./auth/peer_limit.ts";
import { SharedGuard } from "./auth/shared_guard.ts";
import { SharedNonces } from "./auth/shared_nonces.ts";
import { SharedRegistrationLimit } from "./auth/shared_peer_limit.ts";
import { SharedSessions } from "./auth/shared_sessions.ts";
import { type Bells, LocalBells, topics } from "./bells.ts";
import type { Clock } from "./clock.ts";
import { LocalHandedOut, StoredHandedOut } from "./messages/handed_out.ts";
import type { MessageWatch } from "./messages/message_watch.ts";
import { MessageStore } from "./messages/message_store.ts";
import { Messages } from "./messages/messages.ts";
import { LocalTurns, type RunTurns, SharedTurns } from "./messages/run_turns.ts";
import { Objects } from "./objects/objects.ts";
import { LocalReleasedObjects, SharedReleasedObjects } from "./objects/released_objects.ts";
import type { RunOnlooker } from "./onlooker.ts";
import { Imports } from "./registry/imports.ts";
import { Fabs } from "./runs/fabs.ts";
import { Runs } from "./runs/runs.ts";
import { SharedBells } from "./shared_bells.ts";
import type { Database } from "./state/database.ts";
import { keys, type NodeRow } from "./state/layout.ts";
import { Marks } from "./state/marks.ts";
import { keyIdsOf } from "./state/node_keys.ts";
import type { NodeEvents } from "./state/node.ts";
import { Nodes } from "./state/nodes.ts";
import { SharedLeases } from "./state/shared_leases.ts";

/** What a state is opened with. */
export interface StateOptions {
  /** Says whether the state is shared. */
  readonly database: Database;
  readonly window: Required<TimestampWindow>;
  readonly registrationsPerMinute: number;
  readonly clock: Clock;
  readonly log: Log;
  /** A run has ended, and what its messages left is about to be deleted. */
  readonly runEnded: (runId: bigint) => void;
  readonly runOnlooker?: RunOnlooker | undefined;
  /** Follows the messages of a SuperLink that is alone. */
  readonly messageWatch?: MessageWatch | undefined;
  /** Takes what happens without an operator. */
  readonly audit: AuditTrail;
}

/** What services work on. */
export interface State {
  readonly nodes: Nodes;
  readonly runs: Runs;
  readonly fabs: Fabs;
  readonly messages: Messages;
  readonly objects: Objects;
  readonly bells: Bells;
  readonly guard: ProofGuard;
  readonly nonces: UsedNonces;
  readonly httpSessions: Sessions;
  readonly registrations: Allowance;
  readonly grants: Grants;
  readonly logins: Logins;
  readonly imports: Imports;
}

/** The ports that differ between the two ways. */
interface Parts {
  readonly bells: Bells;
  readonly guard: ProofGuard;
  readonly nonces: UsedNonces;
  readonly httpSessions: Sessions;
  readonly registrations: Allowance;
  readonly turns: RunTurns;
  readonly objects: Objects;
  nodes(events: NodeEvents): Promise<Nodes>;
  messages(nodes: Nodes): Promise<Messages>;
}

/** Opens a state. */
export async function openState(options: StateOptions): Promise<State> {
  const { database: { kv, blobs, shared }, clock, log, runEnded, runOnlooker } = options;
  const events = new AuditEvents(options.audit);
  const { nodes: nodesWith, messages: messagesOf, ...parts } = shared
    ? sharedParts(options)
    : await ownParts(options);
  const { bells, guard, httpSessions, objects } = parts;
  const nodes = await nodesWith({
    expired(row) {
      bells.ring(topics.nodes);
      logExpired(log, row);
      events.byClock("node.expire", row);
    },
    unregistered(row) {
      bells.ring(topics.inbox(row.nodeId));
      bells.ring(topics.nodes);
      for (const keyId of keyIdsOf(row)) {
        guard.forget(keyId);
        httpSessions.forget(keyId);
      }
    },
    barred(row) {
      bells.ring(topics.inbox(row.nodeId));
      bells.ring(topics.nodes);
      for (const keyId of keyIdsOf(row)) httpSessions.forget(keyId);
    },
    finished: (nodeId) => bells.ring(topics.inbox(nodeId)),
    keyEnded({ nodeId }, keyId) {
      // A pull that was proved by it may be held.
      bells.ring(topics.inbox(nodeId));
      guard.forget(keyId);
      httpSessions.forget(keyId);
    },
  });
  const messages = await messagesOf(nodes);
  const runs = new Runs({
    kv,
    bells,
    shared,
    onStatus: runOnlooker && ((row) => runOnlooker.came(row)),
    onEnded: (row) => events.runEnded(row),
    async onFinished({ runId }) {
      runEnded(runId);
      await messages.deleteRun(runId);
    },
  });
  if (!shared) await runs.recover(clock.nowMicros());
  const grants = new Grants(kv, clock, (grant) => events.loginCopied(grant));
  const logins = new Logins(kv, grants, clock);
  const imports = new Imports({ kv, nodes, shared, audit: options.audit, clock, log });
  if (!shared) await imports.finish();
  return {
    ...parts,
    objects,
    nodes,
    messages,
    runs,
    fabs: new Fabs(blobs),
    grants,
    logins,
    imports,
  };
}

async function ownParts(options: StateOptions): Promise<Parts> {
  const { database: { kv, blobs, durable }, clock, log } = options;
  const startMicros = clock.nowMicros();
  const bells = new LocalBells();
  const marks = durable ? new Marks(kv) : undefined;
  const restoredMicros = (await kv.get<number>(keys.restored)).value;
  const guard = new ReplayGuard({
    windowMicros: windowMicros(options.window),
    // What was seen before a start is not known when nothing outlives the process, nor what was seen
    // before a restore: the marks of the backup say nothing of what was accepted after it.
    ...(durable ? {} : { floorMicros: startMicros }),
    ...(restoredMicros === null
      ? {}
      : { floorMicros: restoredMicros + options.window.driftMs * 1_000 }),
  });
  const turns = new LocalTurns(kv);
  const released = new LocalReleasedObjects();
  const objects = new Objects({ kv, blobs, turns, released, shared: false });
  await objects.recover();
  return {
    bells,
    turns,
    objects,
    guard: new LocalGuard(guard, marks),
    nonces: new LocalNonces(clock),
    httpSessions: new HttpSessions(clock),
    registrations: new PeerLimit(options.registrationsPerMinute, clock),
    nodes: (events) => Nodes.open(kv, events, log, startMicros, marks),
    async messages(nodes) {
      const { store, unconfirmed } = await MessageStore.open({ kv, objects, turns });
      const handedOut = new LocalHandedOut(unconfirmed);
      const repeatBeforeMicros = startMicros;
      const watch = options.messageWatch;
      return new Messages({
        ...{ store, objects, nodes, bells, turns, handedOut, repeatBeforeMicros, watch },
      });
    },
  };
}

function sharedParts(options: StateOptions): Parts {
  const { database: { kv, blobs }, clock } = options;
  const bells = new SharedBells(kv);
  const leases = new SharedLeases(kv, clock);
  const turns = new SharedTurns(kv);
  const released = new SharedReleasedObjects(kv);
  const objects = new Objects({ kv, blobs, turns, released, shared: true });
  return {
    bells,
    turns,
    objects,
    guard: new SharedGuard(kv, clock, windowMicros(options.window)),
    nonces: new SharedNonces(kv, clock),
    httpSessions: new SharedSessions(leases),
    registrations: new SharedRegistrationLimit(kv, options.registrationsPerMinute, clock),
    nodes: (events) =>
      Promise.resolve(new Nodes(kv, { events, leases, shared: true, marks: undefined })),
    messages: (nodes) =>
      Promise.resolve(
        new Messages({
          store: MessageStore.shared({ kv, objects, turns }),
          objects,
          nodes,
          bells,
          turns,
          handedOut: new StoredHandedOut(kv),
          // Another one may have ended before its answer arrived.
          repeatBeforeMicros: Number.POSITIVE_INFINITY,
        }),
      ),
  };
}

function windowMicros({ toleranceMs, driftMs }: Required<TimestampWindow>): number {
  return (toleranceMs + driftMs) * 1000;
}

function logExpired(log: Log, { nodeId, fingerprint }: NodeRow): void {
  const sentence = `SuperNode ${nodeId} went offline: it was not heard of for its lease.`;
  log.info("node.expired", sentence, { nodeId: String(nodeId), fingerprint });
}
