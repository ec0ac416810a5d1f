import { assertEquals, assertThrows } from "@std/assert";
import { decodeArrayBody, encodeArrayBody } from "./array_body.ts";
import { decodeStringObject, encodeJsonString, encodeStringObject } from "./python_json.ts";
import { RecordError } from "./record_error.ts";

const strings: readonly [string, string][] = [
  ["", '""'],
  ["layer.0/weight", '"layer.0/weight"'],
  ['"\\', '"\\"\\\\"'],
  ["\n\r\t\b\f", '"\\n\\r\\t\\b\\f"'],
  ["\0\x1f\x7f~", '"\\u0000\\u001f\\u007f~"'],
  ["ü\u2028", '"\\u00fc\\u2028"'],
  ["🌸", '"\\ud83c\\udf38"'],
];

Deno.test("encodeJsonString() escapes as Python's json.dumps does", () => {
  for (const [text, json] of strings) assertEquals(encodeJsonString(text), json);
});

Deno.test("decodeStringObject() reads what encodeStringObject() writes, in the same order", () => {
  const entries: [string, string][] = [["b", "1"], ["10", "2"], ["9", ""], ["__proto__", "3"]];
  const json = encodeStringObject(entries);
  assertEquals(json, '{"b": "1", "10": "2", "9": "", "__proto__": "3"}');
  assertEquals([...decodeStringObject(json)], entries);
  for (const [text] of strings) {
    assertEquals([...decodeStringObject(encodeStringObject([[text, text]]))], [[text, text]]);
  }
});

Deno.test("decodeStringObject() reads JSON of other writers", () => {
  assertEquals([...decodeStringObject(' {\n"ü":"\\u00FC\\/" ,"a" : "b"}\n')], [
    ["ü", "ü/"],
    ["a", "b"],
  ]);
  assertEquals([...decodeStringObject("{}")], []);
});

const malformed: readonly string[] = [
  "",
  "null",
  "[]",
  "{",
  '{"a"}',
  '{"a":}',
  '{"a": 1}',
  '{"a": null}',
  '{"a": ["b"]}',
  '{"a": {"b": "c"}}',
  "{'a': 'b'}",
  '{a: "b"}',
  '{"a": "b",}',
  '{"a": "b" "c": "d"}',
  '{"a": "b", "a": "b"}',
  '{"a": "b", "\\u0061": "c"}',
  '{"a": "b"} x',
  '{"a": "b"}{}',
  '{"a": "b',
  '{"a": "b\\',
  '{"a": "b\\"}',
  '{"a": "\\x41"}',
  '{"a": "\\u12"}',
  '{"a": "\n"}',
  '\ufeff{"a": "b"}',
  '{"a": '.repeat(100_000),
  "[".repeat(100_000),
];

Deno.test("decodeStringObject() refuses everything but one flat object of strings", () => {
  for (const json of malformed) assertThrows(() => decodeStringObject(json), RecordError);
});

const body = { dtype: "float32", shape: [2, 3], stype: "numpy.ndarray", chunkIndexes: [0, 0, 1] };

Deno.test("encodeArrayBody() writes Flower's JSON, and decodeArrayBody() reads it", () => {
  const json = '{"dtype": "float32", "shape": [2, 3], "stype": "numpy.ndarray", ' +
    '"arraychunk_ids": [0, 0, 1]}';
  assertEquals(encodeArrayBody(body), json);
  assertEquals(decodeArrayBody(json), body);
  const scalar = { ...body, shape: [], chunkIndexes: [] };
  assertEquals(decodeArrayBody(encodeArrayBody(scalar)), scalar);
});

Deno.test("decodeArrayBody() refuses members that are missing, unknown or of another type", () => {
  const json = encodeArrayBody(body);
  const bad = [
    "{}",
    json.replace('"dtype": "float32", ', ""),
    json.replace('"dtype"', '"dtypes"'),
    json.replace("{", '{"more": 1, '),
    json.replace("{", '{"dtype": "float32", '),
    json.replace('"float32"', "32"),
    json.replace("[2, 3]", "null"),
    json.replace("[2, 3]", "[2.0, 3]"),
    json.replace("[2, 3]", "[2e0, 3]"),
    json.replace("[2, 3]", "[02, 3]"),
    json.replace("[2, 3]", "[true]"),
    json.replace("[2, 3]", "[[2], 3]"),
    json.replace("[2, 3]", `[${"9".repeat(16)}]`),
    json.replace("[2, 3]", `[${"9".repeat(400)}]`),
    json.replace("1]}", "1,]}"),
    `${json},`,
  ];
  for (const text of bad) assertThrows(() => decodeArrayBody(text), RecordError);
});
