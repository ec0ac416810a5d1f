/**
 * `keys generate | show`: key pairs for SuperNodes, without `ssh-keygen`.
 *
 * @module
 */

import type { PrivateKeyFormat } from "../keys/ec_private_key.ts";
import { KeyError } from "../keys/key_error.ts";
import { generateCredentials, readPrivateKeyFile, readPublicKeyFile } from "../keys/key_files.ts";
import type { PublicKey } from "../keys/public_key.ts";
import { UsageError } from "../terminal/errors.ts";
import { choiceFlag, textFlag } from "../terminal/flags.ts";
import { renderSheet, renderTable } from "../terminal/table.ts";
import type { Command, CommandGroup } from "./command_tree.ts";
import { withProgress } from "./progress.ts";
import { FORMAT_FLAG, report } from "./report.ts";

const DIRECTORY_FLAG = textFlag("directory", "DIRECTORY", "Where the files go.", {
  defaultText: "keys",
});
const CURVE_FLAG = choiceFlag("curve", ["P-384", "P-256", "P-521"], "The elliptic curve.");

const generate: Command = {
  spec: {
    name: "trellis keys generate",
    summary: "Make key pairs for N SuperNodes: client_credentials_1 and .pub, and so on.",
    positionals: [{ name: "N", help: "How many", required: true }],
    flags: [DIRECTORY_FLAG, CURVE_FLAG, FORMAT_FLAG],
    epilogue: "Private keys are OpenSSH files of mode 0600, as Flower reads them. " +
      "No file is ever overwritten.",
  },
  run: ({ flags, positionals: [count = ""] }, terminal) => {
    if (!/^\d{1,9}$/.test(count)) {
      throw new UsageError(`N must be a whole number, not "${count}".`);
    }
    return report(FORMAT_FLAG.of(flags), terminal, async () => {
      const directory = DIRECTORY_FLAG.of(flags) ?? "keys";
      const pairs = await withProgress(
        terminal,
        `Making ${count} key pairs`,
        (advance) => generateCredentials(Number(count), directory, CURVE_FLAG.of(flags), advance),
      );
      return {
        json: {
          "success": true,
          "keys": pairs.map(({ privateKeyPath, publicKeyPath, publicKey }) => ({
            "private-key": privateKeyPath,
            "public-key": publicKeyPath,
            "curve": publicKey.curve,
            "fingerprint": publicKey.fingerprint,
          })),
        },
        view: renderTable(
          [{ header: "Key pair", keepWhole: true }, { header: "Fingerprint", keepWhole: true }],
          pairs.map(({ privateKeyPath, publicKey }) => [
            { text: `${privateKeyPath}[.pub]` },
            { text: publicKey.fingerprint },
          ]),
          { paint: terminal.paint },
        ),
      };
    });
  },
};

const show: Command = {
  spec: {
    name: "trellis keys show",
    summary: "Show the fingerprint, curve and format of a public or private key file.",
    positionals: [{ name: "FILE", help: "Key file", required: true }],
    flags: [FORMAT_FLAG],
    epilogue: "The fingerprint is that of `ssh-keygen -l`. Nothing of a private key is shown.",
  },
  run: ({ flags, positionals: [file = ""] }, terminal) =>
    report(FORMAT_FLAG.of(flags), terminal, async () => {
      const { kind, format, key } = await describeKeyFile(file);
      return {
        json: {
          "success": true,
          "file": file,
          "kind": kind,
          "format": format,
          "curve": key.curve,
          "fingerprint": key.fingerprint,
        },
        view: renderSheet([
          ["File", { text: file }],
          ["Kind", { text: `${kind} key` }],
          ["Format", { text: format }],
          ["Curve", { text: key.curve }],
          ["Fingerprint", { text: key.fingerprint, styles: ["bold"] }],
        ], { paint: terminal.paint }),
      };
    }),
};

/** `trellis keys`. */
export const keysCommands: CommandGroup = {
  name: "trellis keys",
  summary: "Make and look at the keys with which SuperNodes prove who they are.",
  commands: [
    generate,
    show,
    {
      name: "trellis keys rotate",
      summary: "Replace the key of a SuperNode on its SuperLink.",
      load: async () => (await import("./keys_rotate.ts")).rotateCommand,
    },
  ],
};

const PRIVATE_FORMATS: Readonly<Record<PrivateKeyFormat, string>> = {
  openssh: "OpenSSH",
  pkcs8: "PKCS#8 PEM",
  sec1: "SEC1 PEM",
};

interface KeyFileFacts {
  readonly kind: "public" | "private";
  readonly format: string;
  readonly key: PublicKey;
}

async function describeKeyFile(file: string): Promise<KeyFileFacts> {
  try {
    const key = await readPublicKeyFile(file);
    const isPem = (await Deno.readTextFile(file)).trimStart().startsWith("-----BEGIN ");
    return { kind: "public", format: isPem ? "SPKI PEM" : "OpenSSH", key };
  } catch (error) {
    if (!(error instanceof KeyError) || error.reason !== "private-key") throw error;
    const { format, publicKey } = await readPrivateKeyFile(file);
    return { kind: "private", format: PRIVATE_FORMATS[format], key: publicKey };
  }
}
