/**
 * Whose a token is that somebody comes to the page with: the page's own, the one of the SuperLink's
 * environment, or an API token.
 *
 * @module
 */

import type { TokenAttempts } from "../access/attempts.ts";
import type { Grants } from "../access/grants.ts";
import type { GrantRow } from "../access/rows.ts";
import type { TokenHolder } from "../control/caller.ts";
import { isSameSecret, OPERATOR } from "../control/gate.ts";
import type { PageAccess } from "./access.ts";

/** Who has the page's own token, or reaches a page that asks for none. */
export const THE_PAGE: TokenHolder = { tokenId: "page", name: "the page", role: "admin" };

/** A token is a few dozen characters; nobody has a longer one. */
export const MAX_TOKEN_CHARACTERS = 1_024;

/** What tokens are looked up in. */
export interface PageTokenOptions {
  readonly access: PageAccess;
  /** The one of the SuperLink's environment, if any. */
  readonly operatorToken: string | undefined;
  readonly grants: Grants;
  readonly attempts: TokenAttempts;
}

/** The tokens that open one page. */
export class PageTokens {
  readonly #options: PageTokenOptions;

  constructor(options: PageTokenOptions) {
    this.#options = options;
  }

  /** Whether the page asks who one is. */
  get required(): boolean {
    return this.#options.access.kind !== "anybody";
  }

  /**
   * Whose a token from `peer` (`address:port`) is, if it holds. Throws `RESOURCE_EXHAUSTED` when too
   * many from there did not.
   */
  async holderOf(token: string, peer: string): Promise<TokenHolder | undefined> {
    const { access, operatorToken, grants, attempts } = this.#options;
    const known = token.slice(0, MAX_TOKEN_CHARACTERS + 1);
    return await attempts.try(peer, known, async () => {
      if (access.kind === "token" && isSameSecret(known, access.token)) return THE_PAGE;
      if (operatorToken !== undefined && isSameSecret(known, operatorToken)) return OPERATOR;
      const grant = await grants.of(known);
      // A login's access token holds for minutes: no session is to be made of it.
      return grant?.kind === "token" ? await this.#used(grant) : undefined;
    });
  }

  /** The holder as they are now; `undefined` once their token was revoked or has expired. */
  async still(holder: TokenHolder): Promise<TokenHolder | undefined> {
    if (holder === THE_PAGE || holder === OPERATOR) return holder;
    const grant = await this.#options.grants.holding(holder.tokenId);
    return grant && await this.#used(grant);
  }

  async #used(grant: GrantRow): Promise<TokenHolder> {
    await this.#options.grants.used(grant);
    return { tokenId: grant.id, name: grant.name, role: grant.role };
  }
}
