/**
 * What operators say of a node, as texts of the audit log, and back: a restore says it again.
 *
 * @module
 */

import type { SaidOfNode } from "../registry/node_update.ts";
import { MAX_TEXT } from "./audit_line.ts";

/** All labels as a JSON object, by their keys. */
export function labelsText(labels: object): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(labels).sort(([a], [b]) => a < b ? -1 : 1)),
  );
}

/** An expiry in ISO 8601, or `never`. */
export function expiryText(expiresAt: number | "never" = "never"): string {
  return expiresAt === "never" ? expiresAt : new Date(expiresAt / 1000).toISOString();
}

/** Reads what the subject of a line says. What was too long for a line is left out. */
export function readSaid(subject: Readonly<Record<string, string>>): SaidOfNode {
  const { name, location, labels, expires } = subject;
  const labelsRead = labels === undefined ? undefined : readLabels(labels);
  const expiresAt = expires === "never" ? expires : Date.parse(expires ?? "") * 1_000;
  return {
    ...(name === undefined || name.length > MAX_TEXT ? {} : { name }),
    ...(location === undefined ? {} : { location }),
    ...(labelsRead === undefined ? {} : { labels: labelsRead }),
    ...(Number.isNaN(expiresAt) ? {} : { expiresAt }),
  };
}

function readLabels(text: string): Readonly<Record<string, string>> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const labels: Record<string, string> = {};
  for (const [key, label] of Object.entries(value)) {
    if (typeof label !== "string") return undefined;
    labels[key] = label;
  }
  return labels;
}
