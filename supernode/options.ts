/**
 * What a command line asks of the SuperNode, checked before anything is connected to.
 *
 * @module
 */

import { type AppPermissions, appPermissions } from "../apps/typescript/app_permissions.ts";
import { resolve } from "node:path";
import { keepsTypeScript, preloadOf } from "../apps/preload_flags.ts";
import { readUserConfig, unpairedText, type UserConfig } from "../config/user_config.ts";
import { KeyError } from "../keys/key_error.ts";
import { readPrivateKeyFile } from "../keys/key_files.ts";
import type { PrivateKey } from "../keys/private_key.ts";
import { ExitError } from "../terminal/errors.ts";
import { FLOWER_EXIT_CODES } from "../terminal/exit_codes.ts";
import type { RawFlags } from "../terminal/flags.ts";
import { flwrHome } from "../terminal/flwr_home.ts";
import { httpAddress } from "../terminal/http_address.ts";
import { type Address, parseAddress, reachableAddress } from "../wire/address.ts";
import type { ClientSecurity } from "../wire/grpc/client.ts";
import { loadRootCertificates, type ServerTlsFiles } from "../wire/tls.ts";
import type { TransportChoice } from "../wire/transport.ts";
import { flags } from "./flags.ts";
import type { RetryLimits } from "./fleet/retry_policy.ts";

/** A SuperNode's settings. */
export interface SuperNodeOptions {
  readonly superlink: Address;
  readonly security: ClientSecurity;
  readonly transport: TransportChoice;
  readonly retryLimits: RetryLimits;
  /** Absent: a new key for each stay. */
  readonly key: PrivateKey | undefined;
  readonly nodeConfig: UserConfig;
  readonly isolation: "subprocess" | "process";
  /** Where ClientApps of Flower up to 1.34 connect, and those in TypeScript: over gRPC. */
  readonly clientAppAddress: Address;
  /** Where newer ClientApps connect: over HTTP. It may be the same address. */
  readonly runtimeAddress: Address;
  /** For both of them, where ClientApps are started by others; absent: without TLS. */
  readonly tlsFiles: ServerTlsFiles | undefined;
  /** The secret that SuperExecs share, in isolation `process`. */
  readonly superExecSecretFile: string | undefined;
  /** Where to find flwr; absent: on `PATH`. */
  readonly python: string | undefined;
  /** What TypeScript apps may do besides reading their own folder. */
  readonly appPermissions: AppPermissions;
  /** Whether ClientApps in Python are forked from a process that has Flower loaded. */
  readonly preload: boolean;
  /** `FLWR_HOME`: where app processes install FABs. */
  readonly flwrDirectory: string;
  readonly maxApps: number;
  /** How many processes of TypeScript apps may wait for another message of their run. */
  readonly maxIdle: number;
  readonly maxObjectBytes: number;
  readonly stopGraceMs: number;
  readonly healthAddress: Address | undefined;
  /** What an operator should know of the flags that were given. */
  readonly warnings: readonly string[];
}

/**
 * Reads the flags and the files that they name. Throws an `ExitError` with Flower's number for what
 * Flower refuses, and with the way to go for what Trellis does not offer; also the errors of
 * `wire/tls.ts` and `config/user_config.ts`.
 */
