import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding";
import { bigIntToBytes, bytesToBigInt, concatBytes } from "./bytes.ts";
import { CURVE_NAMES, CURVES } from "./curve.ts";
import { parseDerSignature } from "./ecdsa_signature.ts";
import { generatePrivateKey, readPrivateKey } from "./private_key.ts";
import { type Proof, ProofSigner, verifySignature } from "./proof.ts";
import { importVerifyKey, readPublicKey } from "./public_key.ts";
import { FLEET_AUTH, VECTOR_KEY } from "./testdata/fleet_auth.ts";
import { isInWindow, parseTimestamp } from "./timestamp.ts";

/** Judges a proof as a SuperLink does, but for the window and the replay guard. */
async function verifies({ publicKeyPem, timestamp, signature }: Proof): Promise<boolean> {
  const key = readPublicKey(publicKeyPem);
  const parsed = parseDerSignature(signature, key.curve);
  if (parsed === undefined) return false;
  return await verifySignature(await importVerifyKey(key), parsed.p1363, timestamp);
}

for (const row of FLEET_AUTH.auth) {
  const verdict = row.valid ? "accepts" : "refuses";
  Deno.test(`verifySignature() ${verdict} Flower's proof: ${row.note ?? "as recorded"}`, async () => {
    const bytes = new TextEncoder().encode(row.timestamp);
    assertEquals(encodeHex(bytes), row.signed_bytes_hex);
    const proof = {
      publicKeyPem: new TextEncoder().encode(VECTOR_KEY.public_spki_pem),
      timestamp: row.timestamp,
      signature: decodeHex(row.signature_der_hex),
    };
    assertEquals(await verifies(proof), row.valid);
  });
}

Deno.test("ProofSigner.sign() sends the key as Flower's metadata has it", async () => {
  const signer = await ProofSigner.create(readPrivateKey(VECTOR_KEY.private_openssh));
  const { publicKeyPem } = await signer.sign();
  const metadata = FLEET_AUTH.auth[0]?.grpc_metadata;
  assertEquals(encodeHex(publicKeyPem), metadata?.["flwr-public-key-bin"].value_hex);
});

Deno.test("ProofSigner.sign() makes proofs that verify, on every curve and now", async () => {
  for (const curve of CURVE_NAMES) {
    const signer = await ProofSigner.create(await generatePrivateKey(curve));
    const proof = await signer.sign();
    assert(await verifies(proof));
    const timestamp = parseTimestamp(proof.timestamp);
    assert(timestamp !== undefined && isInWindow(Date.now() * 1000, timestamp));
    assert(!await verifies({ ...proof, timestamp: proof.timestamp.replace("T", " ") }));
  }
});

Deno.test("verifySignature() takes the twin (r, n-s), so a replay guard keeps r", async () => {
  const signer = await ProofSigner.create(await generatePrivateKey("P-384"));
  const { publicKeyPem, signature, timestamp } = await signer.sign();
  const parsed = parseDerSignature(signature, "P-384");
  assert(parsed !== undefined);
  const twinS = CURVES["P-384"].order - bytesToBigInt(parsed.p1363.slice(48));
  const twin = concatBytes(parsed.p1363.slice(0, 48), bigIntToBytes(twinS, 48));
  const key = await importVerifyKey(readPublicKey(publicKeyPem));
  assert(await verifySignature(key, twin, timestamp));
});

const NOON = 1_760_356_800_000_000;
const CLOCKS: [name: string, clock: (call: number) => number][] = [
  ["stands still", () => NOON],
  ["has steps of a millisecond", (call) => NOON + Math.floor(call / 10) * 1000],
  ["jumps back an hour", (call) => NOON - (call < 10 ? 0 : 3_600_000_000)],
  ["runs backwards", (call) => NOON - call],
  ["has parts of a microsecond", (call) => NOON + call / 4],
];

for (const [name, clock] of CLOCKS) {
  Deno.test(`ProofSigner.sign() never signs a timestamp twice when the clock ${name}`, async () => {
    for (const curve of CURVE_NAMES) {
      let call = 0;
      const signer = await ProofSigner.create(await generatePrivateKey(curve), () => clock(call++));
      const proofs = await Promise.all(Array.from({ length: 40 }, () => signer.sign()));
      const timestamps = proofs.map(({ timestamp }) => parseTimestamp(timestamp) ?? NaN);
      const increasing = timestamps.every((micros, index) =>
        index === 0 ? micros === NOON : micros > (timestamps[index - 1] ?? NaN)
      );
      assert(increasing, `${timestamps}`);
      const rs = proofs.map(({ signature }) => parseDerSignature(signature, curve)?.r);
      assertEquals(new Set(rs).size, proofs.length);
      for (const proof of proofs.slice(-2)) assert(await verifies(proof));
    }
  });
}

Deno.test("Two proofs of one key are different by the real clock, too", async () => {
  const signer = await ProofSigner.create(await generatePrivateKey("P-256"));
  const [first, second] = await Promise.all([signer.sign(), signer.sign()]);
  assertNotEquals(first.timestamp, second.timestamp);
});
