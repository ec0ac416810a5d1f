import { type Address, formatAddress, parseAddress } from "../wire/address.ts";
import { ExitError } from "./errors.ts";
import { FLOWER_EXIT_CODES } from "./exit_codes.ts";

/**
 * Where `--host` and `--port` say that HTTP is served; `byDefault` has what is not given. Throws an
 * {@linkcode ExitError} for a host that is none.
 */
export function httpAddress(
  host: string | undefined,
  port: number | undefined,
  byDefault: Address,
): Address {
  const text = formatAddress({ host: host ?? byDefault.host, port: port ?? byDefault.port });
  const address = parseAddress(text);
  if (address) return address;
  throw new ExitError(`--host takes a host name or an IP address, not "${host}".`, {
    flowerCode: FLOWER_EXIT_CODES.invalidAddress,
    remedy: "For example 127.0.0.1, 0.0.0.0 or ::.",
  });
}
