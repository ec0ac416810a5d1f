/**
 * Errors over HTTP: a JSON body with Flower's number where the error has one, and a status.
 *
 * @module
 */

import { statusOfCode } from "../flower_error.ts";
import { type HttpError, StatusError, type StatusName } from "../status.ts";
import { JSON_TYPE } from "./media_types.ts";

/** The HTTP status of errors that say no other (as Flower maps those of its catalogue). */
const HTTP_STATUS: Readonly<Record<StatusName, number>> = {
  OK: 500,
  CANCELLED: 503,
  UNKNOWN: 500,
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 507,
  FAILED_PRECONDITION: 412,
  ABORTED: 503,
  OUT_OF_RANGE: 400,
  UNIMPLEMENTED: 501,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DATA_LOSS: 500,
  UNAUTHENTICATED: 401,
};

/** Of a request to no host that there can be. */
export const UNREADABLE_HOST = { status: 400, detail: "The host of the request is none." } as const;

/** An error answer. */
export function errorResponse(
  { status, code, detail, extra, authenticate }: HttpError,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const body = {
    ...(code === undefined ? {} : { code }),
    detail,
    ...(extra === undefined ? {} : { extra }),
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      "content-type": JSON_TYPE,
      ...(authenticate === undefined ? {} : { "www-authenticate": authenticate }),
      ...headers,
    },
  });
}

/** How a {@linkcode StatusError} is told over HTTP. */
export function httpErrorOf({ http, status, message }: StatusError): HttpError {
  return http ?? { status: HTTP_STATUS[status], detail: message };
}

/**
 * The error that an answer tells of. The status is that of Flower's number where the body has one
 * that is known, else that of the HTTP status; the message is for people. `answeredAtMs` is the time
 * that the server's clock showed, where it said so.
 */
export function errorOfResponse(
  httpStatus: number,
  body: string,
  answeredAtMs?: number,
): StatusError {
  const told = readError(body);
  const detail = told?.detail ?? `The server answered with HTTP status ${httpStatus}.`;
  const status = (told?.code === undefined ? undefined : statusOfCode(told.code)) ??
    statusOfHttp(httpStatus);
  const message = told?.extra === undefined ? detail : `${detail} ${told.extra}`;
  const time = answeredAtMs === undefined ? {} : { answeredAtMs };
  return new StatusError(status, message, {
    http: { ...told, ...time, status: httpStatus, detail },
  });
}

function statusOfHttp(httpStatus: number): StatusName {
  switch (httpStatus) {
    case 400:
    case 415:
      return "INVALID_ARGUMENT";
    case 401:
      return "UNAUTHENTICATED";
    case 403:
      return "PERMISSION_DENIED";
    case 404:
    case 405:
    case 501:
      return "UNIMPLEMENTED";
    case 409:
      return "ALREADY_EXISTS";
    case 412:
      return "FAILED_PRECONDITION";
    case 413:
    case 429:
    case 507:
      return "RESOURCE_EXHAUSTED";
    case 502:
    case 503:
      return "UNAVAILABLE";
    case 504:
      return "DEADLINE_EXCEEDED";
    default:
      return httpStatus >= 500 ? "INTERNAL" : "UNKNOWN";
  }
}

function readError(body: string): Omit<HttpError, "status"> | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const detail = "detail" in parsed ? parsed.detail : undefined;
  const code = "code" in parsed ? parsed.code : undefined;
  const extra = "extra" in parsed ? parsed.extra : undefined;
  if (typeof detail !== "string") return undefined;
  return {
    detail,
    ...(typeof code === "number" ? { code } : {}),
    ...(typeof extra === "string" ? { extra } : {}),
  };
}
