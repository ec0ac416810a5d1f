import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { X509Certificate } from "node:crypto";
import { type CertificateFiles, generateCertificates } from "./certificates.ts";
import { certificateNames } from "./host_names.ts";
import { KeyError } from "./key_error.ts";
import { inDirectory, isInstalled, run } from "./testdata/scratch.ts";

/** Whether a TLS client that trusts a CA accepts the server certificate on the loopback. */
async function handshake(server: CertificateFiles, caPath: string, hostname: string) {
  using listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert: await Deno.readTextFile(server.serverCertificatePath),
    key: await Deno.readTextFile(server.serverKeyPath),
  });
  const accepted = listener.accept().then(async (connection) => {
    // A client that refuses the certificate ends the handshake with an alert.
    await connection.handshake().catch(() => {});
    connection.close();
  });
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  try {
    const caCerts = [await Deno.readTextFile(caPath)];
    using client = await Deno.startTls(tcp, { hostname, caCerts });
    await client.handshake();
  } finally {
    await accepted;
  }
}

Deno.test("generateCertificates() makes certificates that a TLS client accepts by each name", () =>
  inDirectory(async (directory) => {
    const files = await generateCertificates(`${directory}/certificates/`);
    assertEquals(files.serverCertificatePath, `${directory}/certificates/server.pem`);
    for (const hostname of ["localhost", "127.0.0.1", "::1"]) {
      await handshake(files, files.caCertificatePath, hostname);
    }
    await assertRejects(() => handshake(files, files.caCertificatePath, "example.org"));
    const other = await generateCertificates(`${directory}/other`, { hosts: ["localhost"] });
    await assertRejects(() => handshake(files, other.caCertificatePath, "localhost"));
    await assertRejects(() => handshake(other, other.caCertificatePath, "127.0.0.1"));
  }));

Deno.test({
  name: "generateCertificates() makes certificates that OpenSSL's strict rules accept",
  ignore: !await isInstalled("openssl"),
  fn: () =>
    inDirectory(async (directory) => {
      const files = await generateCertificates(directory);
      const verify = ["verify", "-x509_strict", "-purpose", "sslserver"];
      for (const name of [["-verify_hostname", "localhost"], ["-verify_ip", "::1"]]) {
        const printed = await run(
          "openssl",
          ...[...verify, ...name, "-CAfile", files.caCertificatePath, files.serverCertificatePath],
        );
        assertEquals(printed, `${files.serverCertificatePath}: OK\n`);
      }
    }),
});

Deno.test("generateCertificates() writes what was asked for, and keys only their owner reads", () =>
  inDirectory(async (directory) => {
    const before = Date.now();
    const files = await generateCertificates(directory, {
      hosts: ["superlink.example.org", "192.0.2.7", "2001:db8::1"],
      days: 30,
    });
    const read = async (path: string) => new X509Certificate(await Deno.readTextFile(path));
    const server = await read(files.serverCertificatePath);
    const ca = await read(files.caCertificatePath);
    assertEquals(
      server.subjectAltName?.toUpperCase().split(", "),
      ["DNS:SUPERLINK.EXAMPLE.ORG", "IP ADDRESS:192.0.2.7", "IP ADDRESS:2001:DB8::1"],
    );
    assertEquals([ca.ca, server.ca], [true, false]);
    for (const certificate of [ca, server]) {
      assertEquals(Date.parse(certificate.validTo), files.notAfter.getTime());
      assert(Date.parse(certificate.validFrom) < before);
      assert(server.verify(ca.publicKey));
    }
    const days = (files.notAfter.getTime() - before) / 86_400_000;
    assert(days > 29.9 && days < 30.1, `${days}`);
    if (Deno.build.os === "windows") return;
    for (const path of [files.caKeyPath, files.serverKeyPath]) {
      assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
    }
  }));

for (const taken of ["ca.crt", "ca.key", "server.pem", "server.key"]) {
  Deno.test(`generateCertificates() writes nothing when ${taken} exists`, () =>
    inDirectory(async (directory) => {
      await Deno.writeTextFile(`${directory}/${taken}`, "precious");
      const error = await assertRejects(() => generateCertificates(directory), KeyError);
      assertEquals(error.reason, "exists");
      assertEquals(Array.from(Deno.readDirSync(directory), ({ name }) => name), [taken]);
      assertEquals(await Deno.readTextFile(`${directory}/${taken}`), "precious");
    }));
}

Deno.test("generateCertificates() refuses no hosts and days that are none", () =>
  inDirectory(async (directory) => {
    for (const options of [{ hosts: [] }, { days: 0 }, { days: 1.5 }, { days: 3651 }]) {
      const error = await assertRejects(() => generateCertificates(directory, options), KeyError);
      assertEquals(error.reason, "invalid-argument");
    }
    assertEquals(Array.from(Deno.readDirSync(directory)), []);
  }));

Deno.test("certificateNames() tells DNS names from IP addresses and drops repetitions", () => {
  const cases = [
    ["localhost", "dns"],
    ["a.b-c.example", "dns"],
    ["*.example.org", "dns"],
    ["xn--bcher-kva.example", "dns"],
    ["7.example", "dns"],
    ["super_link", "dns"],
    ["127.0.0.1", "ip"],
    ["::1", "ip"],
    ["2001:db8::7", "ip"],
    ["::ffff:192.0.2.7", "ip"],
  ] as const;
  const names = cases.map(([value]) => value);
  assertEquals(
    certificateNames([...names, ...names]),
    cases.map(([value, type]) => ({ type, value })),
  );
});

for (
  const host of [
    "",
    " localhost",
    "localhost:9092",
    "https://localhost",
    "[::1]",
    "fe80::1%eth0",
    "a..b",
    "a.b.",
    ".a",
    "-a.example",
    "a-.example",
    "*",
    "a.*.example",
    "b\u00fccher.example",
    "256.0.0.1",
    "127.1",
    "a,DNS:b",
    "a\nb",
    "a".repeat(64),
    `${"a.".repeat(127)}b`,
  ]
) {
  Deno.test(`certificateNames() refuses ${JSON.stringify(host).slice(0, 40)}`, () => {
    const error = assertThrows(() => certificateNames([host]), KeyError);
    assertEquals(error.reason, "invalid-argument");
  });
}
