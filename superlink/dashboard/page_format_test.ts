import { assertEquals } from "@std/assert";
import { value } from "./page/format.js";

/** Values of metrics, and how the page says them: above a plot, and beside its lines. */
const VALUES: [number: number, above: string, beside: string][] = [
  [0, "0", "0"],
  [3, "3", "3"],
  [-3, "-3", "-3"],
  [0.5, "0.5", "0.5"],
  [0.98765, "0.9877", "0.988"],
  [0.0019496, "0.00195", "0.00195"],
  [0.00007651, "7.651e-5", "7.65e-5"],
  [-0.000123456, "-1.235e-4", "-1.23e-4"],
  [1e-9, "1e-9", "1e-9"],
  [1234.5678, "1235", "1235"],
  [123456.789, "123457", "123457"],
  [999_999, "999999", "999999"],
  [1_000_000, "1e6", "1e6"],
  [1.5e300, "1.5e300", "1.5e300"],
];

for (const [number, above, beside] of VALUES) {
  Deno.test(`The page says ${number} as ${above}`, () => {
    assertEquals([value(number), value(number, 3)], [above, beside]);
  });
}
