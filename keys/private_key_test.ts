import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeBase64, decodeHex, encodeBase64, encodeHex } from "@std/encoding";
import { bigIntToBytes, concatBytes } from "./bytes.ts";
import { type Curve, CURVE_NAMES, CURVES } from "./curve.ts";
import { DER_TAG, encodeDerElement } from "./der.ts";
import { encodePkcs8 } from "./ec_private_key_der.ts";
import { KeyError, type KeyErrorReason } from "./key_error.ts";
import { encodePem } from "./pem.ts";
import { generatePrivateKey, openSshPrivatePem, readPrivateKey } from "./private_key.ts";
import { pointOf, readPublicKey } from "./public_key.ts";
import { encodeSsh } from "./ssh_wire.ts";
import { VECTOR_KEY } from "./testdata/fleet_auth.ts";
import { REFUSED_LINES } from "./testdata/public_keys.ts";

const SCALAR = decodeHex(VECTOR_KEY.private_scalar_hex);
const POINT = decodeHex(VECTOR_KEY.public_point_uncompressed_hex);
const COMPRESSED = concatBytes(new Uint8Array([2 + ((POINT.at(-1) ?? 0) & 1)]), POINT.slice(1, 49));
const PKCS8 = decodeBase64(VECTOR_KEY.private_pkcs8_pem.replace(/-----[^-]+-----|\n/g, ""));
const OTHER_SCALAR = SCALAR.with(47, (SCALAR[47] ?? 0) ^ 1);

const der = (tag: number, ...parts: Uint8Array[]) => encodeDerElement(tag, concatBytes(...parts));
const int = (value: number) => der(DER_TAG.integer, new Uint8Array([value]));
const oid = (hex: string) => der(DER_TAG.oid, decodeHex(hex));
const bits = (point: Uint8Array) => der(DER_TAG.bitString, new Uint8Array(1), point);
const namedCurve = (hex: string) => der(DER_TAG.context0, oid(hex));
const storedPoint = (point: Uint8Array) => der(DER_TAG.context1, bits(point));
const sec1 = (...parts: Uint8Array[]) =>
  encodePem("EC PRIVATE KEY", der(DER_TAG.sequence, ...parts));
const scalarOctets = (scalar: Uint8Array) => der(DER_TAG.octetString, scalar);
const pkcs8 = (...parts: Uint8Array[]) => encodePem("PRIVATE KEY", der(DER_TAG.sequence, ...parts));
const ecKeyOid = "2a8648ce3d0201";
const p384 = "2b81040022";
const algorithm = (...hex: string[]) => der(DER_TAG.sequence, ...hex.map(oid));
const inner = (...parts: Uint8Array[]) => scalarOctets(der(DER_TAG.sequence, int(1), ...parts));

interface Container {
  magic?: string;
  cipher?: string;
  kdf?: string;
  count?: number;
  outerPoint?: Uint8Array;
  checks?: [number, number];
  type?: string;
  point?: Uint8Array;
  scalar?: Uint8Array;
  padding?: number[];
  behind?: number[];
}

/** An OpenSSH private key that is right but for what is said. */
function container(wrong: Container = {}): string {
  const type = wrong.type ?? "ecdsa-sha2-nistp384";
  const curveName = type.replace("ecdsa-sha2-", "");
  const blob = encodeSsh(type, curveName, wrong.outerPoint ?? POINT);
  const secret = concatBytes(
    encodeSsh(...wrong.checks ?? [7, 7]),
    encodeSsh(type, curveName, wrong.point ?? POINT),
    encodeSsh(wrong.scalar ?? concatBytes(new Uint8Array(1), SCALAR), "test-vector"),
    new Uint8Array(wrong.padding ?? [1, 2, 3, 4]),
  );
  return encodePem(
    "OPENSSH PRIVATE KEY",
    concatBytes(
      new TextEncoder().encode(wrong.magic ?? "openssh-key-v1\0"),
      encodeSsh(wrong.cipher ?? "none", wrong.kdf ?? "none", "", wrong.count ?? 1, blob, secret),
      new Uint8Array(wrong.behind ?? []),
    ),
    70,
  );
}

