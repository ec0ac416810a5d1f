import { assertEquals, assertStringIncludes } from "@std/assert";
import { encodeHead, parseObject } from "./object_head.ts";
import { checkObject } from "./validate_object.ts";

const ID = "9212d8007fc7e1c8cb3f4014662a36c18bbdfb789f431008a376ef6de7b9789a";
const OTHER_ID = "d7860958e2c0d03a3011f93b2ddd1ec49fcf1b65949782fdce7eaeb2ab3071a7";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("encodeHead() leaves two spaces in a row where there are no children", () => {
  assertEquals(encodeHead("MetricRecord", [], 13), bytes("MetricRecord  13\0"));
  assertEquals(encodeHead("Array", [ID, OTHER_ID], 0), bytes(`Array ${ID},${OTHER_ID} 0\0`));
});

Deno.test("parseObject() takes a content apart and does not copy the body", () => {
  const content = bytes(`RecordDict ${ID},${OTHER_ID} 2\0{}`);
  const parsed = parseObject(content);
  assertEquals(parsed, { type: "RecordDict", children: [ID, OTHER_ID], body: bytes("{}") });
  assertEquals(parsed.body.buffer === content.buffer, true);
});

Deno.test("parseObject() leaves zero bytes in the body alone", () => {
  assertEquals(parseObject(bytes("ArrayChunk  3\0a\0b")).body, bytes("a\0b"));
});

const malformed: readonly [string, Uint8Array, string][] = [
  ["nothing", new Uint8Array(), "No zero byte"],
  ["no zero byte", bytes("ArrayChunk  5"), "No zero byte"],
  ["an empty head", bytes("\0"), "three fields"],
  ["two fields", bytes("ArrayChunk 5\0hello"), "three fields"],
  ["four fields", bytes("ArrayChunk   5\0hello"), "three fields"],
  ["a tab for a space", bytes("ArrayChunk\t 5\0hello"), "three fields"],
  ["an unknown type", bytes("Chunk  5\0hello"), "'Chunk'"],
  ["a type in lower case", bytes("arraychunk  5\0hello"), "'arraychunk'"],
  ["a name that every JavaScript object has", bytes("toString  5\0hello"), "'toString'"],
  ["a byte order mark", bytes("\ufeffArrayChunk  5\0hello"), "not supported"],
  ["a child that is too short", bytes(`Array ${ID.slice(1)} 0\0`), "not an object id"],
  ["a child in upper case", bytes(`Array ${ID.toUpperCase()} 0\0`), "not an object id"],
  ["a child with 0x", bytes(`Array 0x${ID.slice(2)} 0\0`), "not an object id"],
  ["a comma at the end", bytes(`Array ${ID}, 0\0`), "''"],
  ["a comma alone", bytes("Array , 0\0"), "''"],
  ["a child twice", bytes(`Array ${ID},${ID} 0\0`), "twice"],
  ["a body that is too short", bytes("ArrayChunk  6\0hello"), "'6' bytes of body, there are 5"],
  ["a body that is too long", bytes("ArrayChunk  4\0hello"), "'4' bytes of body, there are 5"],
  ["a length that is no number", bytes("ArrayChunk  five\0hello"), "'five'"],
  ["a negative length", bytes("ArrayChunk  -5\0hello"), "'-5'"],
  ["a length with a sign", bytes("ArrayChunk  +5\0hello"), "'+5'"],
  ["a length with a leading zero", bytes("ArrayChunk  05\0hello"), "'05'"],
  ["a length with an exponent", bytes("ArrayChunk  5e0\0hello"), "'5e0'"],
  ["no length", bytes("ArrayChunk  \0"), "''"],
  ["bytes that are no UTF-8", Uint8Array.of(0xff, 0xfe, 0), "UTF-8"],
];

for (const [what, content, why] of malformed) {
  Deno.test(`checkObject() refuses ${what}`, () => {
    const reason = checkObject(ID, content) ?? "";
    assertStringIncludes(reason, `Object with ID '${ID}' has an unexpected structure. `);
    assertStringIncludes(reason, why);
  });
}

Deno.test("checkObject() accepts a well-formed object", () => {
  assertEquals(checkObject(ID, bytes(`Array ${ID} 5\0hello`)), undefined);
});
