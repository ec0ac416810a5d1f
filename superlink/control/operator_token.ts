import { ExitError } from "../../terminal/errors.ts";
import { OPERATOR_TOKEN_VARIABLE } from "../../terminal/token_variables.ts";
import type { ControlAccessChoice } from "./access.ts";

/** A secret that can be guessed is none. */
export const SHORTEST_SECRET = 32;

/** Whether a text can be a secret in a header: ASCII without spaces, and long enough. */
export function isSecret(text: string): boolean {
  return text.length >= SHORTEST_SECRET && /^[\x21-\x7e]+$/.test(text);
}

/**
 * The operator's own token, by which the first others can be made. Throws an {@linkcode ExitError} that
 * does not quote it when it cannot be one, or when anybody is to be let in all the same.
 */
export function operatorToken(
  choice: ControlAccessChoice,
  env: { get(name: string): string | undefined } = Deno.env,
): string | undefined {
  const token = env.get(OPERATOR_TOKEN_VARIABLE);
  if (!token) return undefined;
  if (choice === "open-to-anybody") {
    throw new ExitError(
      `--control-access is open-to-anybody, and ${OPERATOR_TOKEN_VARIABLE} is set.`,
      { remedy: "Leave one of them out." },
    );
  }
  if (isSecret(token)) return token;
  throw new ExitError(
    `${OPERATOR_TOKEN_VARIABLE} takes at least ${SHORTEST_SECRET} characters of ASCII without spaces.`,
    { remedy: "Take one from `openssl rand -hex 32`." },
  );
}
