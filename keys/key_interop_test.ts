import { assertEquals, assertThrows } from "@std/assert";
import { CURVE_NAMES } from "./curve.ts";
import { KeyError } from "./key_error.ts";
import { generatePrivateKey, openSshPrivatePem, readPrivateKey } from "./private_key.ts";
import { openSshPublicLine, readPublicKey, spkiPem } from "./public_key.ts";
import { inDirectory, isInstalled, run } from "./testdata/scratch.ts";

/** Where a program is missing, its tests are shown as ignored, one line each. */
const ignoreSshKeygen = !await isInstalled("ssh-keygen");
const ignoreOpenSsl = !await isInstalled("openssl");

const BITS = { "P-256": "256", "P-384": "384", "P-521": "521" } as const;
const OPENSSL_NAMES = {
  "P-256": "prime256v1",
  "P-384": "secp384r1",
  "P-521": "secp521r1",
} as const;

for (const curve of CURVE_NAMES) {
  Deno.test({
    name: `ssh-keygen's ${curve} keys are read in its three formats, with its fingerprint`,
    ignore: ignoreSshKeygen,
    fn: () =>
      inDirectory(async (directory) => {
        const path = `${directory}/key`;
        await run(
          "ssh-keygen",
          "-q",
          "-t",
          "ecdsa",
          "-b",
          BITS[curve],
          "-N",
          "",
          "-C",
          "c",
          "-f",
          path,
        );
        const key = readPrivateKey(await Deno.readFile(path));
        const line = await Deno.readTextFile(`${path}.pub`);
        assertEquals([key.format, key.publicKey.curve], ["openssh", curve]);
        assertEquals(`${openSshPublicLine(key.publicKey, "c")}\n`, line);
        assertEquals(readPublicKey(line), key.publicKey);
        const printed = await run("ssh-keygen", "-l", "-f", `${path}.pub`);
        assertEquals(printed.split(" ")[1], key.publicKey.fingerprint);
        assertEquals(
          await run("ssh-keygen", "-e", "-m", "PKCS8", "-f", path),
          spkiPem(key.publicKey),
        );
        for (const [form, format] of [["PEM", "sec1"], ["PKCS8", "pkcs8"]] as const) {
          await run("ssh-keygen", "-q", "-p", "-N", "", "-m", form, "-f", path);
          const converted = readPrivateKey(await Deno.readFile(path));
          assertEquals(converted.format, format);
          assertEquals(converted.pkcs8, key.pkcs8);
        }
      }),
  });

  Deno.test({
    name: `ssh-keygen reads our ${curve} keys and prints our fingerprint`,
    ignore: ignoreSshKeygen,
    fn: () =>
      inDirectory(async (directory) => {
        const path = `${directory}/key`;
        const key = await generatePrivateKey(curve);
        await Deno.writeTextFile(path, openSshPrivatePem(key, "our comment"), { mode: 0o600 });
        const line = openSshPublicLine(key.publicKey, "our comment");
        assertEquals(await run("ssh-keygen", "-y", "-f", path), `${line}\n`);
        await Deno.writeTextFile(`${path}.pub`, `${line}\n`);
        assertEquals(
          await run("ssh-keygen", "-l", "-f", `${path}.pub`),
          `${BITS[curve]} ${key.publicKey.fingerprint} our comment (ECDSA)\n`,
        );
      }),
  });

  Deno.test({
    name: `OpenSSL's ${curve} keys are read with and without their point`,
    ignore: ignoreOpenSsl,
    fn: () =>
      inDirectory(async (directory) => {
        const path = (name: string) => `${directory}/${name}`;
        const openssl = (...args: string[]) => run("openssl", ...args);
        const name = OPENSSL_NAMES[curve];
        // Without -noout the file starts with EC PARAMETERS.
        await openssl("ecparam", "-name", name, "-genkey", "-out", path("sec1"));
        const publicKey = readPublicKey(await openssl("ec", "-in", path("sec1"), "-pubout"));
        const files = {
          "sec1": ["pkey", "-in", path("sec1")],
          "pkcs8": ["pkcs8", "-topk8", "-nocrypt", "-in", path("sec1"), "-out", path("pkcs8")],
          "bare": ["ec", "-in", path("sec1"), "-no_public", "-out", path("bare")],
          "compressed": [
            "ec",
            "-in",
            path("sec1"),
            "-conv_form",
            "compressed",
            "-out",
            path("compressed"),
          ],
        };
        for (const [file, args] of Object.entries(files)) {
          await openssl(...args);
          const key = readPrivateKey(await Deno.readFile(path(file)));
          assertEquals(key.publicKey, publicKey, file);
        }
        assertEquals(spkiPem(publicKey), await openssl("ec", "-in", path("sec1"), "-pubout"));
      }),
  });
}

Deno.test({
  name: "Keys with a passphrase and other kinds of keys from ssh-keygen are refused by name",
  ignore: ignoreSshKeygen,
  fn: () =>
    inDirectory(async (directory) => {
      const cases = [
        ["encrypted", "-t", "ecdsa", "-N", "a passphrase"],
        ["encrypted", "-t", "ecdsa", "-N", "a passphrase", "-m", "PEM"],
        ["encrypted", "-t", "ecdsa", "-N", "a passphrase", "-m", "PKCS8"],
        ["not-ec", "-t", "ed25519", "-N", ""],
        ["not-ec", "-t", "rsa", "-b", "1024", "-N", ""],
        ["not-ec", "-t", "rsa", "-b", "1024", "-N", "", "-m", "PEM"],
        ["not-ec", "-t", "rsa", "-b", "1024", "-N", "", "-m", "PKCS8"],
      ] as const;
      for (const [index, [reason, ...args]] of cases.entries()) {
        const path = `${directory}/${index}`;
        await run("ssh-keygen", "-q", ...args, "-f", path);
        const text = await Deno.readTextFile(path);
        assertEquals(
          assertThrows(() => readPrivateKey(text), KeyError).reason,
          reason,
          args.join(" "),
        );
      }
    }),
});
