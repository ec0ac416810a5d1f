/**
 * What a command line asks of the SuperLink, checked before anything is opened or listens.
 *
 * @module
 */

import { type AppPermissions, appPermissions } from "../apps/typescript/app_permissions.ts";
import { join } from "node:path";
import { keepsTypeScript, preloadOf } from "../apps/preload_flags.ts";
import { ExitError } from "../terminal/errors.ts";
import { FLOWER_EXIT_CODES } from "../terminal/exit_codes.ts";
import { flwrHome } from "../terminal/flwr_home.ts";
import type { RawFlags } from "../terminal/flags.ts";
import { httpAddress } from "../terminal/http_address.ts";
import { type Address, parseAddress } from "../wire/address.ts";
import type { ServerTlsFiles } from "../wire/tls.ts";
import { type AuditPlace, auditPlaceOf } from "./audit/flags.ts";
import { dashboardOf, type DashboardOptions } from "./dashboard/flags.ts";
import { type ControlRule, controlRule } from "./control/access.ts";
import { operatorToken } from "./control/operator_token.ts";
import { flags } from "./flags.ts";
import { type ChangedLimits, OWN_FLAG_LIMITS } from "./limits.ts";

/** A SuperLink's settings. */
export interface SuperLinkOptions {
  /** Absent: `--insecure`. */
  readonly tlsFiles: ServerTlsFiles | undefined;
  readonly managed: boolean;
  readonly database: string;
  readonly auditLog: AuditPlace;
  /** How long runs are kept after their end; for ever when absent. */
  readonly keepRunsS: number | undefined;
  readonly isolation: "subprocess" | "process";
  /** The secret that SuperExecs share, in isolation `process`. */
  readonly superExecSecretFile: string | undefined;
  /** The Python whose environment has flwr; the first on `PATH` without. */
  readonly python: string | undefined;
  /** What TypeScript apps may do besides reading their own folder. */
  readonly appPermissions: AppPermissions;
  /** Whether ServerApps in Python are forked from a process that has Flower loaded. */
  readonly preload: boolean;
  /** Whether a process is made ready for the next run's TypeScript app. */
  readonly keepsTypeScript: boolean;
  /** `FLWR_HOME`: where app processes install FABs. */
  readonly flwrDirectory: string;
  /** Whether peers of Flower 1.23 to 1.39 are served. */
  readonly grpc: boolean;
  /** Where newer peers are served, if they are. */
  readonly http: HttpPlaneOptions | undefined;
  readonly fleetAddress: Address;
  /** Whether SuperNodes may also come through the gRPC adapter there. */
  readonly grpcAdapter: boolean;
  readonly controlAddress: Address;
  /** What is asked of those who call the Control API, on any port. */
  readonly controlRule: ControlRule;
  readonly serverAppAddress: Address;
  readonly healthAddress: Address | undefined;
  /** Where the page for operators is served, if it is. */
  readonly dashboard: DashboardOptions | undefined;
  readonly holdMs: number;
  readonly proofToleranceMs: number;
  readonly registrationsPerMinute: number;
  readonly failedProofsPerMinute: number;
  /** What is taken from a peer, where it is not as much as usual. */
  readonly limits: ChangedLimits;
  readonly maxMessageBytes: number;
  readonly logFormat: "text" | "json";
  /** What an operator should know of the flags that were given. */
  readonly warnings: readonly string[];
}

/** Where the HTTP plane listens. */
export interface HttpPlaneOptions {
  readonly address: Address;
  /** Nobody asked for it. */
  readonly byDefault: boolean;
  /** It is plain text for a proxy that ends TLS. */
  readonly tlsEndsAtProxy: boolean;
}

/**
 * Reads the flags. Throws an {@linkcode ExitError} with Flower's number for what Flower refuses, and
 * with the way to go for what Trellis does not offer.
 */
