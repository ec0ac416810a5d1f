/**
 * Tokens: 256 random bits in base64url, after a word by which people and secret scanners know them.
 *
 * Only the SHA-256 of a token is kept. A slow, salted hash is for passwords, of which the likely ones
 * can be tried; 2^256 cannot, whatever one try costs, and a hash that costs a caller nothing and the
 * SuperLink a lot is a way to keep it busy.
 *
 * @module
 */

import { createHash, randomBytes } from "node:crypto";

/** What a token is for, as it starts. */
const PREFIXES = { token: "trellis_t_", access: "trellis_a_", refresh: "trellis_r_", device: "" };

/** What a secret is for: calls (for long, or between two refreshes), a refresh, or one login. */
export type SecretUse = keyof typeof PREFIXES;

const SECRET_BYTES = 32;

/** Makes a secret. */
export function newSecret(use: SecretUse): string {
  return PREFIXES[use] + randomBytes(SECRET_BYTES).toString("base64url");
}

/** By what a secret is known: its SHA-256 in hex. */
export function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** What a token is called in lists and logs; it tells nothing of the token. */
export function newGrantId(): string {
  return randomBytes(6).toString("hex");
}

/** Letters without vowels, so that no words come about (RFC 8628, section 6.1). */
const CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ";
const CODE_LENGTH = 8;

/** A code that a person reads from one screen and types on another, for example `WDJB-MJHT`. */
export function newUserCode(): string {
  let code = "";
  while (code.length < CODE_LENGTH) {
    for (const byte of randomBytes(CODE_LENGTH)) {
      // 240 is the largest multiple of 20 in a byte: each letter is as likely as another.
      if (byte < 240 && code.length < CODE_LENGTH) code += CODE_LETTERS[byte % 20];
    }
  }
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}

/** A code as it was shown, however it was typed. */
export function readUserCode(text: string): string {
  const letters = text.toUpperCase().replace(/[^A-Z]/g, "");
  return `${letters.slice(0, 4)}-${letters.slice(4)}`;
}
