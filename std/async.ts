// One by one: mod.js imports a file that the npm package does not have.
// @ts-types="./async.d.ts"
export { deadline } from "npm:deno-std@1.4.0/async/deadline.js";
// @ts-types="./async.d.ts"
export { delay } from "npm:deno-std@1.4.0/async/delay.js";
// @ts-types="./async.d.ts"
export { pooledMap } from "npm:deno-std@1.4.0/async/pool.js";
