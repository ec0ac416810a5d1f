import { assertEquals, assertThrows } from "@std/assert";
import { parseReport, type PreloadReport } from "./preload_report.ts";

const LINES: readonly (readonly [string, PreloadReport])[] = [
  [`{"ready": true}`, { kind: "ready" }],
  [`{"unusable": "no flwr"}`, { kind: "unusable", reason: "no flwr" }],
  [`{"started": 3, "pid": 4711}`, { kind: "started", launch: 3, pid: 4711 }],
  [`{"refused": 3, "reason": "stale"}`, { kind: "refused", launch: 3, reason: "stale" }],
  [
    `{"ended": 3, "code": 0, "signal": null}`,
    { kind: "ended", launch: 3, status: { success: true, code: 0, signal: null } },
  ],
  [
    `{"ended": 3, "code": 137, "signal": "SIGKILL"}`,
    { kind: "ended", launch: 3, status: { success: false, code: 137, signal: "SIGKILL" } },
  ],
  [
    `{"ended": 3, "code": 162, "signal": "SIGRTMIN"}`,
    { kind: "ended", launch: 3, status: { success: false, code: 162, signal: null } },
  ],
];
for (const [line, expected] of LINES) {
  Deno.test(`the preload program's line ${line} is understood`, () => {
    assertEquals(parseReport(line), expected);
  });
}

for (const line of ["", "ready", "null", "3", "[]", "{}", `{"started": 3}`, `{"ended": "x"}`]) {
  Deno.test(`the line ${JSON.stringify(line)} is none of the preload program's`, () => {
    assertThrows(() => parseReport(line), SyntaxError);
  });
}
