/**
 * The PEM files of a TLS server, checked before anything listens.
 *
 * @module
 */

import { createPrivateKey, X509Certificate } from "node:crypto";

/** Checked PEM texts for a TLS server. */
export interface ServerTls {
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly caPem: string;
}

/** The three files of Flower's `--ssl-certfile`, `--ssl-keyfile` and `--ssl-ca-certfile`. */
export interface ServerTlsFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly caFile: string;
}

/** A TLS file that cannot be used. The message names the file and the remedy. */
export class TlsFileError extends Error {
  override readonly name = "TlsFileError";
}

/** What {@linkcode loadServerTls} found: usable files, and what an operator should know of them. */
export interface LoadedServerTls {
  readonly tls: ServerTls;
  readonly warnings: readonly string[];
}

/**
 * Reads and checks a server's certificate (with its chain), key and CA.
 * Throws {@linkcode TlsFileError} for a file that is missing, unreadable, not PEM, expired or not
 * yet valid, and for a key that is not the certificate's.
 */
export async function loadServerTls(
  files: ServerTlsFiles,
  now: Date = new Date(),
): Promise<LoadedServerTls> {
  const certificatePem = await readPem(files.certificateFile, "certificate");
  const keyPem = await readPem(files.keyFile, "private key");
  const caPem = await readPem(files.caFile, "CA certificate");
  const chain = parseCertificates(certificatePem, files.certificateFile);
  const authorities = parseCertificates(caPem, files.caFile);
  for (const certificate of chain) requireValidNow(certificate, files.certificateFile, now);
  for (const certificate of authorities) requireValidNow(certificate, files.caFile, now);
  requireMatchingKey(chain, keyPem, files);

  const last = chain.at(-1);
  const trusted = last !== undefined &&
    authorities.some((ca) => last.raw.equals(ca.raw) || last.verify(ca.publicKey));
  const warnings = trusted ? [] : [
    `The certificate in ${quote(files.certificateFile)} was not issued by the CA in ` +
    `${quote(files.caFile)}, so peers that trust only this CA will refuse the connection.`,
  ];
  return { tls: { certificatePem, keyPem, caPem }, warnings };
}

/** Reads the PEM file of trusted root certificates that a client was given. */
export async function loadRootCertificates(file: string): Promise<string> {
  const pem = await readPem(file, "root certificate");
  parseCertificates(pem, file);
  return pem;
}

async function readPem(file: string, what: string): Promise<string> {
  let text: string;
  try {
    text = await Deno.readTextFile(file);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new TlsFileError(`The ${what} file ${quote(file)} does not exist.`, { cause });
    }
    throw new TlsFileError(
      `The ${what} file ${quote(file)} cannot be read. Check that it is a file and that ` +
        "its permissions allow this user to read it.",
      { cause },
    );
  }
  if (!text.includes("-----BEGIN ")) {
    throw new TlsFileError(
      `The ${what} file ${quote(file)} is not a PEM file. Convert it with openssl, or make a ` +
        "development set with `trellis certs generate`.",
    );
  }
  return text;
}

function parseCertificates(pem: string, file: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) {
    const found = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(pem)?.[1] ?? "no PEM block";
    throw new TlsFileError(
      `The file ${quote(file)} holds no certificate (it holds: ${found}). ` +
        "Check that the certificate and key flags are not swapped.",
    );
  }
  return blocks.map((block) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw new TlsFileError(`The certificate in ${quote(file)} is damaged.`, { cause });
    }
  });
}

function requireValidNow(certificate: X509Certificate, file: string, now: Date): void {
  if (now < certificate.validFromDate) {
    throw new TlsFileError(
      `The certificate in ${quote(file)} is not valid before ${certificate.validFrom}. ` +
        "Check the clock of this machine.",
    );
  }
  if (now > certificate.validToDate) {
    throw new TlsFileError(
      `The certificate in ${quote(file)} expired on ${certificate.validTo}. ` +
        "Issue a new one and start again.",
    );
  }
}

function requireMatchingKey(
  chain: readonly X509Certificate[],
  keyPem: string,
  files: ServerTlsFiles,
): void {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(keyPem)) {
    throw new TlsFileError(
      `The private key in ${quote(files.keyFile)} is protected by a passphrase. ` +
        "Remove it with `openssl pkey` and restrict the file's permissions instead.",
    );
  }
  let key;
  try {
    key = createPrivateKey(keyPem);
  } catch (cause) {
    throw new TlsFileError(
      `The file ${quote(files.keyFile)} holds no private key that can be used. ` +
        "It must be an unencrypted PEM key (PKCS#8, PKCS#1 or SEC1).",
      { cause },
    );
  }
  if (!chain[0]?.checkPrivateKey(key)) {
    throw new TlsFileError(
      `The private key in ${quote(files.keyFile)} does not belong to the certificate in ` +
        `${quote(files.certificateFile)}.`,
    );
  }
}

function quote(file: string): string {
  return `"${file}"`;
}
