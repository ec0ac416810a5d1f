import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { generateCertificates } from "../keys/certificates.ts";
import { encodePem } from "../keys/pem.ts";
import { inDirectory, isInstalled, run } from "../keys/testdata/scratch.ts";
import { loadRootCertificates, loadServerTls, type ServerTlsFiles, TlsFileError } from "./tls.ts";

const HOUR_MS = 3_600_000;

/** Two sets of certificates, and names of files that a test may write. */
interface Files extends ServerTlsFiles {
  readonly other: ServerTlsFiles;
  /** Writes a file and gives its path. */
  write(content: string | Uint8Array): Promise<string>;
}

function withFiles(test: (files: Files) => Promise<void>): Promise<void> {
  return inDirectory(async (directory) => {
    const [own, other] = [await make(`${directory}/own`), await make(`${directory}/other`)];
    let count = 0;
    const write = async (content: string | Uint8Array) => {
      const path = `${directory}/file-${++count}`;
      await (typeof content === "string"
        ? Deno.writeTextFile(path, content)
        : Deno.writeFile(path, content));
      return path;
    };
    await test({ ...own, other, write });
  });
}

async function make(directory: string): Promise<ServerTlsFiles> {
  const made = await generateCertificates(directory, { days: 1 });
  return {
    certificateFile: made.serverCertificatePath,
    keyFile: made.serverKeyPath,
    caFile: made.caCertificatePath,
  };
}

Deno.test("loadServerTls() gives the texts of files that belong together", () =>
  withFiles(async (files) => {
    assertEquals(await loadServerTls(files), {
      tls: {
        certificatePem: await Deno.readTextFile(files.certificateFile),
        keyPem: await Deno.readTextFile(files.keyFile),
        caPem: await Deno.readTextFile(files.caFile),
      },
      warnings: [],
    });
  }));

Deno.test("loadServerTls() accepts text around PEM blocks, as openssl writes it, and CRLF", () =>
  withFiles(async ({ write, ...files }) => {
    const text = await Deno.readTextFile(files.certificateFile);
    const certificateFile = await write(
      `Certificate:\n    Data: …\n${text}`.replaceAll("\n", "\r\n"),
    );
    assertEquals((await loadServerTls({ ...files, certificateFile })).warnings, []);
  }));

Deno.test("loadServerTls() warns of a certificate that the CA has not issued", () =>
  withFiles(async ({ other, ...files }) => {
    const { warnings } = await loadServerTls({ ...files, caFile: other.caFile });
    assertEquals(warnings, [
      `The certificate in "${files.certificateFile}" was not issued by the CA in ` +
      `"${other.caFile}", so peers that trust only this CA will refuse the connection.`,
    ]);
    const both = await Deno.readTextFile(other.caFile) + await Deno.readTextFile(files.caFile);
    const caFile = `${files.caFile}.both`;
    await Deno.writeTextFile(caFile, both);
    assertEquals((await loadServerTls({ ...files, caFile })).warnings, []);
  }));

const GARBAGE = encodePem("PRIVATE KEY", new Uint8Array(48).fill(7));
const LEGACY = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n" +
  "DEK-Info: AES-128-CBC,00\n\nAAAA\n-----END EC PRIVATE KEY-----\n";

/** Files that cannot be used: how they differ from good ones, and what is said of them. */
const REFUSED: [
  name: string,
  change: (files: Files) => Partial<ServerTlsFiles> | Promise<Partial<ServerTlsFiles>>,
  says: string,
][] = [
  [
    "a certificate that is not there",
    () => ({ certificateFile: "/no/such.pem" }),
    'The certificate file "/no/such.pem" does not exist.',
  ],
  [
    "a key that is not there",
    () => ({ keyFile: "/no/such.key" }),
    'The private key file "/no/such.key" does not exist.',
  ],
  [
    "a CA that is not there",
    () => ({ caFile: "/no/such.crt" }),
    'The CA certificate file "/no/such.crt" does not exist.',
  ],
  ["a directory", () => ({ certificateFile: "/" }), 'The certificate file "/" cannot be read.'],
  [
    "an empty file",
    async ({ write }) => ({ certificateFile: await write("") }),
    "is not a PEM file",
  ],
  [
    "a certificate in DER",
    async ({ write }) => ({ certificateFile: await write(new Uint8Array([0x30, 0x82, 1, 0xff])) }),
    "is not a PEM file",
  ],
  ["a key that is text", async ({ write }) => ({ keyFile: await write("secret") }), "not a PEM"],
  [
    "swapped certificate and key",
    ({ certificateFile, keyFile }) => ({ certificateFile: keyFile, keyFile: certificateFile }),
    "holds no certificate (it holds: PRIVATE KEY). Check that the certificate and key flags are not",
  ],
  [
    "a key in the place of the CA",
    ({ keyFile }) => ({ caFile: keyFile }),
    "holds no certificate (it holds: PRIVATE KEY).",
  ],
  [
    "a damaged certificate",
    async ({ write }) => ({
      certificateFile: await write(encodePem("CERTIFICATE", new Uint8Array(99).fill(0x30))),
    }),
    "is damaged.",
  ],
  [
    "a truncated certificate",
    async ({ write, certificateFile }) => {
      const text = await Deno.readTextFile(certificateFile);
      return { certificateFile: await write(text.slice(0, text.length / 2)) };
    },
    "holds no certificate",
  ],
  [
    "another certificate's key",
    ({ other }) => ({ keyFile: other.keyFile }),
    "does not belong to the certificate in",
  ],
  [
    "the key of another certificate in the chain",
    async ({ write, certificateFile, caFile }) => {
      const [own, ca] = [await Deno.readTextFile(certificateFile), await Deno.readTextFile(caFile)];
      return { certificateFile: await write(ca + own) };
    },
    "does not belong to the certificate in",
  ],
  [
    "a key that is garbage",
    async ({ write }) => ({ keyFile: await write(GARBAGE) }),
    "no private key",
  ],
  [
    "a certificate in the place of the key",
    ({ certificateFile }) => ({ keyFile: certificateFile }),
    "holds no private key that can be used.",
  ],
  [
    "an encrypted key",
    async ({ write }) => ({
      keyFile: await write(GARBAGE.replaceAll("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")),
    }),
    "is protected by a passphrase.",
  ],
  [
    "an encrypted key of old",
    async ({ write }) => ({ keyFile: await write(LEGACY) }),
    "is protected by a passphrase.",
  ],
];

