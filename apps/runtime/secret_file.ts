import { ExitError } from "../../terminal/errors.ts";

/**
 * Reads the secret that a SuperExec shares with who serves it (`--superexec-auth-secret-file`): the
 * file's exact bytes. Throws an {@linkcode ExitError} when it cannot be read or is empty.
 */
export async function readSecretFile(file: string): Promise<Uint8Array> {
  let secret: Uint8Array;
  try {
    secret = await Deno.readFile(file);
  } catch (cause) {
    throw new ExitError(`The secret file "${file}" cannot be read.`, {
      cause,
      remedy: "Check that it is there, and that its permissions allow this user to read it.",
    });
  }
  if (secret.length > 0) return secret;
  throw new ExitError(`The secret file "${file}" is empty.`, {
    remedy: `Fill it, for example with: openssl rand -out "${file}" 32`,
  });
}