export function superlinkOptions(raw: RawFlags): SuperLinkOptions {
  const warnings: string[] = [];
  refuseWhatIsGone(raw);
  const tlsFiles = tlsFilesOf(raw);
  const managed = flags.managed.of(raw);
  const http = httpPlaneOf(raw);
  const isPlain = !tlsFiles && !(http?.tlsEndsAtProxy && flags.noGrpc.of(raw));
  if (managed && isPlain) {
    throw new ExitError("--enable-supernode-auth does not go with --insecure.", {
      flowerCode: FLOWER_EXIT_CODES.invalidArguments,
      remedy:
        "Give --ssl-ca-certfile, --ssl-certfile and --ssl-keyfile; `trellis certs generate` " +
        "makes a set for development.",
    });
  }
  if (http?.tlsEndsAtProxy) {
    warnings.push(
      "TLS ends at a proxy (--http-tls-ends-at-proxy): see to it that nobody else reaches the port. " +
        "The log shows the proxy's address for every peer, and a host's limits are the proxy's.",
    );
  }
  if (isPlain) {
    warnings.push(
      "TLS is off (--insecure): whoever can listen on the network sees models and can hold back " +
        "calls. Use certificates for anything but a try-out.",
    );
  }
  if (!managed) {
    warnings.push(
      "SuperNode authentication is off: any SuperNode that can reach the Fleet API may join. " +
        "Use --enable-supernode-auth to let in registered ones only.",
    );
  }
  if (flags.superExecSecretFile.of(raw) !== undefined && flags.isolation.of(raw) !== "process") {
    warnings.push("--superexec-auth-secret-file has an effect with --isolation process only.");
  }
  warnings.push(...deprecations(raw));

  const grpc = !flags.noGrpc.of(raw);
  const controlAddress = addressOf("control-api-address", flags.controlAddress.of(raw)) ??
    addressOf("exec-api-address", flags.execAddress.of(raw)) ?? { host: "127.0.0.1", port: 9093 };
  return {
    tlsFiles,
    managed,
    database: flags.database.of(raw) ?? join(flwrHome(), "superlink", "trellis.kv"),
    auditLog: auditPlaceOf(raw),
    keepRunsS: flags.keepRunsS.of(raw),
    isolation: flags.isolation.of(raw),
    superExecSecretFile: flags.superExecSecretFile.of(raw),
    python: flags.python.of(raw),
    appPermissions: appPermissions(
      flags.allowAppRead.of(raw),
      flags.allowAppNet.of(raw),
      flags.allowAppEnv.of(raw),
    ),
    preload: preloadOf(raw) && flags.isolation.of(raw) === "subprocess",
    keepsTypeScript: keepsTypeScript(raw),
    flwrDirectory: flwrHome(),
    grpc,
    http,
    fleetAddress: addressOf("fleet-api-address", flags.fleetAddress.of(raw)) ??
      { host: "0.0.0.0", port: 9092 },
    grpcAdapter: flags.fleetType.of(raw) === "grpc-adapter",
    controlAddress,
    controlRule: controlRule({
      choice: flags.controlAccess.of(raw),
      addresses: [...(grpc ? [controlAddress] : []), ...(http ? [http.address] : [])],
      behindProxy: http?.tlsEndsAtProxy ?? false,
      operatorToken: operatorToken(flags.controlAccess.of(raw)),
    }),
    serverAppAddress: addressOf("serverappio-api-address", flags.serverAppAddress.of(raw)) ??
      { host: "127.0.0.1", port: 9091 },
    healthAddress: addressOf("health-server-address", flags.healthAddress.of(raw)),
    dashboard: dashboardOf(raw),
    holdMs: (flags.holdS.of(raw) ?? 20) * 1000,
    proofToleranceMs: (flags.proofWindowS.of(raw) ?? 300) * 1000,
    registrationsPerMinute: flags.registrationsPerMinute.of(raw) ??
      OWN_FLAG_LIMITS["registration-limit"].count,
    failedProofsPerMinute: flags.failedProofsPerMinute.of(raw) ??
      OWN_FLAG_LIMITS["failed-proof-limit"].count,
    limits: flags.limits.of(raw),
    maxMessageBytes: flags.maxMessageBytes.of(raw),
    logFormat: flags.logFormat.of(raw),
    warnings,
  };
}

function tlsFilesOf(raw: RawFlags): ServerTlsFiles | undefined {
  const needsNone = flags.noGrpc.of(raw) && flags.httpTlsEndsAtProxy.of(raw);
  if (flags.insecure.of(raw) || needsNone) return undefined;
  const certificateFile = flags.certificateFile.of(raw);
  const keyFile = flags.keyFile.of(raw);
  const caFile = flags.caFile.of(raw);
  if (certificateFile && keyFile && caFile) return { certificateFile, keyFile, caFile };
  const given = certificateFile ?? keyFile ?? caFile;
  throw new ExitError(
    given === undefined
      ? "Certificates are required unless the connection is to be insecure."
      : "TLS needs all three of --ssl-ca-certfile, --ssl-certfile and --ssl-keyfile.",
    {
      remedy: "Give all three flags (`trellis certs generate` makes a set for development), or " +
        "--insecure for a try-out.",
    },
  );
}

