/**
 * The one error type that a service method throws and that every transport knows how to send.
 *
 * @module
 */

/** The status codes of gRPC (grpc/grpc doc/statuscodes.md) with the numbers that the wire uses. */
export const STATUS_NUMBERS = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** The name of a gRPC status, for example `FAILED_PRECONDITION`. */
export type StatusName = keyof typeof STATUS_NUMBERS;

/** How an error is told over HTTP (Flower 1.35 and newer). */
export interface HttpError {
  /** The HTTP status. */
  readonly status: number;
  /** Its number in Flower's catalogue, where it has one. */
  readonly code?: number;
  /** The public sentence. */
  readonly detail: string;
  /** What else the peer may know. */
  readonly extra?: string;
  /** By which scheme a caller can prove who it is (RFC 9110, section 11.6.1). */
  readonly authenticate?: "Bearer";
  /** The time of the server that answered so, in milliseconds since the epoch; set by clients. */
  readonly answeredAtMs?: number;
}

/** What else a {@linkcode StatusError} may be made with. */
export interface StatusErrorOptions extends ErrorOptions {
  /** Where HTTP has another sentence than gRPC, or a number. */
  readonly http?: HttpError | undefined;
}

/**
 * A refusal that a peer may see. `message` is the public sentence and all that travels, unless
 * `http` says it otherwise; `cause` is for the log and never sent.
 */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly http: HttpError | undefined;

  constructor(readonly status: StatusName, publicMessage: string, options?: StatusErrorOptions) {
    super(publicMessage, options);
    this.http = options?.http;
  }
}

/** The name of a status number; a number that gRPC does not define counts as `UNKNOWN`. */
export function statusName(number: number): StatusName {
  for (const name of STATUS_NAMES) {
    if (STATUS_NUMBERS[name] === number) return name;
  }
  return "UNKNOWN";
}

/**
 * What a peer is told of any error: a {@linkcode StatusError} as it is, everything else as
 * `INTERNAL` without a word of what went wrong.
 */
export function toStatusError(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  return new StatusError("INTERNAL", "Internal server error.", { cause: error });
}

/** Whether the log should have the cause of an error of which the peer is told little. */
export function isForLog({ status, cause }: StatusError): boolean {
  return status === "INTERNAL" || status === "UNAVAILABLE" && cause !== undefined;
}

const STATUS_NAMES: readonly StatusName[] = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];