const ACCEPTED: [name: string, text: string, format: string][] = [
  ["the recorded OpenSSH key", VECTOR_KEY.private_openssh, "openssh"],
  ["the recorded PKCS#8 key", VECTOR_KEY.private_pkcs8_pem, "pkcs8"],
  ["the recorded SEC1 key", VECTOR_KEY.private_sec1_pem, "sec1"],
  ["CRLF", VECTOR_KEY.private_openssh.replaceAll("\n", "\r\n"), "openssh"],
  ["no last line end", VECTOR_KEY.private_openssh.trimEnd(), "openssh"],
  ["blanks around", `\n\t ${VECTOR_KEY.private_sec1_pem}\r\n `, "sec1"],
  ["OpenSSH as the test builds it", container(), "openssh"],
  [
    "SEC1 behind EC PARAMETERS",
    encodePem("EC PARAMETERS", oid(p384)) + VECTOR_KEY.private_sec1_pem,
    "sec1",
  ],
  ["PKCS#8 without a point", encodePem("PRIVATE KEY", encodePkcs8("P-384", SCALAR)), "pkcs8"],
  ["SEC1 without a point", sec1(int(1), scalarOctets(SCALAR), namedCurve(p384)), "sec1"],
  [
    "SEC1 with a compressed point",
    sec1(int(1), scalarOctets(SCALAR), namedCurve(p384), storedPoint(COMPRESSED)),
    "sec1",
  ],
  [
    "PKCS#8 that names the curve twice",
    pkcs8(int(0), algorithm(ecKeyOid, p384), inner(scalarOctets(SCALAR), namedCurve(p384))),
    "pkcs8",
  ],
  [
    "PKCS#8 version 2 with its public key at the end",
    pkcs8(
      int(1),
      algorithm(ecKeyOid, p384),
      inner(scalarOctets(SCALAR)),
      der(DER_TAG.context1Primitive, new Uint8Array(1), POINT),
    ),
    "pkcs8",
  ],
];

for (const [name, text, format] of ACCEPTED) {
  Deno.test(`readPrivateKey() reads ${name}`, () => {
    for (const input of [text, new TextEncoder().encode(text)]) {
      const key = readPrivateKey(input);
      assertEquals(key.format, format);
      assertEquals(key.publicKey, readPublicKey(VECTOR_KEY.public_spki_pem));
      assertEquals(encodeHex(key.pkcs8), encodeHex(PKCS8));
    }
  });
}

Deno.test("readPrivateKey() takes the scalars 1 and n-1, short or padded, but not 0, n and more", () => {
  for (const curve of CURVE_NAMES) {
    const { order, sizeBytes } = CURVES[curve];
    const pem = (scalar: Uint8Array<ArrayBuffer>) =>
      encodePem("PRIVATE KEY", encodePkcs8(curve, scalar));
    const one = readPrivateKey(pem(new Uint8Array([1])));
    const last = readPrivateKey(pem(bigIntToBytes(order - 1n, sizeBytes)));
    // (n-1)G is -G: the same x as G, which only the right order gives.
    const x = (key: typeof one) => pointOf(key.publicKey).slice(1, 1 + sizeBytes);
    assertEquals(x(last), x(one));
    assertEquals(readPrivateKey(pem(bigIntToBytes(1n, sizeBytes + 9))).pkcs8, one.pkcs8);
    for (const value of [0n, order, order + 1n, order << 16n]) {
      const error = assertThrows(
        () => readPrivateKey(pem(bigIntToBytes(value, sizeBytes + 2))),
        KeyError,
      );
      assertEquals(error.reason, "malformed");
    }
  }
});

