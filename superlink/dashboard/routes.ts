/**
 * The routes of the page: which request is answered by what, and who may send it.
 *
 * @module
 */

import type { HttpHandler } from "../../wire/http/handler.ts";
import { BodyError, readBody } from "../../wire/http/body.ts";
import { httpErrorOf, UNREADABLE_HOST } from "../../wire/http/errors.ts";
import type { CallRate } from "../call_rate.ts";
import { isForLog, StatusError } from "../../wire/status.ts";
import type { TokenHolder } from "../control/caller.ts";
import { StorageFailure } from "../state/commit.ts";
import { isLocalName, isOwnRequest } from "./origin.ts";
import type { PageSessions } from "./sessions.ts";

/** A request that may be answered. */
export interface PageRequest {
  readonly request: Request;
  /** `address:port` that it came from. */
  readonly peer: string;
  readonly query: URLSearchParams;
  /** What the path's pattern caught. */
  readonly caught: Readonly<Record<string, string>>;
  /** The body of a POST. */
  readonly body: unknown;
  /** Who asks; nobody has asked where a route is to `anybody` or a `visitor`. */
  readonly holder: TokenHolder | undefined;
}

/** Answers one kind of request. */
export interface Route {
  readonly method: "GET" | "POST";
  /** The whole path; named groups are caught. */
  readonly path: RegExp;
  /**
   * `anybody` also to those who are not signed in and by any name of this machine; `visitor` by its
   * own names only; `signed-in` only to those who are, where that is asked for. What they may do is
   * decided where it is done ({@linkcode operatorCalls}).
   */
  readonly to: "anybody" | "visitor" | "signed-in";
  answer(request: PageRequest): Response | Promise<Response>;
}

/** A request that cannot be answered; the sentence is for the person at the page. */
export class PageError extends Error {
  override readonly name = "PageError";

  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** What a page sends is a key or an id. */
const MAX_BODY_BYTES = 64 * 1024;
const BODY_IDLE_MS = 10_000;

/** Nothing but the page's own files, and no page around it. */
const SAFETY = {
  "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; " +
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
} as const;

/** An answer in JSON, for one reader. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store", ...headers },
  });
}

/** What answers routes. `failed` is told of what nobody expected. */
export function pageHandler(
  routes: readonly Route[],
  sessions: PageSessions,
  rate: CallRate,
  failed: (error: unknown) => void,
): HttpHandler {
  return async (request, peer) => {
    const url = URL.parse(request.url);
    let response: Response;
    try {
      // A host that is none makes no URL.
      if (!url) throw new PageError(UNREADABLE_HOST.status, UNREADABLE_HOST.detail);
      response = await answer({ request, peer, query: url.searchParams }, url.pathname);
    } catch (error) {
      const told = toldOf(error);
      if (!told) failed(error);
      const { status, message } = told ?? UNTOLD;
      response = json({ error: message }, status);
    }
    for (const [name, value] of Object.entries(SAFETY)) response.headers.set(name, value);
    return response;
  };

  async function answer(
    { request, peer, query }: Pick<PageRequest, "request" | "peer" | "query">,
    pathname: string,
  ): Promise<Response> {
    const method = request.method === "HEAD" ? "GET" : request.method;
    const matching = routes.filter(({ path }) => path.test(pathname));
    const route = matching.find((route) => route.method === method);
    if (!route) {
      const [status, sentence] = matching.length > 0
        ? [405, `${request.method} is not allowed here.`] as const
        : [404, "There is nothing here."] as const;
      throw new PageError(status, sentence);
    }
    const holder = await requireLeave(route, request, peer);
    const caught = route.path.exec(pathname)?.groups ?? {};
    const body = method === "POST" ? await bodyOf(request) : undefined;
    return await route.answer({ request, peer, query, caught, body, holder });
  }

  async function requireLeave(
    { to, method }: Route,
    request: Request,
    peer: string,
  ): Promise<TokenHolder | undefined> {
    if (to === "anybody") return undefined;
    rate.takeOfHost(peer);
    if (!sessions.required && !isLocalName(request)) {
      throw new PageError(403, "This page answers to names of its own machine, as localhost is.");
    }
    if (method === "POST" && !isOwnRequest(request)) {
      throw new PageError(403, "Only the page itself may ask for this.");
    }
    if (to === "visitor") return undefined;
    const holder = await sessions.holderOf(request.headers, peer);
    if (!holder) throw new PageError(401, "You are not signed in.");
    rate.takeOfCaller({ holder }, peer);
    return holder;
  }
}

const UNTOLD = { status: 500, message: "Internal server error. The SuperLink's log says more." };

/** What the person at the page is told of an error; nothing of one that nobody expected. */
function toldOf(error: unknown): Pick<PageError, "status" | "message"> | undefined {
  if (error instanceof PageError) return error;
  if (error instanceof StorageFailure) return { status: 503, message: error.message };
  if (!(error instanceof StatusError) || isForLog(error)) return undefined;
  const { status, detail, extra } = httpErrorOf(error);
  return { status, message: extra === undefined ? detail : `${detail} ${extra}` };
}

async function bodyOf(request: Request): Promise<unknown> {
  try {
    const bytes = await readBody(request, { maxBytes: MAX_BODY_BYTES, idleMs: BODY_IDLE_MS });
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    if (error instanceof BodyError && error.reason === "too large") {
      throw new PageError(413, `A request has at most ${MAX_BODY_BYTES} bytes.`);
    }
    throw new PageError(400, "The request is not JSON.");
  }
}
