/**
 * `certs generate`: a development CA and server certificate, without openssl.
 *
 * @module
 */

import { generateCertificates } from "../keys/certificates.ts";
import { listFlag, numberFlag, textFlag } from "../terminal/flags.ts";
import { renderSheet } from "../terminal/table.ts";
import type { Command, CommandGroup } from "./command_tree.ts";
import { FORMAT_FLAG, report } from "./report.ts";

const HOST_FLAG = listFlag(
  "host",
  "NAME",
  "A DNS name or IP address of the SuperLink; may be repeated.",
  { defaultText: "localhost, 127.0.0.1, ::1" },
);
const DIRECTORY_FLAG = textFlag("directory", "DIRECTORY", "Where the files go.", {
  defaultText: "certificates",
});
const DAYS_FLAG = numberFlag("days", "DAYS", "How long they are valid.", {
  min: 1,
  max: 3650,
  integer: true,
  defaultText: "365",
});

const generate: Command = {
  spec: {
    name: "trellis certs generate",
    summary: "Make a certificate authority and a server certificate for development.",
    flags: [HOST_FLAG, DIRECTORY_FLAG, DAYS_FLAG, FORMAT_FLAG],
    epilogue: "No file is ever overwritten. In production, use your own certificate authority.",
  },
  run: ({ flags }, terminal) =>
    report(FORMAT_FLAG.of(flags), terminal, async () => {
      const hosts = HOST_FLAG.of(flags);
      const days = DAYS_FLAG.of(flags);
      const made = await generateCertificates(DIRECTORY_FLAG.of(flags) ?? "certificates", {
        ...(hosts.length > 0 ? { hosts } : {}),
        ...(days === undefined ? {} : { days }),
      });
      const notAfter = `${made.notAfter.toISOString().slice(0, 19).replace("T", " ")}Z`;
      return {
        json: {
          "success": true,
          "ca-certificate": made.caCertificatePath,
          "ca-key": made.caKeyPath,
          "server-certificate": made.serverCertificatePath,
          "server-key": made.serverKeyPath,
          "valid-until": notAfter,
        },
        view: renderSheet([
          ["--ssl-ca-certfile, --root-certificates", { text: made.caCertificatePath }],
          ["--ssl-certfile", { text: made.serverCertificatePath }],
          ["--ssl-keyfile", { text: made.serverKeyPath }],
          ["Key of the authority, keep it safe", { text: made.caKeyPath }],
          ["Valid until", { text: notAfter }],
        ], { paint: terminal.paint }),
      };
    }),
};

/** `trellis certs`. */
export const certsCommands: CommandGroup = {
  name: "trellis certs",
  summary: "Make TLS certificates for a federation on one machine or network.",
  commands: [generate],
};
