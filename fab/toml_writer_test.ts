import { assertEquals } from "@std/assert";
import { parseToml } from "../config/toml.ts";
import { floatText, writeToml } from "./toml_writer.ts";

/** Documents and what Python's tomli-w 1.2 makes of them. */
const CASES: readonly (readonly [string, string])[] = [
  [
    'a = 0xff\nb = 1.0\nc = true\nd = "x"\ne = 99999999999999999999999\n',
    'a = 255\nb = 1.0\nc = true\nd = "x"\ne = 99999999999999999999999\n',
  ],
  [
    "a = []\nb = [1, [2, 3]]\nc = { x = 1 }\nd = [{ x = 1 }, {}]\n",
    "a = []\nb = [\n    1,\n    [\n        2,\n        3,\n    ],\n]\n" +
    "d = [\n    { x = 1 },\n    {},\n]\n\n[c]\nx = 1\n",
  ],
  ['"a b" = 1\n"" = 2\n"ü" = 3\n"q\\"" = 4\n', '"a b" = 1\n"" = 2\n"ü" = 3\n"q\\"" = 4\n'],
  [
    `t = [{ long = "${"x".repeat(90)}" }, { y = [1] }]\n`,
    `[[t]]\nlong = "${"x".repeat(90)}"\n\n[[t]]\ny = [\n    1,\n]\n`,
  ],
  [
    `[a.b]\n[a.c]\nx = 1\n[[a.d]]\n[[a.d]]\ny = "${"z".repeat(100)}"\n`,
    `[a.b]\n\n[a.c]\nx = 1\n\n[[a.d]]\n\n[[a.d]]\ny = "${"z".repeat(100)}"\n`,
  ],
  [
    's = "\\u0000\\u001f\\u007f\\u0085\\t\\b\\n\\f\\r\\"\\\\é"\n',
    's = "\\u0000\\u001f\\u007f\u0085\t\\b\\n\\f\\r\\"\\\\é"\n',
  ],
  [
    "d = 1979-05-27\nt = 07:32:00\nl = 1979-05-27T07:32:00\nz = 1979-05-27T07:32:00Z\n" +
    "o = 1979-05-27T00:32:00.5-07:00\n",
    "d = 1979-05-27\nt = 07:32:00\nl = 1979-05-27 07:32:00\nz = 1979-05-27 07:32:00+00:00\n" +
    "o = 1979-05-27 00:32:00.500000-07:00\n",
  ],
];

Deno.test("writeToml writes what tomli-w writes", () => {
  for (const [document, expected] of CASES) {
    assertEquals(writeToml(parseToml(document)), expected);
  }
});

Deno.test("floatText is Python's repr", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0.1, "0.1"],
    [1e-4, "0.0001"],
    [1e-5, "1e-05"],
    [0.00012345, "0.00012345"],
    [123456789.125, "123456789.125"],
    [1e15, "1000000000000000.0"],
    [1e16, "1e+16"],
    [12345678901234567, "1.2345678901234568e+16"],
    [1.5e300, "1.5e+300"],
    [5e-324, "5e-324"],
    [-0, "-0.0"],
    [3, "3.0"],
    [-2.5e-9, "-2.5e-09"],
    [1e22, "1e+22"],
    [Infinity, "inf"],
    [-Infinity, "-inf"],
    [NaN, "nan"],
  ];
  for (const [value, text] of cases) assertEquals(floatText(value), text);
});
