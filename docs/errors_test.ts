/** Each number that the programs end with, or that the Control API answers, has its page. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { EXIT_CODES, FLOWER_EXIT_CODES } from "../terminal/exit_codes.ts";
import { catalogueRows } from "../wire/flower_error.ts";
import { pages } from "./testing/pages.ts";

const all = await pages();
const index = all.find(({ name }) => name === "docs/errors.md")?.text ?? "";
const byName = new Map(
  all.flatMap(({ name, text }) => {
    const short = /^docs\/errors\/(.+)\.md$/.exec(name)?.[1];
    return short === undefined ? [] : [[short, text] as const];
  }),
);
/** Flower numbers the errors of its Control API below 1,000; programs alone meet the others. */
const ofControlApi = catalogueRows().filter(({ code }) => code !== undefined && code < 1000);

Deno.test("Every exit code and every number of the Control API has a page, and no other has", () => {
  const expected = [
    ...Object.values(EXIT_CODES).map((code) => `exit-${code}`),
    ...Object.values(FLOWER_EXIT_CODES).map(String),
    ...ofControlApi.map(({ code }) => `control-${code}`),
  ];
  assertEquals(
    [...byName.keys()].filter((name) => /\d/.test(name)).toSorted(),
    expected.toSorted(),
  );
});

Deno.test("The list of errors leads to every page, under its title", () => {
  for (const [name, text] of byName) {
    const title = /^# (.+)\n/.exec(text)?.[1];
    assert(title !== undefined, name);
    assertStringIncludes(index.replaceAll(/\s+/g, " "), `[${title}](errors/${name}.md)`);
  }
});

Deno.test("The pages of the Control API quote the sentences that it answers", () => {
  for (const { code, detail } of ofControlApi) {
    assertStringIncludes((byName.get(`control-${code}`) ?? "").replaceAll(/\s+/g, " "), detail);
  }
});

Deno.test("The pages of Flower's exit codes show them as a program does", () => {
  for (const code of Object.values(FLOWER_EXIT_CODES)) {
    const text = byName.get(`${code}`) ?? "";
    assertEquals(/Exit Code: (\d+)/.exec(text)?.[1] ?? `${code}`, `${code}`);
    assertStringIncludes(text, `exit code ${code}`);
  }
});
