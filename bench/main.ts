/**
 * `deno task bench`: everything that is measured beside real Flower, in one run, as ratios.
 *
 * @module
 */

for (const bench of ["fleet.ts", "app_start.ts", "rounds.ts"]) {
  console.log(`\n=== ${bench}`);
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL(bench, import.meta.url).href, ...Deno.args],
  }).spawn().status;
  if (code !== 0) Deno.exit(code);
}
