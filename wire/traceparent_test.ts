import { assertEquals } from "@std/assert";
import { formatTraceparent, parseTraceparent, type TracePlace } from "./traceparent.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const PLACE: TracePlace = { traceId: TRACE, spanId: SPAN, traceFlags: 1 };

const CASES: readonly [name: string, text: string | undefined, expected: TracePlace | undefined][] =
  [
    ["a header", `00-${TRACE}-${SPAN}-01`, PLACE],
    ["one that is not kept", `00-${TRACE}-${SPAN}-00`, { ...PLACE, traceFlags: 0 }],
    ["a version to come", `01-${TRACE}-${SPAN}-01-more`, PLACE],
    ["none", undefined, undefined],
    ["an empty one", "", undefined],
    ["words", "garbage", undefined],
    ["the forbidden version", `ff-${TRACE}-${SPAN}-01`, undefined],
    ["a trace of zeros", `00-${"0".repeat(32)}-${SPAN}-01`, undefined],
    ["a span of zeros", `00-${TRACE}-${"0".repeat(16)}-01`, undefined],
    ["upper case", `00-${TRACE.toUpperCase()}-${SPAN}-01`, undefined],
    ["a trace that is too short", `00-${TRACE.slice(1)}-${SPAN}-01`, undefined],
    ["no flags", `00-${TRACE}-${SPAN}`, undefined],
    ["more than this version has", `00-${TRACE}-${SPAN}-01-more`, undefined],
    ["two headers in one", `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`, undefined],
    ["a line end", `00-${TRACE}-${SPAN}-01\n`, undefined],
    ["a flood", `01-${TRACE}-${SPAN}-01-${"x".repeat(10_000)}`, undefined],
  ];

for (const [name, text, expected] of CASES) {
  Deno.test(`parseTraceparent() of ${name} gives ${expected ? "its place" : "nothing"}`, () => {
    assertEquals(parseTraceparent(text), expected);
  });
}

Deno.test("formatTraceparent() writes what parseTraceparent() reads, and flags that are known", () => {
  assertEquals(formatTraceparent({ ...PLACE, traceFlags: 0xff }), `00-${TRACE}-${SPAN}-01`);
  assertEquals(parseTraceparent(formatTraceparent(PLACE)), PLACE);
});
