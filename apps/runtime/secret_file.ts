import { ExitError } from "../../terminal/errors.ts";
import { readGivenFile } from "../../terminal/read_given_file.ts";

/**
 * Reads the secret that a SuperExec shares with who serves it (`--superexec-auth-secret-file`): the
 * file's exact bytes. Throws an {@linkcode ExitError} when it cannot be read or is empty.
 */
export async function readSecretFile(file: string): Promise<Uint8Array> {
  const secret = await readGivenFile("secret file", file);
  if (secret.length > 0) return secret;
  throw new ExitError(`The secret file "${file}" is empty.`, {
    remedy: `Fill it, for example with: openssl rand -out "${file}" 32`,
  });
}
