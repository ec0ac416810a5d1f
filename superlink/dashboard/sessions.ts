/**
 * The browsers that are signed in to the page. A session is a random name in a cookie; here only its
 * hash is kept, in memory, so that all of them end with the SuperLink.
 *
 * @module
 */

import { createHash, timingSafeEqual } from "node:crypto";
import { encodeBase64Url } from "@std/encoding";
import type { PageAccess } from "./access.ts";

const SESSION_BYTES = 32;
const SESSION_MS = 12 * 3_600_000;
/** More sign the oldest out. */
const SESSION_LIMIT = 200;
const COOKIE = "trellis-session";

/** The sessions of one page. */
export class PageSessions {
  readonly #access: PageAccess;
  readonly #secure: boolean;
  readonly #nowMs: () => number;
  /** When each ends, by the hash of its name, oldest first. */
  readonly #ends = new Map<string, number>();

  /** `secure` says that the page is served over TLS. */
  constructor(access: PageAccess, secure: boolean, nowMs: () => number = Date.now) {
    this.#access = access;
    this.#secure = secure;
    this.#nowMs = nowMs;
  }

  /** Whether the page asks who one is. */
  get required(): boolean {
    return this.#access.kind === "token";
  }

  /** Whether a token is the right one. */
  isToken(token: string): boolean {
    return this.#access.kind === "token" &&
      timingSafeEqual(digest(token), digest(this.#access.token));
  }

  /** Whether a request may be answered: by its cookie, or by a bearer token as a monitor sends it. */
  mayRead(headers: Headers): boolean {
    if (!this.required) return true;
    const bearer = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
    return bearer === undefined ? this.#isSignedIn(headers) : this.isToken(bearer);
  }

  /** Signs a browser in; gives the cookie that it is to keep. */
  begin(): string {
    const name = encodeBase64Url(crypto.getRandomValues(new Uint8Array(SESSION_BYTES)));
    this.#ends.set(digest(name).toString("hex"), this.#nowMs() + SESSION_MS);
    if (this.#ends.size > SESSION_LIMIT) {
      const [oldest] = this.#ends.keys();
      if (oldest !== undefined) this.#ends.delete(oldest);
    }
    return this.#cookie(name, SESSION_MS / 1000);
  }

  /** Signs a browser out; gives the cookie that takes its own away. */
  end(headers: Headers): string {
    const name = sessionName(headers);
    if (name !== undefined) this.#ends.delete(digest(name).toString("hex"));
    return this.#cookie("", 0);
  }

  #isSignedIn(headers: Headers): boolean {
    const name = sessionName(headers);
    if (name === undefined) return false;
    const hash = digest(name).toString("hex");
    const end = this.#ends.get(hash);
    if (end !== undefined && end > this.#nowMs()) return true;
    this.#ends.delete(hash);
    return false;
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

/** Of one length, whatever was sent. */
function digest(text: string) {
  return createHash("sha256").update(text).digest();
}
