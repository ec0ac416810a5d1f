import { assertEquals } from "@std/assert";
import { toJson } from "./json.ts";

Deno.test("toJson writes whole numbers of any size and floats as Python does", () => {
  assertEquals(
    toJson([18446744073709551615n, -1n, 0, 9.629545, 206, 1e300, 1e-7]),
    "[\n  18446744073709551615,\n  -1,\n  0.0,\n  9.629545,\n  206.0,\n  1e+300,\n  1e-7\n]",
  );
});

Deno.test("toJson indents by two and keeps other scripts readable", () => {
  assertEquals(
    toJson({ a: [], b: {}, c: [{ d: "né\n" }], e: true, f: null }),
    '{\n  "a": [],\n  "b": {},\n  "c": [\n    {\n      "d": "né\\n"\n    }\n  ],\n' +
      '  "e": true,\n  "f": null\n}',
  );
});
