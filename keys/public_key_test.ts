import { assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { decodeBase64, decodeHex, encodeBase64, encodeHex } from "@std/encoding";
import { KeyError, type KeyErrorReason } from "./key_error.ts";
import { encodePem } from "./pem.ts";
import { importVerifyKey, openSshPublicLine, readPublicKey, spkiPem } from "./public_key.ts";
import { encodeSsh } from "./ssh_wire.ts";
import { VECTOR_KEY } from "./testdata/fleet_auth.ts";
import { REFUSED_LINES, REFUSED_SPKI_BASE64, SSH_KEYGEN_KEYS } from "./testdata/public_keys.ts";

const PEM = VECTOR_KEY.public_spki_pem;
const LINE = VECTOR_KEY.public_openssh_line;
const POINT = decodeHex(VECTOR_KEY.public_point_uncompressed_hex);
const SPKI = decodeHex(VECTOR_KEY.public_spki_der_hex);

Deno.test("readPublicKey() reads the recorded key from its PEM and from its OpenSSH line", () => {
  for (const input of [PEM, LINE, new TextEncoder().encode(PEM), new TextEncoder().encode(LINE)]) {
    const key = readPublicKey(input);
    assertEquals(key.curve, "P-384");
    assertEquals(encodeHex(key.spki), VECTOR_KEY.public_spki_der_hex);
  }
});

Deno.test("spkiPem() gives the bytes that Flower sends, whatever form the key was read from", () => {
  assertEquals(spkiPem(readPublicKey(LINE)), PEM);
  assertEquals(spkiPem(readPublicKey(PEM)), PEM);
});

Deno.test("readPublicKey() gives one identity to one key in every tolerated spelling", () => {
  const { id } = readPublicKey(PEM);
  const spellings: Record<string, string> = {
    "CRLF": PEM.replaceAll("\n", "\r\n"),
    "no last line end": PEM.trimEnd(),
    "blanks around": `\n \t${PEM}\r\n\n `,
    "blanks at the ends of lines": PEM.replaceAll("\n", " \n"),
    "one long line": encodePem("PUBLIC KEY", SPKI).replace(/([A-Za-z0-9+/=])\n(?!-)/g, "$1"),
    "byte order mark": `\ufeff${PEM}`,
    "OpenSSH line": LINE,
    "OpenSSH line with CRLF": `${LINE.trimEnd()}\r\n`,
    "OpenSSH line without comment": LINE.split(" ").slice(0, 2).join(" "),
    "OpenSSH line with another comment": `${LINE.trimEnd()} two words, and ünicode`,
  };
  for (const [spelling, text] of Object.entries(spellings)) {
    assertEquals(readPublicKey(text).id, id, spelling);
  }
});

Deno.test("readPublicKey() agrees with ssh-keygen and OpenSSL on keys of all three curves", () => {
  for (const { curve, line, spkiBase64, fingerprint } of SSH_KEYGEN_KEYS) {
    const key = readPublicKey(line);
    assertEquals(key.curve, curve);
    assertEquals(encodeBase64(key.spki), spkiBase64);
    assertEquals(key.fingerprint, fingerprint);
    assertEquals(readPublicKey(spkiPem(key)), key);
    assertEquals(openSshPublicLine(key, "user@host"), line);
  }
});

Deno.test("openSshPublicLine() leaves out an empty comment and refuses one with a line end", () => {
  const key = readPublicKey(PEM);
  assertEquals(openSshPublicLine(key), LINE.split(" ").slice(0, 2).join(" "));
  assertEquals(openSshPublicLine(key, "test-vector"), LINE.trimEnd());
  assertThrows(() => openSshPublicLine(key, "a\nssh-rsa AAAA"), KeyError, "one line");
});

const [P256] = SSH_KEYGEN_KEYS;
const p256Point = decodeBase64(P256.spkiBase64).slice(-65);
const line = (type: string, ...blob: (string | Uint8Array)[]) =>
  `${type} ${encodeBase64(encodeSsh(...blob))} c`;
const type384 = "ecdsa-sha2-nistp384";
const offCurve = POINT.with(96, (POINT[96] ?? 0) ^ 1);
const pem = (der: Uint8Array) => encodePem("PUBLIC KEY", der);
const spkiWith = (edit: (der: Uint8Array<ArrayBuffer>) => void) => {
  const der = SPKI.slice();
  edit(der);
  return pem(der);
};

const REFUSED: [name: string, input: string | Uint8Array, reason: KeyErrorReason][] = [
  ["nothing", "", "malformed"],
  ["blanks", " \r\n", "malformed"],
  ["prose", "hello", "malformed"],
  ["zero bytes", new Uint8Array(215), "malformed"],
  ["DER", SPKI, "malformed"],
  ["16 KiB", "A".repeat(16 * 1024 + 1), "malformed"],
  ["a PEM without its end", PEM.slice(0, 150), "malformed"],
  ["a PEM with another end", PEM.replace("END PUBLIC", "END PRIVATE"), "malformed"],
  ["a PEM with a stray character", PEM.replace("MHYw", "MH*w"), "malformed"],
  ["a PEM cut inside its body", PEM.replace("\nYyNq7", "\n"), "malformed"],
  ["an empty PEM", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", "malformed"],
  ["two PEM blocks", PEM + PEM, "malformed"],
  ["a certificate", encodePem("CERTIFICATE", SPKI), "malformed"],
  ["a private key in PKCS#8", VECTOR_KEY.private_pkcs8_pem, "private-key"],
  ["a private key in SEC1", VECTOR_KEY.private_sec1_pem, "private-key"],
  ["a private key of OpenSSH", VECTOR_KEY.private_openssh, "private-key"],
  ["an encrypted private key", encodePem("ENCRYPTED PRIVATE KEY", SPKI), "private-key"],
  [
    "SEC1 with its parameters",
    encodePem("EC PARAMETERS", SPKI) + VECTOR_KEY.private_sec1_pem,
    "private-key",
  ],
  ["an RSA key in PKCS#1", encodePem("RSA PUBLIC KEY", SPKI), "not-ec"],
  ["an RSA key", pem(decodeBase64(REFUSED_SPKI_BASE64["RSA"])), "not-ec"],
  ["an Ed25519 key", pem(decodeBase64(REFUSED_SPKI_BASE64["Ed25519"])), "not-ec"],
  ["an RSA line", REFUSED_LINES["RSA"], "not-ec"],
  ["an Ed25519 line", REFUSED_LINES["Ed25519"], "not-ec"],
  ["a hardware-backed key", "sk-ecdsa-sha2-nistp256@openssh.com AAAA", "not-ec"],
  ["secp256k1", pem(decodeBase64(REFUSED_SPKI_BASE64["secp256k1"])), "unsupported-curve"],
  [
    "explicit parameters",
    pem(decodeBase64(REFUSED_SPKI_BASE64["explicit parameters"])),
    "unsupported-curve",
  ],
  ["nistp192", line("ecdsa-sha2-nistp192", "ecdsa-sha2-nistp192"), "unsupported-curve"],
  ["a compressed point", pem(decodeBase64(REFUSED_SPKI_BASE64["compressed P-384"])), "malformed"],
  [
    "a compressed point in a line",
    line(type384, type384, "nistp384", POINT.slice(0, 49).with(0, 2)),
    "malformed",
  ],
  ["a hybrid point", spkiWith((der) => der[23] = 6), "malformed"],
  ["a point off the curve", spkiWith((der) => der[119] = (der[119] ?? 0) ^ 1), "malformed"],
  ["a point off the curve in a line", line(type384, type384, "nistp384", offCurve), "malformed"],
  ["the point (0, 0)", spkiWith((der) => der.fill(0, 24)), "malformed"],
  ["coordinates past the prime", spkiWith((der) => der.fill(0xff, 24)), "malformed"],
  // x = 5 lies on P-256; x + p would be a second spelling of the same point, with another id.
  [
    "a coordinate that is not reduced",
    pem(decodeHex(
      "3059301306072a8648ce3d020106082a8648ce3d03010703420004" +
        "ffffffff00000001000000000000000000000001000000000000000000000004" +
        "459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc",
    )),
    "malformed",
  ],
  ["a point at infinity", line(type384, type384, "nistp384", new Uint8Array(1)), "malformed"],
  ["a P-256 point as P-384", line(type384, type384, "nistp384", p256Point), "malformed"],
  ["no point", line(type384, type384, "nistp384"), "malformed"],
  ["bytes after the point", pem(new Uint8Array([...SPKI, 0])), "malformed"],
  ["bytes after the blob", line(type384, type384, "nistp384", POINT, "x"), "malformed"],
  ["unused bits in the bit string", spkiWith((der) => der[22] = 1), "malformed"],
  ["an over-long DER length", pem(new Uint8Array([0x30, 0x81, ...SPKI.slice(1)])), "malformed"],
  ["another type inside", line(type384, "ecdsa-sha2-nistp256", "nistp256", p256Point), "malformed"],
  ["another curve name inside", line(type384, type384, "nistp256", POINT), "malformed"],
  ["a line without a body", type384, "malformed"],
  ["a line cut inside its body", LINE.slice(0, 80), "malformed"],
  ["two lines", LINE + LINE, "malformed"],
];

for (const [name, input, reason] of REFUSED) {
  Deno.test(`readPublicKey() refuses ${name} as ${reason}`, () => {
    const error = assertThrows(() => readPublicKey(input), KeyError);
    assertEquals(error.reason, reason, error.message);
    assertEquals(/^The [^\n]+\.$/.test(error.message), true, error.message);
  });
}

Deno.test("importVerifyKey() gives Web Crypto a key of the same point", async () => {
  for (const { line } of SSH_KEYGEN_KEYS) {
    const key = readPublicKey(line);
    const imported = await importVerifyKey(key);
    assertEquals(new Uint8Array(await crypto.subtle.exportKey("spki", imported)), key.spki);
    assertEquals(imported.usages, ["verify"]);
  }
});

Deno.test("Web Crypto verifies nothing with a point off its curve, should one get there", async () => {
  // Deno 2.9.6 imports such a point: the check is ours, and this is what would happen without it.
  const key = readPublicKey(LINE);
  const bad = { ...key, spki: key.spki.with(119, (key.spki[119] ?? 0) ^ 1) };
  assertNotEquals(encodeHex(bad.spki), encodeHex(key.spki));
  await assertRejects(async () => {
    const imported = await importVerifyKey(bad);
    const hash = { name: "ECDSA", hash: "SHA-256" };
    await crypto.subtle.verify(hash, imported, new Uint8Array(96).fill(1), new Uint8Array(1));
  });
});
