/**
 * The browsers that are signed in to the page. A session is a random name in a cookie; here only its
 * hash is kept, in memory, so that all of them end with the SuperLink.
 *
 * @module
 */

import { encodeBase64Url } from "@std/encoding";
import { hashOf } from "../access/secrets.ts";
import type { TokenHolder } from "../control/caller.ts";
import { dropOldest } from "../drop_oldest.ts";
import type { PageNotes } from "./page_notes.ts";
import { type PageTokens, THE_PAGE } from "./page_tokens.ts";

const SESSION_BYTES = 32;
const SESSION_MS = 12 * 3_600_000;
/** More sign the oldest out. */
const SESSION_LIMIT = 200;
const COOKIE = "trellis-session";

interface Session {
  /** Whose token it began with: without that token there is no session. */
  readonly holder: TokenHolder;
  readonly endMs: number;
}

/** The sessions of one page. */
export class PageSessions {
  readonly #tokens: PageTokens;
  readonly #notes: PageNotes;
  readonly #secure: boolean;
  readonly #nowMs: () => number;
  /** By the hash of its name, oldest first. */
  readonly #sessions = new Map<string, Session>();

  /** `secure` says that the page is served over TLS. */
  constructor(
    tokens: PageTokens,
    notes: PageNotes,
    secure: boolean,
    nowMs: () => number = Date.now,
  ) {
    this.#tokens = tokens;
    this.#notes = notes;
    this.#secure = secure;
    this.#nowMs = nowMs;
  }

  /** Whether the page asks who one is. */
  get required(): boolean {
    return this.#tokens.required;
  }

  /**
   * Who sends a request, if they may: by the cookie, or by a bearer token as a monitor sends it. Throws
   * `RESOURCE_EXHAUSTED` when too many tokens of the peer were wrong.
   */
  async holderOf(headers: Headers, peer: string): Promise<TokenHolder | undefined> {
    if (!this.required) return THE_PAGE;
    const bearer = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
    if (bearer !== undefined) return await this.#holderOfBearer(bearer, peer);
    const name = sessionName(headers);
    if (name === undefined) return undefined;
    const hash = hashOf(name);
    const session = this.#sessions.get(hash);
    if (!session) return undefined;
    const holder = session.endMs > this.#nowMs()
      ? await this.#tokens.still(session.holder)
      : undefined;
    if (!holder) this.#sessions.delete(hash);
    return holder;
  }

  /** Signs a browser in; gives the cookie that it is to keep. */
  begin(holder: TokenHolder): string {
    const name = encodeBase64Url(crypto.getRandomValues(new Uint8Array(SESSION_BYTES)));
    this.#sessions.set(hashOf(name), { holder, endMs: this.#nowMs() + SESSION_MS });
    dropOldest(this.#sessions, SESSION_LIMIT);
    return this.#cookie(name, SESSION_MS / 1000);
  }

  /** Signs a browser out; gives the cookie that takes its own away. */
  end(headers: Headers): string {
    const name = sessionName(headers);
    if (name !== undefined) this.#sessions.delete(hashOf(name));
    return this.#cookie("", 0);
  }

  async #holderOfBearer(token: string, peer: string): Promise<TokenHolder | undefined> {
    const holder = await this.#tokens.holderOf(token, peer);
    if (holder) this.#notes.used(peer, holder);
    else this.#notes.refused(peer, "token.use");
    return holder;
  }

  #cookie(value: string, maxAgeS: number): string {
    const secure = this.#secure ? "; Secure" : "";
    return `${COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeS}${secure}`;
  }
}

function sessionName(headers: Headers): string | undefined {
  for (const pair of (headers.get("cookie") ?? "").split(";")) {
    const [name, value] = pair.trim().split("=");
    if (name === COOKIE && value) return value;
  }
  return undefined;
}