export async function supernodeOptions(raw: RawFlags): Promise<SuperNodeOptions> {
  refuseWhatIsNotOffered(raw);
  const insecure = flags.insecure.of(raw);
  const rootCertificates = flags.rootCertificates.of(raw);
  const privateKey = flags.privateKey.of(raw);
  if (insecure && rootCertificates !== undefined) {
    throw new ExitError("--insecure does not go with --root-certificates.", {
      remedy: "Leave out --insecure to use TLS.",
    });
  }
  if (insecure && privateKey !== undefined) {
    throw new ExitError("A SuperNode with a key of its own needs TLS: --insecure is refused.", {
      flowerCode: FLOWER_EXIT_CODES.keyWithoutTls,
      remedy: "Give the CA file of the SuperLink with --root-certificates instead.",
    });
  }
  const maxWaitS = flags.maxWaitS.of(raw);
  const isolation = flags.isolation.of(raw);
  const maxApps = flags.maxApps.of(raw) ?? 1;
  return {
    superlink: superlinkAddress(flags.superlink.of(raw) ?? "127.0.0.1:9092"),
    security: insecure ? { insecure } : { insecure, ...await rootsOf(rootCertificates) },
    transport: transportOf(raw),
    retryLimits: {
      maxRetries: flags.maxRetries.of(raw),
      maxWaitMs: maxWaitS === undefined ? undefined : maxWaitS * 1000,
    },
    key: privateKey === undefined ? undefined : await readKey(privateKey),
    nodeConfig: await readUserConfig(flags.nodeConfig.of(raw)),
    isolation,
    ...appAddresses(raw),
    tlsFiles: isolation === "process" ? tlsFilesOf(raw) : undefined,
    superExecSecretFile: isolation === "process" ? flags.superExecSecretFile.of(raw) : undefined,
    python: flags.python.of(raw),
    appPermissions: appPermissions(
      flags.allowAppRead.of(raw),
      flags.allowAppNet.of(raw),
      flags.allowAppEnv.of(raw),
    ),
    preload: preloadOf(raw) && isolation === "subprocess",
    flwrDirectory: resolve(flwrHome()),
    maxApps,
    // With one app at a time, too, two runs may take turns.
    maxIdle: keepsTypeScript(raw) ? maxApps + 1 : 0,
    maxObjectBytes: flags.maxObjectBytes.of(raw),
    stopGraceMs: (flags.stopGraceS.of(raw) ?? 5) * 1000,
    healthAddress: listenAddress("health-server-address", flags.healthAddress.of(raw)),
    warnings: warningsOf(raw),
  };
}

async function rootsOf(file: string | undefined): Promise<{ rootCertificatesPem?: string }> {
  // The variable by which gRPC programs, Flower among them, are given other roots.
  const named = file ?? Deno.env.get("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH");
  return named ? { rootCertificatesPem: await loadRootCertificates(named) } : {};
}

async function readKey(file: string): Promise<PrivateKey> {
  try {
    return await readPrivateKeyFile(file);
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    const { message, remedy } = error;
    throw new ExitError(message, {
      flowerCode: FLOWER_EXIT_CODES.unusableKey,
      ...(remedy === undefined ? {} : { remedy }),
    });
  }
}

function superlinkAddress(text: string): Address {
  const address = parseAddress(text);
  // Flower's own default is 0.0.0.0:9092, which is where a server listens, not where it is found.
  if (address && address.port > 0) return reachableAddress(address);
  throw invalidAddress("superlink", text, "For example 192.0.2.7:9092; there is no http:// in it.");
}

/** As in Flower: of ClientAppIo up to 1.34, and of the Runtime API from 1.35 on. */
const APPS_DEFAULT: Address = { host: "127.0.0.1", port: 9094 };
/** Only processes that the SuperNode starts itself need not be told where it listens. */
const FREE: Address = { host: "127.0.0.1", port: 0 };

/** Who names one address means both, unless the other has its own. */
function appAddresses(
  raw: RawFlags,
): Pick<SuperNodeOptions, "clientAppAddress" | "runtimeAddress"> {
  const byDefault = flags.isolation.of(raw) === "process" ? APPS_DEFAULT : FREE;
  const host = flags.httpHost.of(raw);
  const port = flags.httpPort.of(raw);
  const grpc = listenAddress("clientappio-api-address", flags.clientAppIoAddress.of(raw));
  const http = host === undefined && port === undefined
    ? undefined
    : httpAddress(host, port, APPS_DEFAULT);
  const shared = byDefault === APPS_DEFAULT;
  return {
    clientAppAddress: grpc ?? (shared ? http : undefined) ?? byDefault,
    runtimeAddress: http ?? (shared ? grpc : undefined) ?? byDefault,
  };
}

