import { ExitError } from "./errors.ts";

/**
 * Reads a file that a person named; `what` is what it is, as in "secret file". Throws an
 * {@linkcode ExitError} when it cannot be read.
 */
export async function readGivenFile(what: string, file: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(file);
  } catch (cause) {
    throw new ExitError(`The ${what} "${file}" cannot be read.`, {
      cause,
      remedy: "Check that it is there, and that its permissions allow this user to read it.",
    });
  }
}