const encryptedSec1 = VECTOR_KEY.private_sec1_pem.replace(
  "KEY-----\n",
  "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n",
);
const someInner = inner(scalarOctets(SCALAR));
const REFUSED: [name: string, input: string | Uint8Array, reason: KeyErrorReason][] = [
  ["nothing", "", "malformed"],
  ["prose", "my private key", "malformed"],
  ["zero bytes", new Uint8Array(300), "malformed"],
  ["DER", PKCS8, "malformed"],
  ["too much", VECTOR_KEY.private_openssh.padEnd(65 * 1024), "malformed"],
  ["a certificate", encodePem("CERTIFICATE", PKCS8), "malformed"],
  ["a PEM without its end", VECTOR_KEY.private_openssh.slice(0, 300), "malformed"],
  ["two keys", VECTOR_KEY.private_openssh + VECTOR_KEY.private_pkcs8_pem, "malformed"],
  ["parameters alone", encodePem("EC PARAMETERS", oid(p384)), "malformed"],
  ["a public key in PEM", VECTOR_KEY.public_spki_pem, "public-key"],
  ["a public key of OpenSSH", VECTOR_KEY.public_openssh_line, "public-key"],
  ["an RSA public key", REFUSED_LINES["RSA"], "public-key"],
  ["an RSA public key in PKCS#1", encodePem("RSA PUBLIC KEY", PKCS8), "public-key"],
  ["encrypted PKCS#8", encodePem("ENCRYPTED PRIVATE KEY", PKCS8), "encrypted"],
  ["encrypted SEC1", encryptedSec1, "encrypted"],
  ["encrypted OpenSSH", container({ cipher: "aes256-ctr", kdf: "bcrypt" }), "encrypted"],
  ["a PKCS#1 RSA key", encodePem("RSA PRIVATE KEY", PKCS8), "not-ec"],
  ["a DSA key", encodePem("DSA PRIVATE KEY", PKCS8), "not-ec"],
  ["an RSA key in PKCS#8", pkcs8(int(0), algorithm("2a864886f70d010101"), someInner), "not-ec"],
  ["an Ed25519 key in PKCS#8", pkcs8(int(0), algorithm("2b6570"), someInner), "not-ec"],
  ["an Ed25519 OpenSSH key", container({ type: "ssh-ed25519" }), "not-ec"],
  ["an RSA OpenSSH key", container({ type: "ssh-rsa" }), "not-ec"],
  ["another curve of OpenSSH", container({ type: "ecdsa-sha2-nistp192" }), "unsupported-curve"],
  [
    "secp256k1 in PKCS#8",
    pkcs8(int(0), algorithm(ecKeyOid, "2b8104000a"), someInner),
    "unsupported-curve",
  ],
  [
    "explicit parameters in PKCS#8",
    pkcs8(int(0), der(DER_TAG.sequence, oid(ecKeyOid), der(DER_TAG.sequence, int(1))), someInner),
    "unsupported-curve",
  ],
  [
    "secp256k1 in SEC1",
    sec1(int(1), scalarOctets(SCALAR), namedCurve("2b8104000a")),
    "unsupported-curve",
  ],
  ["SEC1 without a curve", sec1(int(1), scalarOctets(SCALAR)), "malformed"],
  ["SEC1 of version 2", sec1(int(2), scalarOctets(SCALAR), namedCurve(p384)), "malformed"],
  ["SEC1 without a scalar", sec1(int(1), namedCurve(p384)), "malformed"],
  [
    "SEC1 with another key's point",
    sec1(int(1), scalarOctets(OTHER_SCALAR), namedCurve(p384), storedPoint(POINT)),
    "malformed",
  ],
  [
    "SEC1 with the other compressed point",
    sec1(
      int(1),
      scalarOctets(SCALAR),
      namedCurve(p384),
      storedPoint(COMPRESSED.with(0, 5 - (COMPRESSED[0] ?? 0))),
    ),
    "malformed",
  ],
  [
    "SEC1 with an empty point",
    sec1(int(1), scalarOctets(SCALAR), namedCurve(p384), storedPoint(new Uint8Array())),
    "malformed",
  ],
  [
    "PKCS#8 with another key's point",
    encodePem("PRIVATE KEY", encodePkcs8("P-384", OTHER_SCALAR, POINT)),
    "malformed",
  ],
  [
    "PKCS#8 that names two curves",
    pkcs8(
      int(0),
      algorithm(ecKeyOid, CURVES["P-256"].oidHex),
      inner(scalarOctets(SCALAR), namedCurve(p384)),
    ),
    "malformed",
  ],
  ["PKCS#8 of version 3", pkcs8(int(3), algorithm(ecKeyOid, p384), someInner), "malformed"],
  ["PKCS#8 without a key", pkcs8(int(0), algorithm(ecKeyOid, p384)), "malformed"],
  [
    "PKCS#8 with bytes behind",
    encodePem("PRIVATE KEY", concatBytes(PKCS8, new Uint8Array(1))),
    "malformed",
  ],
  ["truncated PKCS#8", encodePem("PRIVATE KEY", PKCS8.slice(0, 100)), "malformed"],
  ["OpenSSH of another version", container({ magic: "openssh-key-v2\0" }), "malformed"],
  ["OpenSSH with two keys", container({ count: 2 }), "malformed"],
  ["OpenSSH with no key", container({ count: 0 }), "malformed"],
  ["OpenSSH with bytes behind", container({ behind: [0] }), "malformed"],
  ["OpenSSH with unequal checks", container({ checks: [7, 8] }), "malformed"],
  ["OpenSSH with wrong padding", container({ padding: [1, 2, 3, 3] }), "malformed"],
  ["OpenSSH with another outer point", container({ outerPoint: POINT.with(96, 0) }), "malformed"],
  ["OpenSSH with another inner point", container({ point: COMPRESSED }), "malformed"],
  [
    "OpenSSH with another key's scalar",
    container({ scalar: OTHER_SCALAR.with(0, 1) }),
    "malformed",
  ],
  ["OpenSSH with a negative scalar", container({ scalar: SCALAR }), "malformed"],
  ["OpenSSH with no scalar", container({ scalar: new Uint8Array() }), "malformed"],
  [
    "OpenSSH with a long scalar",
    container({ scalar: concatBytes(new Uint8Array(2), SCALAR) }),
    "malformed",
  ],
  ["OpenSSH with the scalar 0", container({ scalar: new Uint8Array(1) }), "malformed"],
  ["an empty OpenSSH container", encodePem("OPENSSH PRIVATE KEY", new Uint8Array(1)), "malformed"],
];

