import { isIP } from "node:net";
import { KeyError } from "./key_error.ts";

/** A name in a certificate: what a client compares with the address that it connected to. */
export interface CertificateName {
  readonly type: "dns" | "ip";
  readonly value: string;
}

/**
 * One label of a DNS name (RFC 1123 section 2.1), with the underscores that names of containers
 * have. IDNs are given in their `xn--` form.
 */
const LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?";
const DNS_NAME = new RegExp(`^(?:\\*\\.)?(?:${LABEL}\\.)*(?![0-9]+$)${LABEL}$`);

/**
 * Sorts host names into DNS names, also with a wildcard in front, and IP addresses, each once.
 *
 * @throws KeyError `invalid-argument` when there is none, or one is neither
 */
export function certificateNames(hosts: readonly string[]): CertificateName[] {
  if (hosts.length === 0) {
    throw new KeyError("invalid-argument", "The certificate needs at least one host name.");
  }
  return [...new Set(hosts)].map((value) => {
    if (isIP(value) !== 0 && !value.includes("%")) return { type: "ip", value };
    if (value.length <= 253 && DNS_NAME.test(value)) return { type: "dns", value };
    throw new KeyError(
      "invalid-argument",
      `The host name "${value}" is neither a DNS name nor an IP address.`,
      'Give it without scheme, port and brackets, such as "superlink.example.org" or "192.0.2.7".',
    );
  });
}
