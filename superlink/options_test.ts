import {
  assert,
  assertEquals,
  assertObjectMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { helpText, parseCommand } from "../terminal/command.ts";
import { ExitError } from "../terminal/errors.ts";
import { flags, superlinkSpec } from "./flags.ts";
import { type SuperLinkOptions, superlinkOptions } from "./options.ts";

const TLS = [
  "--ssl-ca-certfile",
  "ca.crt",
  "--ssl-certfile",
  "server.pem",
  "--ssl-keyfile",
  "server.key",
];
const INSECURE = ["--insecure"];

function optionsOf(...args: string[]): SuperLinkOptions {
  return superlinkOptions(parseCommand(superlinkSpec, args).flags);
}

Deno.test("superlinkOptions() has Flower's defaults, but listens for strangers on the Fleet API only", () => {
  const { flwrDirectory, database, ...options } = optionsOf(...INSECURE);
  assertObjectMatch(options, {
    tlsFiles: undefined,
    managed: false,
    isolation: "subprocess",
    python: undefined,
    fleetAddress: { host: "0.0.0.0", port: 9092 },
    controlAddress: { host: "127.0.0.1", port: 9093 },
    serverAppAddress: { host: "127.0.0.1", port: 9091 },
    healthAddress: undefined,
    grpc: true,
    grpcAdapter: false,
    http: { address: { host: "127.0.0.1", port: 8000 }, byDefault: true, tlsEndsAtProxy: false },
    superExecSecretFile: undefined,
    holdMs: 20_000,
    proofToleranceMs: 300_000,
    registrationsPerMinute: 600,
    failedProofsPerMinute: 120,
    limits: {},
    maxMessageBytes: 256 * 1024 ** 2,
    logFormat: "text",
  });
  assertEquals(database, `${flwrDirectory}/superlink/trellis.kv`);
});

/** A flag with its value, and what it makes of the options. */
const GIVEN: [args: string[], expected: Partial<SuperLinkOptions>][] = [
  [TLS, {
    tlsFiles: { caFile: "ca.crt", certificateFile: "server.pem", keyFile: "server.key" },
    managed: false,
  }],
  [[...TLS, "--enable-supernode-auth"], { managed: true }],
  [[...INSECURE, ...TLS], { tlsFiles: undefined }],
  [["--database", "state.kv"], { database: "state.kv" }],
  [["--audit-log", "/var/log/trellis"], { auditLog: "/var/log/trellis" }],
  [["--audit-log", "none"], { auditLog: "none" }],
  [["--keep-runs", "30d"], { keepRunsS: 30 * 86_400 }],
  [["--database=:flwr-in-memory:"], { database: ":flwr-in-memory:" }],
  [["--isolation", "process"], { isolation: "process" }],
  [["--isolation", "subprocess"], { isolation: "subprocess" }],
  [["--python", "/opt/env"], { python: "/opt/env" }],
  [["--fleet-api-type", "grpc-adapter"], { grpcAdapter: true }],
  [["--port", "1"], {
    http: { address: { host: "127.0.0.1", port: 1 }, byDefault: false, tlsEndsAtProxy: false },
  }],
  [["--host", "::"], {
    http: { address: { host: "::", port: 8000 }, byDefault: false, tlsEndsAtProxy: false },
  }],
  [["--http-tls-ends-at-proxy"], {
    http: { address: { host: "127.0.0.1", port: 8000 }, byDefault: true, tlsEndsAtProxy: true },
  }],
  [["--http-tls-ends-at-proxy", "--no-grpc", "--enable-supernode-auth"], { managed: true }],
  [["--http-tls-ends-at-proxy", ...TLS, "--enable-supernode-auth"], { managed: true }],
  [["--no-http"], { http: undefined }],
  [["--no-grpc"], { grpc: false }],
  [["--isolation", "process", "--superexec-auth-secret-file", "s"], { superExecSecretFile: "s" }],
  [["--fleet-api-address", "[::]:1"], { fleetAddress: { host: "::", port: 1 } }],
  [["--control-api-address", "0.0.0.0:2"], { controlAddress: { host: "0.0.0.0", port: 2 } }],
  [["--control-access", "tokens"], { controlRule: { kind: "tokens", onThisMachine: true } }],
  [["--host", "0.0.0.0"], { controlRule: { kind: "tokens" } }],
  [["--host", "0.0.0.0", "--control-access", "open-to-anybody"], {
    controlRule: { kind: "anybody" },
  }],
  [["--exec-api-address", "0.0.0.0:2"], { controlAddress: { host: "0.0.0.0", port: 2 } }],
  [["--serverappio-api-address", "a:3"], { serverAppAddress: { host: "a", port: 3 } }],
  [["--health-server-address", "a:4"], { healthAddress: { host: "a", port: 4 } }],
  [["--fleet-api-type", "grpc-rere"], {}],
  [["--hold-time", "0"], { holdMs: 0 }],
  [["--hold-time", "2.5"], { holdMs: 2_500 }],
  [["--proof-window", "30"], { proofToleranceMs: 30_000 }],
  [["--registration-limit", "5"], { registrationsPerMinute: 5 }],
  [["--failed-proof-limit", "5"], { failedProofsPerMinute: 5 }],
  [["--limit", "logins=5", "--limit=fleet-calls-per-key=7"], {
    limits: { "logins": 5, "fleet-calls-per-key": 7 },
  }],
  [["--max-message-size", "64m"], { maxMessageBytes: 64 * 1024 ** 2 }],
  [["--log-format", "json"], { logFormat: "json" }],
  [["--storage-dir", "x"], {}],
  [["--flwr-dir", "x"], {}],
  [["--fleet-api-num-workers", "1"], {}],
  [["--simulationio-api-address", "a:5"], {}],
];

for (const [args, expected] of GIVEN) {
  Deno.test(`superlinkOptions() takes ${args.join(" ")}`, () => {
    const tls = args.includes("--ssl-certfile") || args.includes("--insecure");
    const options = optionsOf(...tls ? args : [...INSECURE, ...args]);
    assertEquals({ ...options, ...expected }, options);
  });
}

/** Command lines that are refused: what is said, Flower's number, and the way to go. */
const REFUSED: [args: string[], message: string, code: number | undefined, remedy: string][] = [
  [
    [],
    "Certificates are required unless the connection is to be insecure.",
    undefined,
    "trellis certs generate",
  ],
  [
    TLS.slice(2),
    "TLS needs all three of --ssl-ca-certfile, --ssl-certfile and --ssl-keyfile.",
    undefined,
    "--insecure",
  ],
  [
    TLS.slice(0, 4),
    "TLS needs all three of --ssl-ca-certfile, --ssl-certfile and --ssl-keyfile.",
    undefined,
    "--insecure",
  ],
  [
    ["--insecure", "--enable-supernode-auth"],
    "--enable-supernode-auth does not go with --insecure.",
    104,
    "Give --ssl-ca-certfile, --ssl-certfile and --ssl-keyfile",
  ],
  [
    [...INSECURE, "--auth-list-public-keys", "keys.csv"],
    "--auth-list-public-keys has no effect since Flower 1.23.",
    104,
    "`supernode register`",
  ],
  [[...INSECURE, "--executor", "x"], "--executor and its options are gone.", 104, "--isolation"],
  [[...INSECURE, "--executor-dir", "x"], "--executor and its options are gone.", 104, "out"],
  [
    [...INSECURE, "--log-rotation-backup-count", "7"],
    "--log-rotation-backup-count is not offered: the log goes to stderr.",
    104,
    "2>> FILE",
  ],
  [
    [...INSECURE, "--allow-runtime-dependency-installation"],
    "--allow-runtime-dependency-installation is not offered.",
    104,
    "--python",
  ],
  [[...INSECURE, "--executor-config", "a=1"], "--executor and its options are gone.", 104, "out"],
  [
    [...INSECURE, "--control-api-address", "a:1", "--exec-api-address", "a:2"],
    "--exec-api-address is the old name of --control-api-address.",
    104,
    "only the latter",
  ],
  [[...INSECURE, "--simulation"], "Trellis does not run simulations.", 104, "flower-simulation"],
  [
    [...INSECURE, "--fleet-api-type", "rest"],
    "--fleet-api-type rest is not offered: SuperNodes are not authenticated there.",
    104,
    "Leave the flag out",
  ],
  [[...INSECURE, "--no-http", "--no-grpc"], "--no-http and --no-grpc leave nothing.", 104, "out"],
  [
    [...INSECURE, "--no-http", "--port", "1"],
    "--no-http goes with no --host or --port.",
    104,
    "--no-http",
  ],
  [
    [...INSECURE, "--host", "a b"],
    '--host takes a host name or an IP address, not "a b".',
    600,
    "0.0.0.0",
  ],
  ...["fleet", "control", "serverappio", "exec"].map((api): typeof REFUSED[number] => [
    [...INSECURE, `--${api}-api-address`, "9092"],
    `--${api}-api-address takes HOST:PORT, not "9092".`,
    600,
    "0.0.0.0:9092",
  ]),
  [
    [...INSECURE, "--health-server-address", "localhost"],
    '--health-server-address takes HOST:PORT, not "localhost".',
    600,
    "0.0.0.0:9092",
  ],
];

for (const [args, message, code, remedy] of REFUSED) {
  Deno.test(`superlinkOptions() refuses ${args.join(" ") || "no flags at all"}`, () => {
    const error = assertThrows(() => optionsOf(...args), ExitError);
    assertEquals(error.message, message);
    assertEquals(error.exitCode, 1);
    assertEquals(error.flowerCode, code);
    assertStringIncludes(error.remedy ?? "", remedy);
  });
}

/** Values that a flag does not take: usage errors. */
const UNUSABLE: [args: string[], says: string][] = [
  [["--hold-time", "121"], "--hold-time takes a number from 0 to 120, not 121."],
  [["--hold-time=-1"], "--hold-time takes a number from 0 to 120, not -1."],
  [["--hold-time", "soon"], '--hold-time takes a number, not "soon".'],
  [["--proof-window", "0"], "--proof-window takes a number from 1 to 300, not 0."],
  [["--proof-window", "301"], "--proof-window takes a number from 1 to 300, not 301."],
  [["--registration-limit", "0"], "--registration-limit takes a whole number from 1 to 1000000"],
  [["--registration-limit", "1.5"], '--registration-limit takes a whole number, not "1.5".'],
  [["--max-message-size", "10"], "--max-message-size"],
  [["--max-message-size", "3g"], "--max-message-size"],
  [
    ["--max-message-size", "lots"],
    '--max-message-size takes a size such as 512k, 64m or 1g, not "lots"',
  ],
  [["--log-format", "xml"], '--log-format does not take "xml".'],
  [["--isolation", "none"], '--isolation does not take "none".'],
  [["--fleet-api-type", "carrier-pigeon"], "--fleet-api-type does not take"],
  [["--database"], "--database needs a value."],
  [["--databse", "x"], "There is no flag --databse."],
  [["extra"], 'Unexpected argument "extra".'],
];

for (const [args, says] of UNUSABLE) {
  Deno.test(`superlinkOptions() refuses the usage ${args.join(" ")}`, () => {
    const error = assertThrows(() => optionsOf(...INSECURE, ...args), ExitError);
    assertStringIncludes(error.message, says);
    assertEquals(error.exitCode, 2);
  });
}

/** What an operator is warned of, by a word of each warning. */
const WARNED: [args: string[], words: string[]][] = [
  [INSECURE, ["TLS is off", "SuperNode authentication is off"]],
  [TLS, ["SuperNode authentication is off"]],
  [[...TLS, "--enable-supernode-auth"], []],
  [[...TLS, "--enable-supernode-auth", "--exec-api-address", "a:1"], ["--control-api-address"]],
  [[...TLS, "--enable-supernode-auth", "--flwr-dir", "x"], ["FLWR_HOME"]],
  [[...TLS, "--enable-supernode-auth", "--fleet-api-num-workers", "4"], ["one process"]],
  [[...TLS, "--enable-supernode-auth", "--fleet-api-num-workers", "1"], []],
  [[...TLS, "--enable-supernode-auth", "--simulationio-api-address", "a:1"], ["simulations"]],
  [[...TLS, "--enable-supernode-auth", "--storage-dir", "x"], ["beside the database"]],
];

for (const [args, words] of WARNED) {
  Deno.test(`superlinkOptions() warns of ${words.join(", ") || "nothing"} for ${args.join(" ")}`, () => {
    const { warnings } = optionsOf(...args);
    assertEquals(warnings.length, words.length, warnings.join("\n"));
    words.forEach((word, index) => assertStringIncludes(warnings[index] ?? "", word));
  });
}

Deno.test("The help of `trellis superlink` names every flag that is for use", () => {
  const help = helpText(superlinkSpec);
  for (const { name, hidden } of Object.values(flags)) {
    assertEquals(help.includes(`--${name} `) || help.includes(`--${name}\n`), !hidden, name);
  }
  for (const line of help.split("\n")) assert(line.length <= 100, line);
});

Deno.test("With TLS that ends at a proxy no certificate is needed, but for gRPC", () => {
  const { tlsFiles, warnings } = optionsOf("--http-tls-ends-at-proxy", "--no-grpc");
  assertEquals(tlsFiles, undefined);
  assert(warnings.some((text) => text.startsWith("TLS ends at a proxy")));
  assert(!warnings.some((text) => text.startsWith("TLS is off")));
  assertThrows(() => optionsOf("--http-tls-ends-at-proxy"), ExitError, "Certificates are required");
  const managed = ["--http-tls-ends-at-proxy", "--insecure", "--enable-supernode-auth"];
  assertThrows(() => optionsOf(...managed), ExitError, "does not go with --insecure");
});
