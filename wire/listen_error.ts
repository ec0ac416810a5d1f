import { type Address, formatAddress } from "./address.ts";

/** Why it failed, as Deno or Node.js say it, and what a person can do about it. */
const REASONS: readonly [found: RegExp, reason: string, remedy: string][] = [
  [
    /AddrInUse|EADDRINUSE/,
    "the port is taken",
    "Stop the program that uses the port, or choose another address.",
  ],
  [
    /PermissionDenied|EACCES/,
    "this user may not",
    "Choose a port from 1024 on, or let the system give this program the right to.",
  ],
  [
    // Deno's `node:net` says EINVAL of an address that is another machine's.
    /AddrNotAvailable|EADDRNOTAVAIL|EINVAL/,
    "this machine does not have that address",
    "Give one that it has, or 0.0.0.0 for all of IPv4 and [::] for IPv6, too.",
  ],
  [
    /lookup|Name resolution/,
    "the name cannot be found",
    "Check the name, or give an IP address of this machine.",
  ],
];

/** A port could not be listened on. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  /** What a person can do about it. */
  readonly remedy: string;

  constructor(address: Address, cause: unknown) {
    const [, reason, remedy] = REASONS.find(([found]) => found.test(String(cause))) ??
      [undefined, undefined, "Choose another address."];
    const why = reason === undefined ? "" : `: ${reason}`;
    super(`Cannot listen on ${formatAddress(address)}${why}.`, { cause });
    this.remedy = remedy;
  }
}
