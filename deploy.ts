/**
 * A SuperLink for Deno Deploy, and for `deno serve`: peers of Flower 1.35 and newer over HTTP, with all
 * of its state in Deno KV. `superlink/deploy/settings.ts` lists the variables that configure it.
 *
 * @module
 */

import { openIsolate } from "./superlink/deploy/isolate.ts";
import { deploySettings } from "./superlink/deploy/settings.ts";
import { openSharedDatabase } from "./superlink/deploy/shared_database.ts";
import { startSweeping } from "./superlink/deploy/sweeping.ts";
import { systemClock } from "./superlink/clock.ts";
import { plain } from "./terminal/colour.ts";
import { createLog } from "./terminal/log.ts";
import { peerOf } from "./wire/http/server.ts";

const settings = deploySettings((name) => Deno.env.get(name));
const database = await openSharedDatabase(settings.database, settings.cacheBytes);
const log = createLog({
  format: settings.logFormat,
  write: (line) => console.log(line),
  paint: plain,
});
const isolate = await openIsolate({ settings, database, clock: systemClock, log });
startSweeping(() => isolate.sweep());
log.info(
  "superlink.ready",
  `An isolate of the SuperLink is ready; its state is ${database.place}.`,
);

export default {
  fetch: (request, { remoteAddr }) => isolate.handle(request, peerOf(remoteAddr)),
} satisfies Deno.ServeDefaultExport;
