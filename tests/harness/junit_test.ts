import { assertEquals } from "@std/assert";
import { countTests } from "./junit.ts";

const report = (...cases: string[]) =>
  `<testsuites name="deno test"><testsuite name="./a_test.ts">${
    cases.join("\n")
  }</testsuite></testsuites>`;
const testCase = (name: string, body = "", time = ' time="0.001"') =>
  `<testcase name="${name}" classname="./a_test.ts"${time} line="1" col="6">\n${body}\n</testcase>`;

const failure = '<failure message="Uncaught Error: x">Error: x &lt;/testcase&gt;</failure>';
const cases: [string, string, ReturnType<typeof countTests>][] = [
  ["an empty report", report(), { passed: 0, failed: 0, skipped: 0 }],
  ["a report that was cut off", report(testCase("a")).slice(0, 90), {
    passed: 0,
    failed: 0,
    skipped: 0,
  }],
  ["a passed test", report(testCase("a")), { passed: 1, failed: 0, skipped: 0 }],
  ["a failed test", report(testCase("a", failure)), { passed: 0, failed: 1, skipped: 0 }],
  ["an ignored test", report(testCase("a", "<skipped/>")), { passed: 0, failed: 0, skipped: 1 }],
  ["a test that a filter left out", report(testCase("a", "<skipped/>", "")), {
    passed: 0,
    failed: 0,
    skipped: 0,
  }],
  [
    "a failed step and its test",
    report(
      testCase("a", failure),
      testCase("b"),
      testCase("a &gt; one"),
      testCase("a &gt; two", failure),
    ),
    { passed: 1, failed: 1, skipped: 0 },
  ],
  ["a test whose name looks like a step", report(testCase("a &gt; b")), {
    passed: 1,
    failed: 0,
    skipped: 0,
  }],
];

for (const [what, xml, counts] of cases) {
  Deno.test(`countTests counts ${what}`, () => assertEquals(countTests(xml), counts));
}
