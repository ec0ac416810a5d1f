import { assert, assertEquals } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding";
import { bigIntToBytes, concatBytes } from "./bytes.ts";
import { type Curve, CURVE_NAMES, CURVES } from "./curve.ts";
import { encodeDerElement } from "./der.ts";
import { encodeDerSignature, parseDerSignature } from "./ecdsa_signature.ts";
import { FLEET_AUTH } from "./testdata/fleet_auth.ts";

const integer = (hex: string) => encodeDerElement(0x02, decodeHex(hex));
const sequence = (...parts: Uint8Array[]) => encodeDerElement(0x30, concatBytes(...parts));
const hexOf = (value: bigint) => {
  const hex = value.toString(16);
  return hex.padStart(hex.length + (hex.length % 2), "0");
};

Deno.test("parseDerSignature() reads every recorded signature of Flower, and back", () => {
  for (const row of FLEET_AUTH.auth) {
    const der = decodeHex(row.signature_der_hex);
    const signature = parseDerSignature(der, "P-384");
    assert(signature !== undefined);
    assertEquals(encodeHex(encodeDerSignature(signature.p1363)), row.signature_der_hex);
    if (row.signature_r_hex === undefined) continue;
    assertEquals(signature.r, BigInt(`0x${row.signature_r_hex}`));
    assertEquals(encodeHex(signature.p1363), row.signature_p1363_hex);
  }
});

Deno.test("parseDerSignature() undoes encodeDerSignature() at the edges of each curve", () => {
  for (const curve of CURVE_NAMES) {
    const { order, sizeBytes } = CURVES[curve];
    for (const r of [1n, 0x7fn, 0x80n, 0xffn, 0x100n, order >> 9n, order - 1n]) {
      for (const s of [1n, 0x80n, order - 1n]) {
        const p1363 = concatBytes(bigIntToBytes(r, sizeBytes), bigIntToBytes(s, sizeBytes));
        assertEquals(parseDerSignature(encodeDerSignature(p1363), curve), { r, p1363 });
      }
    }
  }
});

Deno.test("parseDerSignature() gives the twin (r, n-s) the same r", () => {
  const [row] = FLEET_AUTH.auth;
  const der = decodeHex(row?.signature_der_hex ?? "");
  const signature = parseDerSignature(der, "P-384");
  assert(signature !== undefined);
  const s = BigInt(`0x${encodeHex(signature.p1363.slice(48))}`);
  const twinS = bigIntToBytes(CURVES["P-384"].order - s, 48);
  const twin = encodeDerSignature(concatBytes(signature.p1363.slice(0, 48), twinS));
  assertEquals(parseDerSignature(twin, "P-384")?.r, signature.r);
});

const { order } = CURVES["P-256"];
const largest = hexOf(order - 1n).padStart(66, "0");
const ok = sequence(integer("01"), integer("02"));
const long = sequence(integer(largest), integer(largest));
const p521 = hexOf(CURVES["P-521"].order - 1n);
const long521 = sequence(integer(p521), integer(p521));

const ACCEPTED: [name: string, der: Uint8Array<ArrayBuffer>, curve: Curve][] = [
  ["small integers", ok, "P-256"],
  ["the largest integers", long, "P-256"],
  ["a long-form length that is needed", long521, "P-521"],
];

for (const [name, der, curve] of ACCEPTED) {
  Deno.test(`parseDerSignature() accepts ${name}`, () => {
    assert(parseDerSignature(der, curve) !== undefined);
  });
}

