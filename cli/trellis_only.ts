import { ExitError } from "../terminal/errors.ts";
import { StatusError } from "../wire/status.ts";

/** Whether a call failed because the SuperLink has no such service: Flower's own has none of ours. */
export function isMissingService(error: unknown): boolean {
  return error instanceof StatusError && error.status === "UNIMPLEMENTED";
}

/** Makes calls to services that only Trellis has. Throws an {@linkcode ExitError} where they are not. */
export async function onlyTrellis<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!isMissingService(error)) throw error;
    throw new ExitError("This SuperLink cannot do that: it is Flower's, or an older Trellis.", {
      cause: error,
      remedy: "Ask a SuperLink of this version of Trellis.",
    });
  }
}
