import { assertEquals } from "@std/assert";
import { momentMs } from "./moment.ts";

const READ: readonly [string, string | undefined][] = [
  ["2027-01-31", "2027-01-31T00:00:00.000Z"],
  ["2028-02-29", "2028-02-29T00:00:00.000Z"],
  ["2027-01-31T12:00Z", "2027-01-31T12:00:00.000Z"],
  ["2027-01-31T12:00:30+02:00", "2027-01-31T10:00:30.000Z"],
  ["2027-01-31T12:00:30.125Z", "2027-01-31T12:00:30.125Z"],
  // Days that there are not.
  ["2027-02-29", undefined],
  ["2027-02-30", undefined],
  ["2027-02-30T12:00Z", undefined],
  ["2027-04-31", undefined],
  ["2027-13-01", undefined],
  ["2027-00-10", undefined],
  ["2027-01-31T25:00Z", undefined],
  // Whose noon it is, is not said.
  ["2027-01-31T12:00", undefined],
  ["2027-1-31", undefined],
  ["31.01.2027", undefined],
  ["2027-01-31 and more", undefined],
  ["", undefined],
];

for (const [text, moment] of READ) {
  Deno.test(`momentMs() reads "${text}" as ${moment ?? "nothing"}`, () => {
    assertEquals(momentMs(text), moment === undefined ? undefined : Date.parse(moment));
  });
}
