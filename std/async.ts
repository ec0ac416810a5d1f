// @ts-types="./async.d.ts"
// One by one: mod.js imports a file that the npm package does not have.
export { deadline } from "npm:deno-std@1.4.0/async/deadline.js";
export { delay } from "npm:deno-std@1.4.0/async/delay.js";
export { pooledMap } from "npm:deno-std@1.4.0/async/pool.js";
