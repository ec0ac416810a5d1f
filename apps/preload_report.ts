/**
 * What the preload program says, read from its lines.
 *
 * @module
 */

import { constants } from "node:os";

/** One line of the preload program; `launch` is the number that the request gave it. */
export type PreloadReport =
  | { readonly kind: "ready" }
  | { readonly kind: "unusable"; readonly reason: string }
  | { readonly kind: "started"; readonly launch: number; readonly pid: number }
  | { readonly kind: "refused"; readonly launch: number; readonly reason: string }
  | { readonly kind: "ended"; readonly launch: number; readonly status: Deno.CommandStatus };

/** Reads a line. Throws a `SyntaxError` for one that the preload program does not write. */
export function parseReport(line: string): PreloadReport {
  const fields = new Map<string, unknown>(Object.entries(Object(JSON.parse(line))));
  const launchOf = (name: string) => numberIn(fields, name);
  if (fields.has("ready")) return { kind: "ready" };
  if (fields.has("unusable")) return { kind: "unusable", reason: String(fields.get("unusable")) };
  if (fields.has("started")) {
    return { kind: "started", launch: launchOf("started"), pid: numberIn(fields, "pid") };
  }
  if (fields.has("refused")) {
    const reason = String(fields.get("reason"));
    return { kind: "refused", launch: launchOf("refused"), reason };
  }
  const code = numberIn(fields, "code");
  const name = fields.get("signal");
  const signal = isSignal(name) ? name : null;
  return {
    kind: "ended",
    launch: launchOf("ended"),
    status: { success: code === 0, code, signal },
  };
}

function numberIn(fields: ReadonlyMap<string, unknown>, name: string): number {
  const value = fields.get(name);
  if (typeof value === "number") return value;
  throw new SyntaxError(`The preload program wrote a line without a number "${name}".`);
}

function isSignal(name: unknown): name is Deno.Signal {
  return typeof name === "string" && name in constants.signals;
}