function tlsFilesOf(raw: RawFlags): ServerTlsFiles | undefined {
  const certificateFile = flags.certificateFile.of(raw) ?? flags.appIoCertificateFile.of(raw);
  const keyFile = flags.keyFile.of(raw) ?? flags.appIoKeyFile.of(raw);
  const caFile = flags.caFile.of(raw) ?? flags.appIoCaFile.of(raw);
  if (certificateFile && keyFile && caFile) return { certificateFile, keyFile, caFile };
  if ((certificateFile ?? keyFile ?? caFile) === undefined) return undefined;
  throw new ExitError(
    "TLS needs all three of --ssl-ca-certfile, --ssl-certfile and --ssl-keyfile.",
    {
      flowerCode: FLOWER_EXIT_CODES.incompleteTls,
      remedy: "Give all three, or none to serve ClientApps without TLS.",
    },
  );
}

function listenAddress(flag: string, text: string | undefined): Address | undefined {
  if (text === undefined) return undefined;
  const address = parseAddress(text);
  if (address) return address;
  throw invalidAddress(flag, text, "For example 127.0.0.1:9094.");
}

function invalidAddress(flag: string, text: string, remedy: string): ExitError {
  const message = `--${flag} takes HOST:PORT, not "${text}".`;
  return new ExitError(message, { flowerCode: FLOWER_EXIT_CODES.invalidAddress, remedy });
}

/** `--grpc-rere` is how Flower up to 1.39 asks for gRPC. */
function transportOf(raw: RawFlags): TransportChoice {
  const transport = flags.transport.of(raw);
  if (!flags.grpcRere.of(raw)) return transport;
  if (transport !== "http") return "grpc";
  throw new ExitError("--grpc-rere does not go with --transport http.", {
    remedy: "Leave out one of the two.",
  });
}

function refuseWhatIsNotOffered(raw: RawFlags): void {
  const asked = [flags.rest, flags.grpcAdapter].find((flag) => flag.of(raw));
  if (asked) {
    throw new ExitError(`--${asked.name} is not offered: nobody is authenticated there.`, {
      remedy: "Leave it out: gRPC and the HTTP of Flower 1.40 are told apart (--transport).",
    });
  }
  if (flags.installDependencies.of(raw)) {
    throw new ExitError("--allow-runtime-dependency-installation is not offered.", {
      remedy: "Install the packages of your apps in the environment that --python names.",
    });
  }
  if (flags.trustedEntities.of(raw) !== undefined) {
    throw new ExitError("--trusted-entities is not offered: signatures of FABs are not checked.", {
      remedy: "Leave it out, and join only federations whose apps you trust.",
    });
  }
}

function warningsOf(raw: RawFlags): string[] {
  const warnings: string[] = [];
  if (flags.insecure.of(raw)) {
    warnings.push(
      "TLS is off (--insecure): whoever can listen on the network sees models and can hold back " +
        "calls. Use --root-certificates for anything but a try-out.",
    );
  }
  if (flags.publicKey.of(raw) !== undefined) {
    warnings.push(
      "--auth-supernode-public-key is ignored: the public key is derived from the private one.",
    );
  }
  if (flags.isolation.of(raw) === "subprocess") {
    const inVain = [flags.superExecSecretFile, flags.certificateFile, flags.appIoCertificateFile]
      .find((flag) => flag.of(raw) !== undefined);
    if (inVain) warnings.push(`--${inVain.name} has an effect with --isolation process only.`);
  }
  if (flags.flwrDirectory.of(raw) !== undefined) {
    warnings.push("--flwr-dir is ignored: set FLWR_HOME instead.");
  }
  const unread = flags.nodeConfig.of(raw).filter((text) => !text.endsWith(".toml"))
    .map(unpairedText).filter((text) => text !== "");
  if (unread.length > 0) {
    warnings.push(`--node-config has text that is no key=value pair: "${unread.join(" ")}".`);
  }
  return warnings;
}
