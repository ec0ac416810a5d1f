import type { X509Certificate, X509CertificateCreateParamsName } from "@peculiar/x509";
import { encodeHex } from "@std/encoding";
import { type CertificateName, certificateNames } from "./host_names.ts";
import { KeyError } from "./key_error.ts";
import { makeDirectory } from "./key_files.ts";
import { writeNewFiles } from "./new_files.ts";
import { encodePem } from "./pem.ts";

/** For whom certificates are made, and for how long. */
export interface CertificateOptions {
  /** DNS names and IP addresses of the SuperLink; the loopback's by default. */
  readonly hosts?: readonly string[];
  /** Days that the certificates are valid: 1 to 3650, by default 365. */
  readonly days?: number;
}

/** What was made. The names are those of Flower's example. */
export interface CertificateFiles {
  /** For `--ssl-ca-certfile`, `--root-certificates` and `root-certificates`. */
  readonly caCertificatePath: string;
  /** Signs further server certificates; no program needs it to run. */
  readonly caKeyPath: string;
  /** For `--ssl-certfile`. */
  readonly serverCertificatePath: string;
  /** For `--ssl-keyfile`. */
  readonly serverKeyPath: string;
  readonly notAfter: Date;
}

const LOOPBACK = ["localhost", "127.0.0.1", "::1"] as const;

const ECDSA_P256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

const DAY_MS = 24 * 3600 * 1000;

/** Clocks of a federation differ: the certificates are valid an hour ago, too. */
const BACKDATE_MS = 3600 * 1000;

/**
 * Makes a certificate authority for development and a server certificate that it signed, as
 * `ca.crt`, `ca.key`, `server.pem` and `server.key` in a directory that is made if it is missing.
 * Keys have mode 0600; when any of the files exists, none is written.
 *
 * Follows RFC 5280 closely enough for strict verifiers (Python 3.13, rustls): critical
 * basicConstraints and keyUsage, key identifiers, names in subjectAltName only count.
 *
 * @throws KeyError `invalid-argument`, `exists` or `unwritable`
 */
export async function generateCertificates(
  directory: string,
  { hosts = LOOPBACK, days = 365 }: CertificateOptions = {},
): Promise<CertificateFiles> {
  const names = certificateNames(hosts);
  if (!Number.isInteger(days) || days < 1 || days > 3650) {
    throw new KeyError(
      "invalid-argument",
      `The days of a certificate must be a whole number from 1 to 3650, not ${days}.`,
    );
  }
  // Certificates hold whole seconds.
  const now = Math.floor(Date.now() / 1000) * 1000;
  const validity = {
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(now + days * DAY_MS),
  };
  const made = await makeCertificates(names, validity);

  const path = (name: string) => `${directory.replace(/(?<=.)[/\\]+$/, "")}/${name}`;
  const files = {
    caCertificatePath: path("ca.crt"),
    caKeyPath: path("ca.key"),
    serverCertificatePath: path("server.pem"),
    serverKeyPath: path("server.key"),
  };
  await makeDirectory(directory);
  await writeNewFiles([
    { path: files.caCertificatePath, content: made.caCertificate, mode: 0o644 },
    { path: files.serverCertificatePath, content: made.serverCertificate, mode: 0o644 },
    { path: files.caKeyPath, content: made.caKey, mode: 0o600 },
    { path: files.serverKeyPath, content: made.serverKey, mode: 0o600 },
  ]);
  return { ...files, notAfter: validity.notAfter };
}

async function makeCertificates(
  names: readonly CertificateName[],
  validity: { notBefore: Date; notAfter: Date },
) {
  // A fifth of a second to load, so nothing that makes no certificates does; it needs the polyfill.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");

  const ca = await crypto.subtle.generateKey(ECDSA_P256, true, ["sign", "verify"]);
  const server = await crypto.subtle.generateKey(ECDSA_P256, true, ["sign", "verify"]);
  const caName = distinguishedName("Trellis development CA");
  const common = { ...validity, signingAlgorithm: ECDSA_P256 };

  const caCertificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...common,
    serialNumber: serialNumber(),
    name: caName,
    keys: ca,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(ca.publicKey),
    ],
  });
  const serverCertificate = await x509.X509CertificateGenerator.create({
    ...common,
    serialNumber: serialNumber(),
    subject: distinguishedName("SuperLink"),
    issuer: caName,
    publicKey: server.publicKey,
    signingKey: ca.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([...names]),
      await x509.SubjectKeyIdentifierExtension.create(server.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(ca.publicKey),
    ],
  });
  return {
    caCertificate: certificatePem(caCertificate),
    caKey: await privateKeyPem(ca.privateKey),
    serverCertificate: certificatePem(serverCertificate),
    serverKey: await privateKeyPem(server.privateKey),
  };
}

function distinguishedName(commonName: string): X509CertificateCreateParamsName {
  return [{ O: ["Trellis"] }, { CN: [commonName] }];
}

function certificatePem(certificate: X509Certificate): string {
  return encodePem("CERTIFICATE", new Uint8Array(certificate.rawData));
}

async function privateKeyPem(key: CryptoKey): Promise<string> {
  return encodePem("PRIVATE KEY", new Uint8Array(await crypto.subtle.exportKey("pkcs8", key)));
}

/** 126 random bits behind a one, so positive, in hex (RFC 5280 section 4.1.2.2). */
function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return encodeHex(bytes.with(0, ((bytes[0] ?? 0) & 0x3f) | 0x40));
}
