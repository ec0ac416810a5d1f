import type { NodeRow } from "../state/layout.ts";
import { cleanLabels, cleanName, type Labels, requireLocation } from "./node_facts.ts";

/** What is to be said of a node from now on; what is absent stays. */
export interface NodeUpdate {
  /** Empty: none. */
  readonly name?: string | undefined;
  readonly location?: string | undefined;
  readonly setLabels?: Labels | undefined;
  readonly removeLabels?: readonly string[] | undefined;
  /** In microseconds since the epoch. */
  readonly expiresAt?: number | "never" | undefined;
}

/** What a node is to be; what is absent stays. */
export interface SaidOfNode extends Pick<NodeUpdate, "name" | "location" | "expiresAt"> {
  /** All of its labels. */
  readonly labels?: Labels | undefined;
}

/** An update as it is kept. Throws `INVALID_ARGUMENT` for what a node cannot have. */
export function cleanUpdate(update: NodeUpdate): NodeUpdate {
  const { name, location, setLabels } = update;
  if (location !== undefined) requireLocation(location);
  return {
    ...update,
    ...(name === undefined ? {} : { name: cleanName(name) }),
    ...(setLabels === undefined ? {} : { setLabels: cleanLabels(setLabels) }),
  };
}

/**
 * The row of a node after a clean update: the same object when nothing changes. Throws
 * `INVALID_ARGUMENT` for too many labels.
 */
export function changedNode(row: NodeRow, update: NodeUpdate): NodeRow {
  const { name = row.name ?? "", location = row.location ?? "" } = update;
  const labels = changedLabels(row.labels ?? {}, update);
  const expiresAt = update.expiresAt === "never" ? undefined : update.expiresAt ?? row.expiresAt;
  const { name: _name, location: _location, labels: _labels, expiresAt: _expiresAt, ...rest } = row;
  const changed: NodeRow = {
    ...rest,
    ...(name === "" ? {} : { name }),
    ...(location === "" ? {} : { location }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
  return isSaidAlike(row, changed) ? row : changed;
}

/** The update that makes a node what is said here, with no other labels, and no more than that. */
export function updateTo(
  { labels: before = {} }: NodeRow,
  { labels, ...update }: SaidOfNode,
): NodeUpdate {
  const gone = labels === undefined
    ? []
    : Object.keys(before).filter((key) => !Object.hasOwn(labels, key));
  return { ...update, setLabels: labels, removeLabels: gone };
}

function changedLabels(labels: Labels, { setLabels, removeLabels = [] }: NodeUpdate): Labels {
  const removed = new Set(removeLabels);
  const kept = Object.entries(labels).filter(([key]) => !removed.has(key));
  return cleanLabels({ ...Object.fromEntries(kept), ...setLabels });
}

function isSaidAlike(a: NodeRow, b: NodeRow): boolean {
  return a.name === b.name && a.location === b.location && a.expiresAt === b.expiresAt &&
    JSON.stringify(cleanLabels(a.labels ?? {})) === JSON.stringify(b.labels ?? {});
}
