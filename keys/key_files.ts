import type { Curve } from "./curve.ts";
import { KeyError, whyNot } from "./key_error.ts";
import { type NewFile, writeNewFiles } from "./new_files.ts";
import {
  generatePrivateKey,
  openSshPrivatePem,
  type PrivateKey,
  readPrivateKey,
} from "./private_key.ts";
import { openSshPublicLine, type PublicKey, readPublicKey } from "./public_key.ts";

/** Where a key pair was written, and its public key. */
export interface KeyPairFiles {
  readonly privateKeyPath: string;
  readonly publicKeyPath: string;
  readonly publicKey: PublicKey;
}

/** Larger than every key; a bigger file is read no further and refused as a key. */
const MAX_SIZE_BYTES = 128 * 1024;

/** A fleet on paper; far more would fill a directory by a slip of the finger. */
const MAX_CREDENTIALS = 10_000;

/**
 * Writes the private key at `path` in OpenSSH's format, mode 0600, and its public key line at
 * `path` + `.pub`, as `ssh-keygen` does. Neither file is ever overwritten: when one of them exists,
 * nothing is written.
 *
 * @throws KeyError `exists`, `unwritable` or, for a comment of several lines, `invalid-argument`
 */
export async function writeKeyPair(
  path: string,
  key: PrivateKey,
  comment = "",
): Promise<KeyPairFiles> {
  const pair = keyPairFiles(path, key, comment);
  await writeNewFiles(pair.files);
  return pair.written;
}

/**
 * Makes the key pairs of Flower's guide (its `generate_auth_keys.sh`, but nothing is deleted):
 * `client_credentials_1` to `client_credentials_<count>` with their `.pub` files, in a directory
 * that is made if it is missing. When any of the files exists, none is written. `advance` is told how
 * much of the work is done.
 *
 * @throws KeyError `exists`, `unwritable` or, for a count outside 1..10000, `invalid-argument`
 */
export async function generateCredentials(
  count: number,
  directory: string,
  curve: Curve = "P-384",
  advance: (done: number, total: number) => void = () => {},
): Promise<KeyPairFiles[]> {
  if (!Number.isInteger(count) || count < 1 || count > MAX_CREDENTIALS) {
    throw new KeyError(
      "invalid-argument",
      `The number of key pairs must be a whole number from 1 to ${MAX_CREDENTIALS}, not ${count}.`,
    );
  }
  // To make a pair takes as long as to write its two files.
  const steps = 2 * count;
  const pairs = [];
  for (let number = 1; number <= count; number++) {
    const path = `${directory.replace(/(?<=.)[/\\]+$/, "")}/client_credentials_${number}`;
    pairs.push(keyPairFiles(path, await generatePrivateKey(curve), ""));
    advance(number, steps);
  }
  await makeDirectory(directory);
  const files = pairs.flatMap((pair) => pair.files);
  await writeNewFiles(files, (written) => advance(count + written / 2, steps));
  return pairs.map(({ written }) => written);
}

/**
 * Makes a directory and those above it, where they are missing.
 *
 * @throws KeyError `unwritable`
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true });
  } catch (error) {
    throw new KeyError(
      "unwritable",
      `The directory "${path}" cannot be made, because ${whyNot(error)}.`,
    );
  }
}

/**
 * Reads a private key file; see {@linkcode readPrivateKey}.
 *
 * @throws KeyError `missing` or `unreadable`, or why its content is not a usable private key
 */
export function readPrivateKeyFile(path: string): Promise<PrivateKey> {
  return readKeyFile("private key file", path, readPrivateKey);
}

/**
 * Reads a public key file; see {@linkcode readPublicKey}.
 *
 * @throws KeyError `missing` or `unreadable`, or why its content is not a usable public key
 */
export function readPublicKeyFile(path: string): Promise<PublicKey> {
  return readKeyFile("public key file", path, readPublicKey);
}

async function readKeyFile<Key>(
  what: string,
  path: string,
  read: (content: Uint8Array) => Key,
): Promise<Key> {
  const content = await readBounded(what, path);
  try {
    return read(content);
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    const clause = error.message.charAt(0).toLowerCase() + error.message.slice(1);
    throw new KeyError(
      error.reason,
      `The ${what} "${path}" cannot be used: ${clause}`,
      error.remedy,
    );
  }
}

/** The start of a file, also of a pipe, which has no size to ask for first. */
async function readBounded(what: string, path: string): Promise<Uint8Array> {
  try {
    using file = await Deno.open(path);
    const content = new Uint8Array(MAX_SIZE_BYTES);
    let sizeBytes = 0;
    while (sizeBytes < content.length) {
      const read = await file.read(content.subarray(sizeBytes));
      if (read === null) break;
      sizeBytes += read;
    }
    return content.subarray(0, sizeBytes);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new KeyError(
        "missing",
        `The ${what} "${path}" does not exist.`,
        "Check the path, or make a key pair with `keys generate`.",
      );
    }
    throw new KeyError(
      "unreadable",
      `The ${what} "${path}" cannot be read, because ${whyNot(error)}.`,
    );
  }
}

/** The two files of a key pair; the public one is first, so a clash shows before a secret is out. */
function keyPairFiles(
  privateKeyPath: string,
  key: PrivateKey,
  comment: string,
): { files: NewFile[]; written: KeyPairFiles } {
  const { publicKey } = key;
  const publicKeyPath = `${privateKeyPath}.pub`;
  const line = `${openSshPublicLine(publicKey, comment)}\n`;
  return {
    files: [
      { path: publicKeyPath, content: line, mode: 0o644 },
      { path: privateKeyPath, content: openSshPrivatePem(key, comment), mode: 0o600 },
    ],
    written: { privateKeyPath, publicKeyPath, publicKey },
  };
}
