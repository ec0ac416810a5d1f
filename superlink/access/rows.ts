/**
 * What is kept of tokens and logins; `superlink/state/layout.ts` has the keys. Times are microseconds
 * since the epoch.
 *
 * @module
 */

import type { Role } from "./roles.ts";
import type { SecretUse } from "./secrets.ts";

/** Somebody may call the Control API: with an API token, or after a login. */
export interface GrantRow {
  readonly id: string;
  readonly kind: "token" | "login";
  /** Whose it is, or what it is for. */
  readonly name: string;
  readonly role: Role;
  readonly createdAt: number;
  /** Who granted it, in words. */
  readonly createdBy: string;
  readonly expiresAt?: number;
  readonly revokedAt?: number;
}

/** What a secret is good for, kept under its hash. */
export interface SecretRow {
  readonly grantId: string;
  readonly use: Exclude<SecretUse, "device">;
  /** Of an access token; others hold as long as their grant. */
  readonly expiresAt?: number;
  /** When a refresh token was used. */
  readonly replacedAt?: number;
}

/** A login that was asked for at a CLI and is not finished. */
export interface LoginRow {
  readonly userCode: string;
  /** The SHA-256 of what the CLI asks with. */
  readonly deviceHash: string;
  /** Where the CLI is: `address:port`. */
  readonly peer: string;
  readonly startedAt: number;
  readonly decided?: { readonly as: "refused" } | {
    readonly as: "approved";
    readonly role: Role;
    readonly name?: string;
    readonly expiresAt: number;
    /** Who approved it, in words. */
    readonly by: string;
  };
}
