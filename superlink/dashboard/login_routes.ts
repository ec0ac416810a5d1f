/**
 * Signing in to the page with its token, and out.
 *
 * @module
 */

import { hostOf, PeerLimit } from "../auth/peer_limit.ts";
import type { Clock } from "../clock.ts";
import { textOf } from "./json_body.ts";
import { json, PageError, type Route } from "./routes.ts";
import type { PageSessions } from "./sessions.ts";

/** What signing in works with. */
export interface LoginOptions {
  readonly sessions: PageSessions;
  readonly version: string;
  readonly clock: Clock;
  /** Told of each token that was sent, and whether it is the right one. */
  readonly asked: (peer: string, isRight: boolean) => void;
}

/** Tokens of one host that may be wrong in a minute before no more are looked at. */
const WRONG_TOKENS_PER_MINUTE = 10;

/** The routes. */
export function loginRoutes({ sessions, version, clock, asked }: LoginOptions): Route[] {
  const wrong = new PeerLimit(WRONG_TOKENS_PER_MINUTE, clock);
  return [
    {
      method: "GET",
      path: /^\/api\/session$/,
      to: "visitor",
      answer: ({ request: { headers } }) =>
        json({ version, required: sessions.required, signedIn: sessions.mayRead(headers) }),
    },
    {
      method: "POST",
      path: /^\/api\/login$/,
      to: "visitor",
      answer({ body, peer }) {
        const host = hostOf(peer);
        if (!wrong.has(host)) {
          throw new PageError(429, "Too many wrong tokens. Try again in a minute.");
        }
        const token = textOf(body, "token");
        const isRight = sessions.isToken(token);
        asked(peer, isRight);
        if (!isRight) {
          wrong.take(host);
          throw new PageError(
            401,
            "This token is not valid. A token that the SuperLink made holds until it restarts.",
          );
        }
        return json({ signedIn: true }, 200, { "set-cookie": sessions.begin() });
      },
    },
    {
      method: "POST",
      path: /^\/api\/logout$/,
      to: "visitor",
      answer: ({ request: { headers } }) =>
        json({ signedIn: false }, 200, { "set-cookie": sessions.end(headers) }),
    },
  ];
}
