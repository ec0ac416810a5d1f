/**
 * The variables of the environment that hold tokens.
 *
 * @module
 */

/** What a SuperLink's operator calls their own token, where the SuperLink runs. */
export const OPERATOR_TOKEN_VARIABLE = "TRELLIS_CONTROL_TOKEN";

/** What the CLI sends; the first that is there. */
export const TOKEN_VARIABLES: readonly string[] = ["TRELLIS_TOKEN", OPERATOR_TOKEN_VARIABLE];

/** Takes the tokens out of the environment, so that the apps that a server starts do not get them. */
export function forgetTokens(env: { delete(name: string): unknown } = Deno.env): void {
  for (const name of TOKEN_VARIABLES) env.delete(name);
}
