/**
 * Signing in to the page with a token, and out.
 *
 * @module
 */

import { textOf } from "./json_body.ts";
import { MAX_TOKEN_CHARACTERS, type PageTokens } from "./page_tokens.ts";
import type { PageNotes } from "./page_notes.ts";
import { json, PageError, type Route } from "./routes.ts";
import type { PageSessions } from "./sessions.ts";

/** What signing in works with. */
export interface LoginOptions {
  readonly tokens: PageTokens;
  readonly sessions: PageSessions;
  readonly version: string;
  readonly notes: PageNotes;
}

/** The routes. */
export function loginRoutes({ tokens, sessions, version, notes }: LoginOptions): Route[] {
  return [
    {
      method: "GET",
      path: /^\/api\/session$/,
      to: "visitor",
      async answer({ request: { headers }, peer }) {
        const { required } = sessions;
        const holder = await sessions.holderOf(headers, peer);
        if (!holder) return json({ version, required, signedIn: false });
        const { name, role } = holder;
        return json({ version, required, signedIn: true, name, role });
      },
    },
    {
      method: "POST",
      path: /^\/api\/login$/,
      to: "visitor",
      async answer({ body, peer }) {
        const token = textOf(body, "token");
        if (token.length > MAX_TOKEN_CHARACTERS) {
          const most = MAX_TOKEN_CHARACTERS.toLocaleString("en");
          throw new PageError(400, `This is no token: one has at most ${most} characters.`);
        }
        const holder = sessions.required ? await tokens.holderOf(token, peer) : undefined;
        if (!holder) {
          notes.refused(peer, "page.login");
          throw new PageError(
            401,
            "This token is not valid: it is wrong, has expired or was revoked. One that the " +
              "SuperLink made for its page holds until it restarts.",
          );
        }
        notes.signedIn(peer, holder);
        return json({ signedIn: true }, 200, { "set-cookie": sessions.begin(holder) });
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
