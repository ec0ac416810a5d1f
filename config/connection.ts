/**
 * How the CLI reaches a SuperLink, as Flower's tables say it: `[tool.flwr.federations.<name>]` in
 * an app's `pyproject.toml` (Flower 1.25) and `[superlink.<name>]` in `config.toml` (1.26 and on).
 *
 * @module
 */

import { isAbsolute, resolve } from "node:path";
import { ExitError } from "../terminal/errors.ts";
import { printable } from "../terminal/display_width.ts";
import { type Address, parseAddress } from "../wire/address.ts";
import type { ClientSecurity } from "../wire/grpc/client.ts";
import { loadRootCertificates } from "../wire/tls.ts";
import { isTable, type TomlTable } from "./toml.ts";
import { flattenUserConfig, type UserConfig } from "./user_config.ts";

/** Where a connection is declared, for error texts and relative paths. */
export interface ConnectionSource {
  readonly name: string;
  /** The header of its table, for example `[tool.flwr.federations.local]`, or what else says it. */
  readonly header: string;
  /** `undefined` for one that the command line describes. */
  readonly file: string | undefined;
  /** What relative certificate paths start from; `undefined` where they must be absolute. */
  readonly directory: string | undefined;
}

/** A SuperLink and how to reach it. */
export interface SuperLinkConnection {
  readonly source: ConnectionSource;
  /** The Control API. */
  readonly address: Address;
  readonly security: ClientSecurity;
  /** A file with the token that is sent, where the connection names one (Trellis's own). */
  readonly tokenFile?: string;
  /** The federation's name on the SuperLink. */
  readonly federation: string;
  /** `options.*`, flattened; a SuperLink that simulates reads them. */
  readonly options: UserConfig;
}

/** Where a connection is declared, as part of a sentence. */
export function declaredIn({ header, file }: ConnectionSource): string {
  return file === undefined ? header : `${header} of "${file}"`;
}

/** The one federation of a SuperLink of Flower 1.24 or 1.25 without accounts. */
const DEFAULT_FEDERATION = "default";

/** Reads a connection's table. Throws an {@linkcode ExitError} that names the file and the key. */
export async function readConnection(
  table: TomlTable,
  source: ConnectionSource,
): Promise<SuperLinkConnection> {
  return {
    source,
    address: readAddress(table, source),
    security: await readSecurity(table, source),
    federation: optionalText(table, "federation", source) ?? DEFAULT_FEDERATION,
    ...readTokenFile(table, source),
    options: isTable(table.options) ? flattenUserConfig(table.options) : new Map(),
  };
}

function readAddress(table: TomlTable, source: ConnectionSource): Address {
  const text = optionalText(table, "address", source);
  const where = declaredIn(source);
  if (text === undefined) {
    throw new ExitError(`"${source.name}" has no \`address\`, so there is no SuperLink to ask.`, {
      remedy: `Add the address of its Control API, such as \`address = "127.0.0.1:9093"\`, to ` +
        `${where}.`,
    });
  }
  if (text.startsWith(":local")) {
    throw new ExitError(`"${source.name}" asks for a SuperLink that Flower starts by itself.`, {
      remedy: "Start a SuperLink and name the address of its Control API instead.",
    });
  }
  const address = parseAddress(text);
  if (address !== undefined && address.port !== 0) return address;
  throw new ExitError(`"${printable(text)}" is not the address of a SuperLink.`, {
    remedy:
      `Write HOST:PORT without a scheme, such as \`address = "127.0.0.1:9093"\`, in ${where}.`,
  });
}

async function readSecurity(table: TomlTable, source: ConnectionSource): Promise<ClientSecurity> {
  const { insecure = false } = table;
  if (typeof insecure !== "boolean") {
    throw new ExitError(
      `\`insecure\` in ${declaredIn(source)} must be true or false.`,
      { remedy: "Write `insecure = true` or `insecure = false`, without quotes." },
    );
  }
  const certificates = optionalText(table, "root-certificates", source);
  if (certificates === undefined) return { insecure };
  if (insecure) {
    throw new ExitError(
      `"${source.name}" has \`root-certificates\` and \`insecure = true\` in ${
        declaredIn(source)
      }.`,
      { remedy: "Remove `insecure` to use TLS, or `root-certificates` to go without it." },
    );
  }
  if (source.directory === undefined && !isAbsolute(certificates)) {
    throw relativePath("root-certificates", source);
  }
  const file = resolve(source.directory ?? "", certificates);
  return { insecure, rootCertificatesPem: await loadRootCertificates(file) };
}

function readTokenFile(
  table: TomlTable,
  source: ConnectionSource,
): Pick<SuperLinkConnection, "tokenFile"> {
  const file = optionalText(table, "token-file", source);
  if (file === undefined) return {};
  if (source.directory === undefined && !isAbsolute(file)) {
    throw relativePath("token-file", source);
  }
  return { tokenFile: resolve(source.directory ?? "", file) };
}

function relativePath(key: string, source: ConnectionSource): ExitError {
  return new ExitError(
    `\`${key}\` in ${declaredIn(source)} is a relative path.`,
    { remedy: "Write the whole path: this file belongs to no directory." },
  );
}

function optionalText(
  table: TomlTable,
  key: string,
  source: ConnectionSource,
): string | undefined {
  const value = table[key];
  if (value === undefined || typeof value === "string") return value;
  throw new ExitError(
    `\`${key}\` in ${declaredIn(source)} must be a text in quotes.`,
  );
}