for (const [name, input, reason] of REFUSED) {
  Deno.test(`readPrivateKey() refuses ${name} as ${reason}, in one sentence`, () => {
    const error = assertThrows(() => readPrivateKey(input), KeyError);
    assertEquals(error.reason, reason, error.message);
    assert(/^The [^\n]+\.$/.test(error.message), error.message);
  });
}

Deno.test("readPrivateKey() refuses every truncation of an OpenSSH key", () => {
  const body = decodeBase64(VECTOR_KEY.private_openssh.replace(/-----[^-]+-----|\n/g, ""));
  for (let size = 1; size < body.length; size++) {
    const pem = encodePem("OPENSSH PRIVATE KEY", body.slice(0, size), 70);
    assertThrows(() => readPrivateKey(pem), KeyError);
  }
});

Deno.test("A private key shows nothing of its secret when it or its error is printed", () => {
  const secrets = [SCALAR, OTHER_SCALAR].flatMap((scalar) => [
    encodeHex(scalar).slice(2, 20),
    encodeBase64(scalar).slice(2, 20),
    scalar.slice(4, 9).join(", "),
  ]);
  const key = readPrivateKey(VECTOR_KEY.private_openssh);
  const shown = [Deno.inspect(key, { depth: 9 }), JSON.stringify(key), `${key}`];
  for (const [, input] of REFUSED) {
    const error = assertThrows(() => readPrivateKey(input), KeyError);
    shown.push(Deno.inspect(error), error.message, error.remedy ?? "");
  }
  for (const text of shown) {
    assert(!text.includes("pkcs8:") && secrets.every((secret) => !text.includes(secret)), text);
  }
});

Deno.test("generatePrivateKey() makes keys that survive the OpenSSH format, P-384 by default", async () => {
  assertEquals((await generatePrivateKey()).publicKey.curve, "P-384");
  const curves: Curve[] = ["P-256", "P-384", "P-521"];
  for (const curve of curves) {
    const key = await generatePrivateKey(curve);
    const read = readPrivateKey(openSshPrivatePem(key, "a comment"));
    assertEquals(read.publicKey, key.publicKey);
    assertEquals(read.pkcs8, key.pkcs8);
    assertEquals(read.format, "openssh");
  }
});

Deno.test("openSshPrivatePem() writes short scalars, high bits and every padding right", () => {
  for (const curve of CURVE_NAMES) {
    for (const value of [1n, 0x7fn, 0x80n, 0xffffn, CURVES[curve].order - 1n]) {
      const scalar = bigIntToBytes(value, CURVES[curve].sizeBytes);
      const key = readPrivateKey(encodePem("PRIVATE KEY", encodePkcs8(curve, scalar)));
      for (let size = 0; size < 8; size++) {
        assertEquals(readPrivateKey(openSshPrivatePem(key, "c".repeat(size))).pkcs8, key.pkcs8);
      }
    }
  }
});

Deno.test("openSshPrivatePem() refuses a comment with a line end", () => {
  const key = readPrivateKey(VECTOR_KEY.private_openssh);
  assertThrows(() => openSshPrivatePem(key, "two\nlines"), KeyError, "one line");
});
