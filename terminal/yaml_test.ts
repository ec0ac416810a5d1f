import { assertEquals } from "@std/assert";
import { toYaml } from "./yaml.ts";

Deno.test("toYaml writes blocks, and texts so that none is read as another type", () => {
  const value = {
    "success": true,
    "yes": "no",
    "count": 18446744073709551615n,
    "seconds": 1.5,
    "empty": [],
    "none": {},
    "nodes": [{ "name": "a: #b\n", "labels": { "a/b": "1" } }, "x", [1n, 2n]],
  };
  assertEquals(
    toYaml(value),
    `success: true
"yes": "no"
count: 18446744073709551615
seconds: 1.5
empty: []
none: {}
nodes:
  - name: "a: #b\\n"
    labels:
      "a/b": "1"
  - "x"
  - - 1
    - 2`,
  );
});