const bytes = (...values: number[]) => new Uint8Array(values);
const REFUSED: [name: string, der: Uint8Array<ArrayBuffer>, curve?: Curve][] = [
  ["nothing", bytes()],
  ["a tag alone", bytes(0x30)],
  ["an empty sequence", bytes(0x30, 0)],
  ["one integer", sequence(integer("01"))],
  ["three integers", sequence(integer("01"), integer("01"), integer("01"))],
  ["a set", bytes(0x31, ...ok.slice(1))],
  ["a primitive sequence", bytes(0x10, ...ok.slice(1))],
  ["a bit string for r", sequence(bytes(0x03, 1, 1), integer("01"))],
  ["a nested sequence", sequence(ok)],
  ["a byte after the sequence", bytes(...ok, 0)],
  ["a byte after s inside the sequence", bytes(0x30, 7, ...ok.slice(2), 0)],
  ["a second signature behind", bytes(...ok, ...ok)],
  ["a truncated sequence", ok.slice(0, -1)],
  ["a truncated integer", bytes(0x30, 6, 2, 1, 1, 2, 2, 1)],
  ["a sequence that ends early", bytes(0x30, 5, ...ok.slice(2))],
  ["a BER length of one byte too many", bytes(0x30, 0x81, 6, ...ok.slice(2))],
  ["a BER length of two bytes too many", bytes(0x30, 0x82, 0, 6, ...ok.slice(2))],
  ["a BER length with a leading zero", bytes(0x30, 0x82, 0, ...long521.slice(2)), "P-521"],
  ["a BER length of an integer", bytes(0x30, 7, 2, 0x81, 1, 1, 2, 1, 2)],
  ["a length of five bytes", bytes(0x30, 0x85, 0, 0, 0, 0, 6, ...ok.slice(2))],
  ["an indefinite length", bytes(0x30, 0x80, ...ok.slice(2), 0, 0)],
  ["the reserved length", bytes(0x30, 0xff, ...ok.slice(2))],
  ["a huge length", bytes(0x30, 0x84, 0xff, 0xff, 0xff, 0xff, ...ok.slice(2))],
  ["an empty r", sequence(integer(""), integer("01"))],
  ["an empty s", sequence(integer("01"), integer(""))],
  ["r = 0", sequence(integer("00"), integer("01"))],
  ["s = 0", sequence(integer("01"), integer("00"))],
  ["a negative r", sequence(integer("81"), integer("01"))],
  ["a negative s", sequence(integer("01"), integer("ff"))],
  ["r without its sign byte", sequence(integer(hexOf(order - 1n)), integer("01"))],
  ["r with a leading zero", sequence(integer("0001"), integer("01"))],
  ["s with a leading zero", sequence(integer("01"), integer("007f"))],
  ["r with two leading zeros", sequence(integer(`00${largest}`), integer("01"))],
  ["r = n", sequence(integer(`00${hexOf(order)}`), integer("01"))],
  ["s = n", sequence(integer("01"), integer(`00${hexOf(order)}`))],
  ["s = n + 1", sequence(integer("01"), integer(`00${hexOf(order + 1n)}`))],
  ["r far too large", sequence(integer(`01${"00".repeat(40)}`), integer("01"))],
  ["raw r and s", new Uint8Array(64).fill(1)],
  ["a megabyte", new Uint8Array(1 << 20).fill(0x30)],
  [
    "a P-384 signature as P-256",
    decodeHex(FLEET_AUTH.auth[0]?.signature_der_hex ?? ""),
  ],
];

for (const [name, der, curve = "P-256"] of REFUSED) {
  Deno.test(`parseDerSignature() refuses ${name}`, () => {
    assertEquals(parseDerSignature(der, curve), undefined);
  });
}

Deno.test("parseDerSignature() refuses every truncation and one-bit change of a header", () => {
  const der = decodeHex(FLEET_AUTH.auth[0]?.signature_der_hex ?? "");
  for (let size = 0; size < der.length; size++) {
    assertEquals(parseDerSignature(der.slice(0, size), "P-384"), undefined);
  }
  for (const offset of [0, 1, 2, 3, 53, 54]) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = der.with(offset, (der[offset] ?? 0) ^ (1 << bit));
      assertEquals(parseDerSignature(changed, "P-384"), undefined, `${offset} ${bit}`);
    }
  }
});

Deno.test("parseDerSignature() reads what Web Crypto signed on each curve", async () => {
  for (const namedCurve of CURVE_NAMES) {
    const algorithm = { name: "ECDSA", namedCurve };
    const { privateKey } = await crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
    for (let count = 0; count < 5; count++) {
      const hash = { name: "ECDSA", hash: "SHA-256" };
      const p1363 = new Uint8Array(await crypto.subtle.sign(hash, privateKey, bytes(count)));
      assertEquals(parseDerSignature(encodeDerSignature(p1363), namedCurve)?.p1363, p1363);
    }
  }
});