/** As in Flower 1.35 and newer. */
const HTTP_DEFAULT: Address = { host: "127.0.0.1", port: 8000 };

function httpPlaneOf(raw: RawFlags): HttpPlaneOptions | undefined {
  const host = flags.httpHost.of(raw);
  const port = flags.httpPort.of(raw);
  const byDefault = host === undefined && port === undefined;
  if (!flags.noHttp.of(raw)) {
    const tlsEndsAtProxy = flags.httpTlsEndsAtProxy.of(raw);
    return { address: httpAddress(host, port, HTTP_DEFAULT), byDefault, tlsEndsAtProxy };
  }
  if (!byDefault || flags.noGrpc.of(raw)) {
    throw new ExitError(
      byDefault
        ? "--no-http and --no-grpc leave nothing."
        : "--no-http goes with no --host or --port.",
      { flowerCode: FLOWER_EXIT_CODES.invalidArguments, remedy: "Leave --no-http out." },
    );
  }
  return undefined;
}

function addressOf(flag: string, text: string | undefined): Address | undefined {
  if (text === undefined) return undefined;
  const address = parseAddress(text);
  if (address) return address;
  throw new ExitError(`--${flag} takes HOST:PORT, not "${text}".`, {
    flowerCode: FLOWER_EXIT_CODES.invalidAddress,
    remedy: "For example 0.0.0.0:9092, or [::]:9092 for IPv6.",
  });
}

function refuseWhatIsGone(raw: RawFlags): void {
  const refuse = (what: string, remedy: string) => {
    throw new ExitError(what, { flowerCode: FLOWER_EXIT_CODES.invalidArguments, remedy });
  };
  if (flags.authListPublicKeys.of(raw) !== undefined) {
    refuse(
      "--auth-list-public-keys has no effect since Flower 1.23.",
      "Start with --enable-supernode-auth and register each key with `supernode register`.",
    );
  }
  const executor = flags.executor.of(raw) ?? flags.executorDirectory.of(raw) ??
    flags.executorConfig.of(raw)[0];
  if (executor !== undefined) {
    refuse("--executor and its options are gone.", "Leave them out; --isolation is what remains.");
  }
  if (flags.controlAddress.of(raw) !== undefined && flags.execAddress.of(raw) !== undefined) {
    refuse("--exec-api-address is the old name of --control-api-address.", "Give only the latter.");
  }
  if (flags.simulation.of(raw)) {
    refuse(
      "Trellis does not run simulations.",
      "Use Flower's own `flower-simulation`, or start SuperNodes on this machine.",
    );
  }
  if (flags.installDependencies.of(raw)) {
    refuse(
      "--allow-runtime-dependency-installation is not offered.",
      "Install the packages of your apps in the environment that --python names.",
    );
  }
  const logFlag = [flags.logFile, flags.logRotationHours, flags.logRotationCount]
    .find((flag) => flag.of(raw) !== undefined);
  if (logFlag) {
    refuse(
      `--${logFlag.name} is not offered: the log goes to stderr.`,
      "Send it to a file with `2>> FILE`, and leave its rotation to the system.",
    );
  }
  if (flags.fleetType.of(raw) === "rest") {
    refuse(
      "--fleet-api-type rest is not offered: SuperNodes are not authenticated there.",
      "Leave the flag out, and start SuperNodes without --rest.",
    );
  }
}

function deprecations(raw: RawFlags): string[] {
  const warnings: string[] = [];
  if (flags.execAddress.of(raw) !== undefined) {
    warnings.push("--exec-api-address is deprecated: use --control-api-address.");
  }
  if (flags.flwrDirectory.of(raw) !== undefined) {
    warnings.push("--flwr-dir is ignored: set FLWR_HOME instead.");
  }
  if ((flags.fleetWorkers.of(raw) ?? "1") !== "1") {
    warnings.push("--fleet-api-num-workers is ignored: one process serves the Fleet API.");
  }
  if (flags.simulationAddress.of(raw) !== undefined) {
    warnings.push("--simulationio-api-address is ignored: it belongs to simulations.");
  }
  if (flags.storageDirectory.of(raw) !== undefined) {
    warnings.push("--storage-dir is ignored: what is stored lives beside the database.");
  }
  return warnings;
}
