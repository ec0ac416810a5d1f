import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { generatePrivateKey } from "../keys/private_key.ts";
import { writeKeyPair } from "../keys/key_files.ts";
import { parseCommand } from "../terminal/command.ts";
import { ExitError, UsageError } from "../terminal/errors.ts";
import { type Address, formatAddress } from "../wire/address.ts";
import { TlsFileError } from "../wire/tls.ts";
import { UserConfigError } from "../config/user_config.ts";
import { supernodeSpec } from "./flags.ts";
import { supernodeOptions } from "./options.ts";

async function options(...args: string[]) {
  return await supernodeOptions(parseCommand(supernodeSpec, args).flags);
}

Deno.test("supernodeOptions has Flower's defaults, with the SuperLink on loopback", async () => {
  const { superlink, security, transport, retryLimits, key, nodeConfig, healthAddress } =
    await options("--insecure");
  assertEquals(superlink, { host: "127.0.0.1", port: 9092 });
  assertEquals(security, { insecure: true });
  assertEquals(transport, "auto");
  assertEquals(retryLimits, { maxRetries: undefined, maxWaitMs: undefined });
  assertEquals([key, nodeConfig.size, healthAddress], [undefined, 0, undefined]);
});

Deno.test("supernodeOptions reads the command line of Flower's guide", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const key = await generatePrivateKey();
    const { privateKeyPath } = await writeKeyPair(`${directory}/client_credentials_1`, key);
    const read = await options(
      ...["--superlink", "0.0.0.0:9092"],
      ...["--clientappio-api-address", "0.0.0.0:9094"],
      ...["--node-config", "partition-id=0 num-partitions=2"],
      ...["--auth-supernode-private-key", privateKeyPath],
      ...["--auth-supernode-public-key", `${privateKeyPath}.pub`],
      ...["--isolation", "process", "--grpc-rere", "--max-retries", "3", "--max-wait-time", "1.5"],
    );
    assertEquals(read.superlink, { host: "127.0.0.1", port: 9092 });
    assertEquals(read.transport, "grpc");
    assertEquals(read.key?.publicKey, key.publicKey);
    assertEquals([...read.nodeConfig], [["partition-id", 0n], ["num-partitions", 2n]]);
    assertEquals(read.retryLimits, { maxRetries: 3, maxWaitMs: 1_500 });
    assertEquals(read.warnings.length, 1);
    assertStringIncludes(read.warnings[0] ?? "", "--auth-supernode-public-key is ignored");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

/** Where ClientApps connect over gRPC and over HTTP; `*` is a free port. */
const ADDRESSES: [args: string, grpc: string, http: string][] = [
  ["", "127.0.0.1:*", "127.0.0.1:*"],
  ["--clientappio-api-address 127.0.0.1:9095", "127.0.0.1:9095", "127.0.0.1:*"],
  ["--port 9095", "127.0.0.1:*", "127.0.0.1:9095"],
  ["--isolation process", "127.0.0.1:9094", "127.0.0.1:9094"],
  ["--isolation process --port 9095", "127.0.0.1:9095", "127.0.0.1:9095"],
  ["--isolation process --host ::", "[::]:9094", "[::]:9094"],
  ["--isolation process --clientappio-api-address 0.0.0.0:9", "0.0.0.0:9", "0.0.0.0:9"],
  ["--isolation process --clientappio-api-address [::1]:9 --port 8", "[::1]:9", "127.0.0.1:8"],
];

for (const [args, grpc, http] of ADDRESSES) {
  Deno.test(`supernodeOptions lets ClientApps connect to ${grpc} and ${http} for "${args}"`, async () => {
    const read = await options("--insecure", ...args.split(" ").filter((arg) => arg !== ""));
    const text = (address: Address) => formatAddress(address).replace(/:0$/, ":*");
    assertEquals([text(read.clientAppAddress), text(read.runtimeAddress)], [grpc, http]);
  });
}

Deno.test("supernodeOptions has certificates and a secret for ClientApps that others start", async () => {
  const files = { certificateFile: "c", keyFile: "k", caFile: "a" };
  const secret = ["--superexec-auth-secret-file", "s"];
  for (const prefix of ["--ssl", "--appio-ssl"]) {
    const tls = [`${prefix}-certfile`, "c", `${prefix}-keyfile`, "k", `${prefix}-ca-certfile`, "a"];
    const read = await options("--insecure", "--isolation", "process", ...tls, ...secret);
    assertEquals([read.tlsFiles, read.superExecSecretFile], [files, "s"]);
    const unused = await options("--insecure", ...tls, ...secret);
    assertEquals([unused.tlsFiles, unused.superExecSecretFile], [undefined, undefined]);
    assertStringIncludes(unused.warnings.join(), "with --isolation process only");
  }
});

const REFUSED: [args: string[], flowerCode: number | undefined, words: string][] = [
  [["--insecure", "--root-certificates", "ca.crt"], undefined, "--root-certificates"],
  [["--insecure", "--auth-supernode-private-key", "k"], 303, "needs TLS"],
  [["--auth-supernode-private-key", "/nonexistent/key"], 302, "does not exist"],
  [["--insecure", "--superlink", "127.0.0.1"], 600, '"127.0.0.1"'],
  [["--insecure", "--superlink", "127.0.0.1:0"], 600, "HOST:PORT"],
  [["--insecure", "--superlink", "127.0.0.1:70000"], 600, "HOST:PORT"],
  [["--insecure", "--superlink", "http://127.0.0.1:9092"], 600, "HOST:PORT"],
  [["--insecure", "--health-server-address", "9098"], 600, "--health-server-address"],
  [["--insecure", "--clientappio-api-address", "x"], 600, "--clientappio-api-address"],
  [["--insecure", "--rest"], undefined, "--rest is not offered"],
  [["--insecure", "--grpc-adapter"], undefined, "--grpc-adapter is not offered"],
  [["--insecure", "--grpc-rere", "--transport", "http"], undefined, "--transport http"],
  [["--insecure", "--host", "a b"], 600, '--host takes a host name or an IP address, not "a b"'],
  [["--insecure", "--isolation", "process", "--ssl-keyfile", "k"], 605, "all three of"],
  [["--insecure", "--allow-runtime-dependency-installation"], undefined, "is not offered"],
  [["--insecure", "--trusted-entities", "t.yaml"], undefined, "--trusted-entities"],
];

for (const [args, flowerCode, words] of REFUSED) {
  Deno.test(`supernodeOptions refuses ${args.join(" ")}`, async () => {
    const error = await assertRejects(() => options(...args), ExitError, words);
    assertEquals([error.exitCode, error.flowerCode], [1, flowerCode]);
    assert(error.remedy);
  });
}

Deno.test("supernodeOptions refuses files that it cannot use", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const file = `${directory}/not-a-key`;
    await Deno.writeTextFile(file, "hello");
    const key = await assertRejects(
      () => options("--auth-supernode-private-key", file),
      ExitError,
    );
    assertEquals(key.flowerCode, 302);
    await assertRejects(() => options("--root-certificates", file), TlsFileError, "PEM");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("supernodeOptions refuses flags and values that there are not", async () => {
  await assertRejects(() => options("--superlnk", "x"), UsageError, "--superlnk");
  await assertRejects(() => options("--isolation", "docker"), UsageError, "docker");
  await assertRejects(() => options("--max-retries", "few"), UsageError, "--max-retries");
  await assertRejects(
    () => options("--insecure", "--node-config", "a=[1]"),
    UserConfigError,
    '"a"',
  );
});

Deno.test("supernodeOptions warns of text in --node-config that is no pair", async () => {
  const { warnings } = await options("--insecure", "--node-config", "a=1 b");
  assertStringIncludes(warnings.join(), '"b"');
});

Deno.test("supernodeOptions finds a free port for ClientApps that it starts itself", async () => {
  const api = async (...args: string[]) => (await options("--insecure", ...args)).clientAppAddress;
  assertEquals(await api(), { host: "127.0.0.1", port: 0 });
  assertEquals(await api("--isolation", "process"), { host: "127.0.0.1", port: 9094 });
  const given = ["--clientappio-api-address", "0.0.0.0:9095"];
  assertEquals(await api(...given), { host: "0.0.0.0", port: 9095 });
});

Deno.test("supernodeOptions reads what Trellis adds to Flower's flags", async () => {
  const plain = await options("--insecure");
  assertEquals([plain.maxApps, plain.stopGraceMs, plain.maxObjectBytes], [1, 5_000, 4 * 1024 ** 3]);
  const read = await options(
    ...["--insecure", "--max-apps", "3", "--stop-grace", "0.5", "--object-memory", "1g"],
    ...["--python", "/opt/venv"],
  );
  assertEquals([read.maxApps, read.stopGraceMs, read.maxObjectBytes], [3, 500, 1024 ** 3]);
  assertEquals(read.python, "/opt/venv");
  await assertRejects(() => options("--insecure", "--max-apps", "0"), UsageError, "--max-apps");
});
