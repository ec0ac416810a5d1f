import { assertEquals } from "@std/assert";
import { clientHeaders, httpHeaders } from "./headers.ts";

function bytesOf(value: string): Uint8Array | undefined {
  return httpHeaders(new Headers({ key: value })).bytes("key");
}

const READ: [value: string, bytes: number[]][] = [
  ["", []],
  ["AP8=", [0, 255]],
  ["AA==", [0]],
  ["+/+/", [251, 255, 191]],
];

for (const [value, bytes] of READ) {
  Deno.test(`httpHeaders() reads "${value}" as bytes`, () => {
    assertEquals(bytesOf(value), new Uint8Array(bytes));
  });
}

/** Flower 1.40 and newer refuse them as well. */
const REFUSED: [name: string, value: string][] = [
  ["without its padding", "AP8"],
  ["with too much padding", "AP8=="],
  ["with padding in its midst", "AA==AA=="],
  ["with padding alone", "===="],
  ["of the alphabet for addresses", "-_-_"],
  ["with a blank in it", "AP 8="],
  ["with something else in it", "AP!="],
  ["that was sent twice", "AP8=, AP8="],
];

for (const [name, value] of REFUSED) {
  Deno.test(`httpHeaders() reads no bytes from base64 ${name}`, () => {
    assertEquals(bytesOf(value), undefined);
  });
}

/** Flower takes them for other spellings of "AP8=" and "AA==". */
for (const value of ["AP9=", "AP+=", "AP/=", "AB==", "AP==", "A/=="]) {
  Deno.test(`httpHeaders() reads no bytes from "${value}", of which bits are left over`, () => {
    assertEquals(bytesOf(value), undefined);
  });
}

Deno.test("httpHeaders() knows headers by their names in any case, and none that is not there", () => {
  const headers = httpHeaders(new Headers({ "Flwr-Timestamp": "now" }));
  assertEquals(headers.text("flwr-timestamp"), "now");
  assertEquals(headers.text("flwr-signature"), undefined);
  assertEquals(headers.bytes("flwr-signature"), undefined);
});

Deno.test("clientHeaders() writes what httpHeaders() reads", () => {
  const bytes = crypto.getRandomValues(new Uint8Array(215));
  const sent = clientHeaders({ text: { a: "b" }, bytes: { key: bytes } });
  const headers = httpHeaders(new Headers(sent));
  assertEquals([headers.text("a"), headers.bytes("key")], ["b", bytes]);
});
