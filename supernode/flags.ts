/**
 * The flags of `trellis supernode`: those of `flower-supernode` 1.25 and 1.41, and Trellis's own.
 *
 * @module
 */

import { preloadFlags } from "../apps/preload_flags.ts";
import { appPermissionFlags } from "../apps/typescript/app_permissions.ts";
import type { CommandSpec } from "../terminal/command.ts";
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
    "Connect without TLS. Whoever can listen on the network sees models and can delay calls.",
  ),
  rootCertificates: textFlag(
    "root-certificates",
    "FILE",
    "CA certificates (PEM) that the SuperLink's certificate must come from.",
    { defaultText: "the roots built in" },
  ),
  superlink: textFlag(
    "superlink",
    "HOST:PORT",
    "The SuperLink's Fleet API: port 9092 by default, 8000 from Flower 1.40 on.",
    { defaultText: "127.0.0.1:9092" },
  ),
  transport: choiceFlag(
    "transport",
    ["auto", "grpc", "http"],
    "How to speak to the SuperLink: gRPC (Flower up to 1.39), HTTP (from 1.40 on), or whichever it " +
      "offers.",
  ),
  maxRetries: numberFlag(
    "max-retries",
    "N",
    "How often a call is tried again before the SuperNode gives up.",
    { min: 0, max: 1_000_000_000, integer: true, defaultText: "no limit" },
  ),
  maxWaitS: numberFlag(
    "max-wait-time",
    "SECONDS",
    "How long a call is tried again before the SuperNode gives up.",
    { min: 0, max: 1_000_000_000, defaultText: "no limit" },
  ),
  privateKey: textFlag(
    "auth-supernode-private-key",
    "FILE",
    "The SuperNode's private key, as `keys generate` and `ssh-keygen -t ecdsa` write it. Without " +
      "one, the SuperNode makes a key for each stay and registers itself.",
  ),
  nodeConfig: listFlag(
    "node-config",
    "CONFIG",
    'What this node tells its ClientApps: pairs such as "partition-id=0 num-partitions=2", or a ' +
      "TOML file.",
  ),
  isolation: choiceFlag(
    "isolation",
    ["subprocess", "process"],
    "Who starts the ClientApps: the SuperNode, or you.",
  ),
  clientAppIoAddress: textFlag(
    "clientappio-api-address",
    "HOST:PORT",
    "Where ClientApp processes of Flower up to 1.34 connect.",
    { defaultText: "a free port, or that of --host and --port with --isolation process" },
  ),
  httpHost: textFlag(
    "host",
    "HOST",
    "Where ClientApp processes of Flower 1.35 and newer connect, over HTTP.",
    { defaultText: "127.0.0.1" },
  ),
  httpPort: numberFlag("port", "PORT", "The port of --host.", {
    min: 0,
    max: 65_535,
    integer: true,
    defaultText: "a free port, or 9094 with --isolation process",
  }),
  certificateFile: textFlag(
    "ssl-certfile",
    "FILE",
    "TLS certificate (PEM, with its chain) for ClientApps, with --isolation process.",
  ),
  keyFile: textFlag("ssl-keyfile", "FILE", "TLS private key of that certificate (PEM)."),
  caFile: textFlag("ssl-ca-certfile", "FILE", "CA that issued the certificate (PEM)."),
  superExecSecretFile: textFlag(
    "superexec-auth-secret-file",
    "FILE",
    "A secret that a flower-superexec must know to start apps, with --isolation process. Its exact " +
      "bytes count.",
  ),
  python: textFlag(
    "python",
    "PATH",
    "The Python, or the folder of its environment, that has flwr and the apps' packages.",
    { defaultText: "the flwr on PATH" },
  ),
  ...preloadFlags,
  ...appPermissionFlags,
  maxApps: numberFlag(
    "max-apps",
    "N",
    "How many messages are handled at the same time; those of one run follow one another.",
    { min: 1, max: 1_000, integer: true, defaultText: "1" },
  ),
  maxObjectBytes: sizeFlag(
    "object-memory",
    "How much memory the models of messages in hand may take. Up to a quarter of it keeps what the " +
      "last message of a run was made of, for the next one.",
    { min: 16 * MIB, max: 1024 * 1024 * MIB, default: 4096 * MIB, defaultText: "4g" },
  ),
  stopGraceS: numberFlag(
    "stop-grace",
    "SECONDS",
    "How long a SuperNode that is told to stop waits for the messages in hand.",
    { min: 0, max: 1_000_000, defaultText: "5" },
  ),
  healthAddress: textFlag(
    "health-server-address",
    "HOST:PORT",
    "Serve the gRPC health service here, without TLS.",
  ),
  logFormat: choiceFlag("log-format", ["text", "json"], "Log lines for people or for machines."),

  // Accepted for the sake of older command lines, or refused with the way to go.
  grpcRere: switchFlag("grpc-rere", "", hidden),
  grpcAdapter: switchFlag("grpc-adapter", "", hidden),
  rest: switchFlag("rest", "", hidden),
  publicKey: textFlag("auth-supernode-public-key", "FILE", "", hidden),
  flwrDirectory: textFlag("flwr-dir", "DIR", "", hidden),
  appIoCertificateFile: textFlag("appio-ssl-certfile", "FILE", "", hidden),
  appIoKeyFile: textFlag("appio-ssl-keyfile", "FILE", "", hidden),
  appIoCaFile: textFlag("appio-ssl-ca-certfile", "FILE", "", hidden),
  installDependencies: switchFlag("allow-runtime-dependency-installation", "", hidden),
  trustedEntities: textFlag("trusted-entities", "FILE", "", hidden),
} as const;

export const supernodeSpec: CommandSpec = {
  name: "trellis supernode",
  summary: "Run a SuperNode: a client of a SuperLink that runs ClientApps.",
  flags: Object.values(flags),
  epilogue: [
    "For a first try:",
    "  trellis supernode --insecure",
    "With TLS, and a key that was registered with `trellis supernode register`:",
    "  trellis supernode --root-certificates certificates/ca.crt --superlink 127.0.0.1:9092 \\",
    "    --auth-supernode-private-key keys/client_credentials_1",
    "The commands that manage SuperNodes are `trellis supernode COMMAND`, with one of register,",
    "unregister, list, show, rename, label, expire, suspend, resume, rotate, import and export.",
  ].join("\n"),
};
