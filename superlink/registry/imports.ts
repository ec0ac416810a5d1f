/**
 * Many nodes as one: either all of them are registered or changed, or none, also when the process is
 * killed at any moment.
 *
 * Their rows are more than a commit of Deno KV takes. So what is wanted is written down first, row by
 * row, and then accepted by one commit. What was not accepted is deleted later; what was is carried out,
 * each node in a commit that also crosses it off, and whatever is left of it after a crash is carried
 * out at the next start, before the SuperLink serves.
 *
 * @module
 */

import type { AuditTrail } from "../audit/audit.ts";
import { expiryText, labelsText } from "../audit/said_of_node.ts";
import { batches } from "../state/batches.ts";
import { commit } from "../state/commit.ts";
import { deletePrefix } from "../state/delete_prefix.ts";
import { keys } from "../state/layout.ts";
import {
  cleanNewNode,
  type Enrolled,
  type EnrolledBy,
  type EnrolmentOptions,
  enrolNode,
  type NewNode,
} from "./enrol_node.ts";

/** What imports work on. */
export interface ImportsOptions extends EnrolmentOptions {
  readonly kv: Deno.Kv;
  /** Whether other processes carry out imports on the same database. */
  readonly shared: boolean;
  readonly audit: AuditTrail;
}

/** An import that was accepted. */
interface ImportRow extends EnrolledBy {
  /** In microseconds since the epoch. */
  readonly at: number;
}

/** A node of an import that is left to do. */
interface StagedRow {
  readonly at: number;
  readonly node: NewNode;
}

/** The most staged nodes in one commit: one has 11 KB at most, and Deno KV takes 800 KiB. */
const STAGED_IN_COMMIT = 50;
/** Commits that are under way at once. */
const AT_ONCE = 16;
/** After this time another process that shares the database takes an import for interrupted. */
const INTERRUPTED_AFTER_MICROS = 600_000_000;

/** The imports of a registry. */
export class Imports {
  readonly #options: ImportsOptions;
  /** Those that this process is at. */
  readonly #underWay = new Set<string>();

  constructor(options: ImportsOptions) {
    this.#options = options;
  }

  /**
   * Registers or changes nodes that were looked at: all, once this has accepted them. A node of which
   * the key was burned or became another account's meanwhile is left out.
   */
  async carryOut(
    nodes: readonly NewNode[],
    by: EnrolledBy,
  ): Promise<readonly (Enrolled | undefined)[]> {
    const { kv, clock } = this.#options;
    const id = crypto.randomUUID();
    const at = clock.nowMicros();
    this.#underWay.add(id);
    try {
      for (const batch of batches([...nodes.entries()], STAGED_IN_COMMIT)) {
        const operation = kv.atomic();
        for (const [index, node] of batch) {
          const row: StagedRow = { at, node };
          operation.set(keys.importNode(id, index), row);
        }
        await commit(operation);
      }
      const row: ImportRow = { ...by, at };
      await commit(kv.atomic().set(keys.import(id), row));
      return await this.#doAll(id, nodes.entries(), by);
    } finally {
      this.#underWay.delete(id);
    }
  }

  /** Carries out what is left of imports that were interrupted, and deletes what was not accepted. */
  async finish(): Promise<void> {
    const { kv, shared, clock, log } = this.#options;
    const before = clock.nowMicros() - (shared ? INTERRUPTED_AFTER_MICROS : 0);
    const accepted = new Map<string, ImportRow>();
    for await (const { key, value } of kv.list<ImportRow>({ prefix: keys.imports })) {
      accepted.set(String(key[1]), value);
    }
    for (const [id, row] of accepted) {
      if (this.#underWay.has(id) || row.at > before) continue;
      const left: [number, NewNode][] = [];
      for await (const { key, value } of kv.list<StagedRow>({ prefix: keys.importNodes(id) })) {
        left.push([Number(key[2]), value.node]);
      }
      log.info(
        "node.import-resumed",
        `Finishing an import that was interrupted: ${left.length} SuperNodes are left.`,
        { count: left.length },
      );
      const done = new Map(left);
      const enrolled = await this.#doAll(id, left.values(), row);
      await Promise.all(
        enrolled.map((one, index) => one && this.#tell(one, done.get(index), row)),
      );
      log.info("node.import-finished", "The import is finished.", { count: left.length });
    }
    const abandoned = new Set<string>();
    for await (const { key, value } of kv.list<StagedRow>({ prefix: keys.allImportNodes })) {
      const id = String(key[1]);
      if (!accepted.has(id) && !this.#underWay.has(id) && value.at <= before) abandoned.add(id);
    }
    for (const id of abandoned) await deletePrefix(kv, keys.importNodes(id));
  }

  async #doAll(
    id: string,
    nodes: IterableIterator<[number, NewNode]>,
    by: EnrolledBy,
  ): Promise<(Enrolled | undefined)[]> {
    const { kv } = this.#options;
    const enrolled: (Enrolled | undefined)[] = [];
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (const [index, node] of nodes) {
        const staged = keys.importNode(id, index);
        let isCrossedOff = false;
        enrolled[index] = await enrolNode(cleanNewNode(node), by, this.#options, (operation) => {
          operation.delete(staged);
          isCrossedOff = true;
        });
        if (!isCrossedOff) await commit(kv.atomic().delete(staged));
      }
    }));
    await commit(kv.atomic().delete(keys.import(id)));
    return enrolled;
  }

  /** Whoever asked was not answered, so the line says what the SuperLink did. */
  async #tell(
    { nodeId, outcome }: Enrolled,
    node: NewNode | undefined,
    { by, peer }: EnrolledBy,
  ): Promise<void> {
    if (!node) return;
    const { name, location, labels, expiresAt } = node;
    await this.#options.audit.record({
      who: { program: "superlink" },
      action: "node.register",
      subject: {
        ...{ nodeId, fingerprint: cleanNewNode(node).key.fingerprint, name, location },
        labels: labels && labelsText(labels),
        expires: expiresAt === undefined ? undefined : expiryText(expiresAt),
        status: node.suspended ? "suspended" : undefined,
        detail: `${outcome}, of an import by ${by} that was interrupted`,
      },
      from: peer,
      outcome: "done",
    });
  }
}
