/**
 * The flags of `trellis superlink`: those of `flower-superlink` 1.25, and Trellis's own.
 *
 * @module
 */

import { auditLogFlag } from "./audit/flags.ts";
import { dashboardFlags } from "./dashboard/flags.ts";
import { preloadFlags } from "../apps/preload_flags.ts";
import { appPermissionFlags } from "../apps/typescript/app_permissions.ts";
import { durationFlag } from "../terminal/duration.ts";
import type { CommandSpec } from "../terminal/command.ts";
import { CONTROL_ACCESS_CHOICES } from "./control/access.ts";
import { limitsFlag } from "./limit_settings.ts";
import {
  choiceFlag,
  listFlag,
  numberFlag,
  sizeFlag,
  switchFlag,
  textFlag,
} from "../terminal/flags.ts";

const MIB = 1024 ** 2;
const hidden = { hidden: true };

export const flags = {
  insecure: switchFlag(
    "insecure",
    "Serve without TLS. Whoever can listen on the network sees models and can delay calls.",
  ),
  certificateFile: textFlag("ssl-certfile", "FILE", "TLS certificate (PEM, with its chain)."),
  keyFile: textFlag("ssl-keyfile", "FILE", "TLS private key of that certificate (PEM)."),
  caFile: textFlag("ssl-ca-certfile", "FILE", "CA that issued the certificate (PEM)."),
  managed: switchFlag(
    "enable-supernode-auth",
    "Let only SuperNodes in whose key was registered with `supernode register`. Needs TLS, also " +
      "where a proxy ends it.",
  ),
  database: textFlag(
    "database",
    "PATH",
    "Where the state is kept: a file, or :memory: (also :flwr-in-memory:) to keep nothing.",
    { defaultText: "$FLWR_HOME/superlink/trellis.kv" },
  ),
  auditLog: auditLogFlag,
  keepRunsS: durationFlag(
    "keep-runs",
    "Delete runs with their logs and events so long after their end, for example 30d.",
    { defaultText: "for ever" },
  ),
  isolation: choiceFlag(
    "isolation",
    ["subprocess", "process"],
    "Who starts the ServerApps: the SuperLink, or you.",
  ),
  superExecSecretFile: textFlag(
    "superexec-auth-secret-file",
    "FILE",
    "A secret that a flower-superexec must know to start apps, with --isolation process. Its exact " +
      "bytes count.",
  ),
  python: textFlag(
    "python",
    "PYTHON",
    "The Python (or environment folder) whose flwr runs Python apps.",
    { defaultText: "the first flwr on PATH" },
  ),
  ...preloadFlags,
  ...appPermissionFlags,
  httpHost: textFlag(
    "host",
    "HOST",
    "Where peers of Flower 1.35 and newer connect: SuperNodes, the CLI and apps alike, over HTTP.",
    { defaultText: "127.0.0.1" },
  ),
  httpPort: numberFlag("port", "PORT", "The port of --host.", {
    min: 0,
    max: 65_535,
    integer: true,
    defaultText: "8000",
  }),
  httpTlsEndsAtProxy: switchFlag(
    "http-tls-ends-at-proxy",
    "Serve HTTP in plain text, because a proxy in front of --host and --port ends TLS. Nobody but that " +
      "proxy may reach the port.",
  ),
  noHttp: switchFlag("no-http", "Serve peers up to Flower 1.39 only, over gRPC."),
  noGrpc: switchFlag("no-grpc", "Serve peers of Flower 1.40 and newer only, over HTTP."),
  fleetAddress: textFlag(
    "fleet-api-address",
    "HOST:PORT",
    "Where SuperNodes connect.",
    { defaultText: "0.0.0.0:9092" },
  ),
  controlAddress: textFlag(
    "control-api-address",
    "HOST:PORT",
    "Where the CLI connects over gRPC.",
    { defaultText: "127.0.0.1:9093" },
  ),
  controlAccess: choiceFlag(
    "control-access",
    CONTROL_ACCESS_CHOICES,
    "Who may manage the federation. by-address asks for a token (see `trellis token --help`) once " +
      "the CLI can connect from elsewhere than this machine; tokens always does; open-to-anybody " +
      "never, and lets anybody in who reaches the port.",
  ),
  serverAppAddress: textFlag(
    "serverappio-api-address",
    "HOST:PORT",
    "Where ServerApp processes connect, without TLS.",
    { defaultText: "127.0.0.1:9091" },
  ),
  healthAddress: textFlag(
    "health-server-address",
    "HOST:PORT",
    "Serve the gRPC health service here, without TLS.",
  ),
  ...dashboardFlags,
  fleetType: choiceFlag(
    "fleet-api-type",
    ["grpc-rere", "grpc-adapter", "rest"],
    "How SuperNodes connect over gRPC; grpc-adapter lets them come both ways.",
  ),
  holdS: numberFlag(
    "hold-time",
    "SECONDS",
    "How long a SuperNode's pull waits for a message before it is answered empty.",
    { min: 0, max: 120, defaultText: "20" },
  ),
  proofWindowS: numberFlag(
    "proof-window",
    "SECONDS",
    "How old a SuperNode's signed timestamp may be. Less is stricter with slow clocks.",
    { min: 1, max: 300, defaultText: "300" },
  ),
  registrationsPerMinute: numberFlag(
    "registration-limit",
    "N",
    "How many SuperNodes one host may register by itself in a minute.",
    { min: 1, max: 1_000_000, integer: true, defaultText: "600" },
  ),
  failedProofsPerMinute: numberFlag(
    "failed-proof-limit",
    "N",
    "How many proofs of one host may fail in a minute before no more are looked at.",
    { min: 1, max: 1_000_000, integer: true, defaultText: "120" },
  ),
  limits: limitsFlag,
  maxMessageBytes: sizeFlag(
    "max-message-size",
    "The largest message that is read from a SuperNode or an app.",
    { min: 64 * 1024, max: 2 * 1024 * MIB - 1, default: 256 * MIB, defaultText: "256m" },
  ),
  logFormat: choiceFlag("log-format", ["text", "json"], "Log lines for people or for machines."),

  // Accepted for the sake of older command lines.
  execAddress: textFlag("exec-api-address", "HOST:PORT", "", hidden),
  storageDirectory: textFlag("storage-dir", "DIR", "", hidden),
  flwrDirectory: textFlag("flwr-dir", "DIR", "", hidden),
  fleetWorkers: textFlag("fleet-api-num-workers", "N", "", hidden),
  authListPublicKeys: textFlag("auth-list-public-keys", "FILE", "", hidden),
  noDependencies: switchFlag("disable-runtime-dependency-installation", "", hidden),
  installDependencies: switchFlag("allow-runtime-dependency-installation", "", hidden),
  logFile: textFlag("log-file", "FILE", "", hidden),
  logRotationHours: textFlag("log-rotation-interval-hours", "N", "", hidden),
  logRotationCount: textFlag("log-rotation-backup-count", "N", "", hidden),
  executor: textFlag("executor", "EXECUTOR", "", hidden),
  executorDirectory: textFlag("executor-dir", "DIR", "", hidden),
  executorConfig: listFlag("executor-config", "CONFIG", "", hidden),
  simulation: switchFlag("simulation", "", hidden),
  simulationAddress: textFlag("simulationio-api-address", "HOST:PORT", "", hidden),
} as const;

export const superlinkSpec: CommandSpec = {
  name: "trellis superlink",
  summary: "Run a SuperLink: the server that SuperNodes join and the CLI manages.",
  flags: Object.values(flags),
  epilogue: [
    "For a first try:",
    "  trellis superlink --insecure",
    "With TLS, for registered SuperNodes only:",
    "  trellis superlink --ssl-ca-certfile certificates/ca.crt --ssl-certfile " +
    "certificates/server.pem \\",
    "    --ssl-keyfile certificates/server.key --enable-supernode-auth",
  ].join("\n"),
};