for (const [name, change, says] of REFUSED) {
  Deno.test(`loadServerTls() refuses ${name}`, () =>
    withFiles(async (files) => {
      const { certificateFile, keyFile, caFile } = { ...files, ...await change(files) };
      const load = () => loadServerTls({ certificateFile, keyFile, caFile });
      const { message } = await assertRejects(load, TlsFileError);
      assertStringIncludes(message, says);
      const secret = (await Deno.readTextFile(files.keyFile)).split("\n")[1]!;
      assertEquals(message.includes(secret), false);
    }));
}

const TIMES: [name: string, offsetMs: number, says: string | undefined][] = [
  ["before it is valid", -2 * HOUR_MS, "is not valid before"],
  ["as soon as it is valid", -HOUR_MS + 5 * 60_000, undefined],
  ["while it is still valid", 23 * HOUR_MS, undefined],
  ["after it has expired", 25 * HOUR_MS, "expired on"],
];

for (const [name, offsetMs, says] of TIMES) {
  Deno.test(`loadServerTls() ${says ? "refuses" : "accepts"} a certificate ${name}`, () =>
    withFiles(async (files) => {
      const load = () => loadServerTls(files, new Date(Date.now() + offsetMs));
      if (says === undefined) await load();
      else assertStringIncludes((await assertRejects(load, TlsFileError)).message, says);
    }));
}

Deno.test({
  name:
    "loadServerTls() accepts RSA and SEC1 keys, and a chain with an intermediate CA, of OpenSSL",
  ignore: !await isInstalled("openssl"),
  fn: () =>
    inDirectory(async (folder) => {
      const ca = ["-addext", "basicConstraints=critical,CA:true"];
      const leaf = ["-addext", "basicConstraints=critical,CA:false"];
      const issue = async (
        name: string,
        issuer: string | undefined,
        kind: string[],
        ext: string[],
      ) => {
        const signer = issuer
          ? ["-CA", `${folder}/${issuer}.pem`, "-CAkey", `${folder}/${issuer}.key`]
          : [];
        const out = ["-keyout", `${folder}/${name}.key`, "-out", `${folder}/${name}.pem`];
        const request = ["req", "-x509", "-nodes", "-days", "2", "-subj", `/CN=${name}`];
        await run("openssl", ...request, ...kind, ...signer, ...ext, ...out);
      };
      const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
      await issue("root", undefined, ec, ca);
      await issue("middle", "root", ec, ca);
      await issue("rsa", "middle", ["-newkey", "rsa:2048"], leaf);
      await issue("sec1", "middle", ec, leaf);
      const sec1 = await run("openssl", "ec", "-in", `${folder}/sec1.key`);
      await Deno.writeTextFile(`${folder}/sec1.key`, sec1);
      const middle = await Deno.readTextFile(`${folder}/middle.pem`);
      for (const name of ["rsa", "sec1"]) {
        const own = `${folder}/${name}.pem`;
        const chain = `${folder}/${name}-chain.pem`;
        await Deno.writeTextFile(chain, await Deno.readTextFile(own) + middle);
        const files = { keyFile: `${folder}/${name}.key`, caFile: `${folder}/root.pem` };
        const whole = await loadServerTls({ ...files, certificateFile: chain });
        assertEquals(whole.warnings, []);
        const alone = await loadServerTls({ ...files, certificateFile: own });
        assertEquals(alone.warnings.length, 1, "without the intermediate nobody can verify it");
      }
    }),
});

Deno.test("loadRootCertificates() gives the text of a file with certificates, and refuses others", () =>
  withFiles(async ({ caFile, keyFile, write }) => {
    assertEquals(await loadRootCertificates(caFile), await Deno.readTextFile(caFile));
    const garbage = await write("roots");
    for (const file of ["/no/such.crt", keyFile, garbage]) {
      const { message } = await assertRejects(() => loadRootCertificates(file), TlsFileError);
      assertStringIncludes(message, `"${file}"`);
    }
  }));
