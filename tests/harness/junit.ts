/**
 * Counts the tests of a report that `deno test --junit-path` wrote.
 *
 * @module
 */

/** How many tests ended how. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** No tests. */
export const NONE: Counts = { passed: 0, failed: 0, skipped: 0 };

/** The sum of both. */
export function add(a: Counts, b: Counts): Counts {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

/**
 * Counts the tests in the report's text. Steps belong to their test, and tests that a filter left
 * out (which have no `time`) are not counted.
 */
export function countTests(xml: string): Counts {
  let counts = NONE;
  for (const [, suite = ""] of xml.matchAll(/<testsuite (.*?)<\/testsuite>/gs)) {
    const names = new Set<string>();
    for (const [, head = "", body = ""] of suite.matchAll(/<testcase (.*?)>(.*?)<\/testcase>/gs)) {
      const name = attribute(head, "name") ?? "";
      if (attribute(head, "time") === undefined || isStep(name, names)) continue;
      names.add(name);
      counts = add(counts, {
        passed: /<(failure|error|skipped)\b/.test(body) ? 0 : 1,
        failed: /<(failure|error)\b/.test(body) ? 1 : 0,
        skipped: /<skipped\b/.test(body) ? 1 : 0,
      });
    }
  }
  return counts;
}

/** The names of the tests that failed, steps left out. */
export function failedTests(xml: string): string[] {
  const failed: string[] = [];
  for (const [, head = "", body = ""] of xml.matchAll(/<testcase (.*?)>(.*?)<\/testcase>/gs)) {
    if (/<(failure|error)\b/.test(body)) failed.push(unescaped(attribute(head, "name") ?? ""));
  }
  return failed.filter((name) => !failed.some((other) => name.startsWith(`${other} > `)));
}

/** The text of an attribute (XML 1.0, section 4.6). */
function unescaped(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'").replaceAll("&#39;", "'").replaceAll("&amp;", "&");
}

/** A step is called after its test, `test > step`, and comes later. */
function isStep(name: string, tests: ReadonlySet<string>): boolean {
  const parts = name.split(" &gt; ");
  return parts.some((_, end) => end > 0 && tests.has(parts.slice(0, end).join(" &gt; ")));
}

function attribute(head: string, name: string): string | undefined {
  return head.match(new RegExp(`(?:^|\\s)${name}="([^"]*)"`))?.[1];
}
