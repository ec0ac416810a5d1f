/**
 * What a bundled app finds under `@trellis/sdk`: the SDK, and what runs the app in its worker.
 *
 * @module
 */

export * from "./mod.ts";
export { serveApp } from "./runtime/serve_app.ts";
