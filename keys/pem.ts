import { decodeBase64, encodeBase64 } from "@std/encoding";

/** One `-----BEGIN …-----` block. */
export interface PemBlock {
  readonly label: string;
  /** Whether headers (RFC 1421) say that the body is encrypted, as old `openssl ec` writes it. */
  readonly encrypted: boolean;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const BEGIN = /^-----BEGIN ([A-Z0-9 ]+)-----$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/**
 * Reads text that consists of PEM blocks (RFC 7468) and blank lines only; else `undefined`.
 * CRLF, a missing last line end and blanks around lines do no harm.
 */
export function readPemBlocks(text: string): PemBlock[] | undefined {
  const blocks: PemBlock[] = [];
  const lines = text.split(/\r\n|\r|\n/).map((line) => line.trim());
  let index = 0;
  while (index < lines.length) {
    const line = lines[index++] ?? "";
    if (line === "") continue;
    const label = BEGIN.exec(line)?.[1];
    const end = lines.indexOf(`-----END ${label}-----`, index);
    if (label === undefined || end === -1) return undefined;
    const body = lines.slice(index, end);
    const headers = body.filter((entry) => entry.includes(":"));
    const base64 = body.filter((entry) => !entry.includes(":")).join("");
    if (!BASE64.test(base64) || base64.replace(/=+$/, "").length % 4 === 1) return undefined;
    blocks.push({
      label,
      encrypted: headers.some((header) => /^Proc-Type:.*ENCRYPTED/.test(header)),
      bytes: decodeBase64(base64.replace(/=+$/, "")),
    });
    index = end + 1;
  }
  return blocks;
}

/** A PEM block with LF line ends and a trailing LF; OpenSSH breaks at 70 columns, the rest at 64. */
export function encodePem(label: string, bytes: Uint8Array, columns: 64 | 70 = 64): string {
  const lines = encodeBase64(bytes).match(new RegExp(`.{1,${columns}}`, "g")) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
