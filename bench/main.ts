/**
 * Measures Trellis beside real Flower: `deno task bench [NAME…]`, all of them by default.
 *
 * @module
 */

import { fleetBench } from "./fleet.ts";

const BENCHES: Readonly<Record<string, () => Promise<void>>> = {
  fleet: fleetBench,
};

const names = Deno.args.length > 0 ? Deno.args : Object.keys(BENCHES);
for (const name of names) {
  const bench = BENCHES[name];
  if (!bench) {
    console.error(`There is no benchmark "${name}".`);
    console.error(`Choose from: ${Object.keys(BENCHES).join(", ")}.`);
    Deno.exit(2);
  }
  console.log(`${name}:`);
  await bench();
}
