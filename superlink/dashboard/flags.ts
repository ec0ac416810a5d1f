/**
 * Where the page of a SuperLink listens, as its command line says it.
 *
 * @module
 */

import { ExitError } from "../../terminal/errors.ts";
import { FLOWER_EXIT_CODES } from "../../terminal/exit_codes.ts";
import { type RawFlags, textFlag } from "../../terminal/flags.ts";
import { type Address, parseAddress } from "../../wire/address.ts";

/** The flags of `trellis superlink` that are about its page. */
export const dashboardFlags = {
  dashboardAddress: textFlag(
    "dashboard-address",
    "HOST:PORT",
    "Where the page for operators, /metrics, /livez and /readyz are served; none serves neither. " +
      "Beyond this machine it asks for a token, and with --control-access tokens everywhere.",
    { defaultText: "127.0.0.1:8080" },
  ),
  dashboardTokenFile: textFlag(
    "dashboard-token-file",
    "FILE",
    "A file with the token that opens the page. Without it, a page beyond this machine makes a token " +
      "and shows its login link once on the terminal.",
  ),
} as const;

/** Where the page listens. */
export interface DashboardOptions {
  readonly address: Address;
  /** Nobody asked for it. */
  readonly byDefault: boolean;
  /** The file with the token that it asks for. */
  readonly tokenFile: string | undefined;
}

const DEFAULT_ADDRESS: Address = { host: "127.0.0.1", port: 8080 };

/** Reads the flags; `undefined` when there is to be no page. Throws an {@linkcode ExitError}. */
export function dashboardOf(raw: RawFlags): DashboardOptions | undefined {
  const text = dashboardFlags.dashboardAddress.of(raw);
  const tokenFile = dashboardFlags.dashboardTokenFile.of(raw);
  if (text === "none") {
    if (tokenFile === undefined) return undefined;
    throw new ExitError("--dashboard-address none goes with no --dashboard-token-file.", {
      remedy: "Leave one of them out.",
    });
  }
  if (text === undefined) return { address: DEFAULT_ADDRESS, byDefault: true, tokenFile };
  const address = parseAddress(text);
  if (address) return { address, byDefault: false, tokenFile };
  throw new ExitError(`--dashboard-address takes HOST:PORT or none, not "${text}".`, {
    flowerCode: FLOWER_EXIT_CODES.invalidAddress,
    remedy: "For example 127.0.0.1:8080, or 0.0.0.0:8080 to be reached from other machines.",
  });
}
