/**
 * What to do about a SuperLink that the CLI does not reach, said with what the connection was made
 * of: flags, or settings of a file.
 *
 * @module
 */

import { type ConnectionSource, declaredIn } from "../config/connection.ts";
import type { ConnectionProblemKind } from "../wire/diagnose.ts";

/** What to do about a problem with a connection from there. */
export function connectionRemedy(kind: ConnectionProblemKind, source: ConnectionSource): string {
  return REMEDIES[kind](source.file === undefined ? ON_COMMAND_LINE : inFile(declaredIn(source)));
}

/** The settings as parts of sentences; "give" and "leave out" as the whole of one. */
interface Settings {
  readonly address: string;
  readonly giveRoots: string;
  readonly giveInsecure: string;
  readonly leaveInsecureOut: string;
}

const ON_COMMAND_LINE: Settings = {
  address: "--superlink",
  giveRoots: "give --root-certificates with",
  giveInsecure: "give --insecure",
  leaveInsecureOut: "Leave --insecure out",
};

function inFile(where: string): Settings {
  return {
    address: `\`address\` in ${where}`,
    giveRoots: `set \`root-certificates\` in ${where} to`,
    giveInsecure: `set \`insecure = true\` in ${where}`,
    leaveInsecureOut: "Remove `insecure = true`",
  };
}

const REMEDIES: Readonly<Record<ConnectionProblemKind, (settings: Settings) => string>> = {
  "unknown-name": ({ address }) => `Correct ${address}.`,
  refused: ({ address }) => `Start the SuperLink, or correct ${address}.`,
  unreachable: ({ address }) => `Check the network, firewalls, and ${address}.`,
  timeout: ({ address }) => `Check the network, firewalls, and ${address}.`,
  "server-without-tls": ({ giveInsecure }) =>
    "Start the SuperLink with --ssl-certfile, --ssl-keyfile and --ssl-ca-certfile. Where the " +
    `network can be trusted, ${giveInsecure} instead.`,
  "server-with-tls": ({ leaveInsecureOut, giveRoots }) =>
    `${leaveInsecureOut}, and ${giveRoots} the CA certificate that issued the server's.`,
  "untrusted-certificate": ({ giveRoots }) =>
    `To trust it, ${giveRoots} the CA certificate that issued it, such as "certificates/ca.crt".`,
  "wrong-name": ({ address }) =>
    `Use one of these names for ${address}, or issue a certificate for this one.`,
  "certificate-not-valid-now": () =>
    "Issue a new certificate for the SuperLink, or correct the clock of this machine.",
  silent: ({ address }) => `Look at its log: it may be stuck. Or correct ${address}.`,
  "wrong-protocol": ({ address }) =>
    "Use the address of the SuperLink's Control API, on port 9093 by default and on 8000 from " +
    `Flower 1.37 on, for ${address}.`,
};
