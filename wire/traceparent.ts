/**
 * The header by which a call says which trace it belongs to (W3C Trace Context, level 1).
 *
 * @module
 */

/** The header's name; it is the same over gRPC and HTTP. */
export const TRACEPARENT = "traceparent";

/** A place in a trace. */
export interface TracePlace {
  /** 32 lower-case hexadecimal digits, not all of them 0. */
  readonly traceId: string;
  /** 16 of them. */
  readonly spanId: string;
  /** Bit 0: whoever called keeps this trace. */
  readonly traceFlags: number;
}

const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZEROS = /^0+$/;
/** A version to come may be longer than the 55 characters of this one, but not by much. */
const LONGEST = 256;

/**
 * Reads the header; `undefined` for one that is malformed or too long, as if there were none. Nothing
 * else may depend on what it says: anybody can send any.
 */
export function parseTraceparent(text: string | undefined): TracePlace | undefined {
  if (text === undefined || text.length > LONGEST) return undefined;
  const [, version, traceId = "", spanId = "", flags = "", more] = FORM.exec(text) ?? [];
  if (version === undefined || version === "ff" || ZEROS.test(traceId) || ZEROS.test(spanId)) {
    return undefined;
  }
  // Only a version to come may have more parts.
  if (version === "00" && more !== undefined) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}

/** Writes the header. */
export function formatTraceparent({ traceId, spanId, traceFlags }: TracePlace): string {
  return `00-${traceId}-${spanId}-${(traceFlags & 1).toString(16).padStart(2, "0")}`;
}
