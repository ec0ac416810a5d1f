import { assertEquals } from "@std/assert";
import { Seldom } from "./seldom.ts";

Deno.test("Seldom.isDue() says so of each subject once in a period", () => {
  const seldom = new Seldom<string>(10);
  const asked: [subject: string, now: number, isDue: boolean][] = [
    ["a", 0, true],
    ["a", 9, false],
    ["b", 9, true],
    ["a", 10, true],
    ["a", 19, false],
    ["b", 19, true],
  ];
  for (const [subject, now, isDue] of asked) assertEquals(seldom.isDue(subject, now), isDue);
});

Deno.test("Seldom.isDue() remembers ten thousand subjects", () => {
  const seldom = new Seldom<number>(10);
  for (let subject = 0; subject <= 10_000; subject++) seldom.isDue(subject, 0);
  assertEquals([seldom.isDue(1, 1), seldom.isDue(0, 1)], [false, true]);
});
