/**
 * Chromium, for tests of pages: one process, with a new and empty profile, that talks to nobody else.
 *
 * @module
 */

import { type Browser, chromium } from "playwright-core";
import { RunningProcess } from "./process.ts";

/** Where Debian's package puts it; `$TRELLIS_TEST_CHROMIUM` names another. */
const CHROMIUM = Deno.env.get("TRELLIS_TEST_CHROMIUM") ?? "/usr/bin/chromium";
const START_MS = 60_000;

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--remote-debugging-port=0",
];

/** How a person gets it. */
export const CHROMIUM_HINT = "apt-get install -y chromium";

/** Whether there is a Chromium on this machine. */
export function hasChromium(): boolean {
  try {
    return Deno.statSync(CHROMIUM).isFile;
  } catch {
    return false;
  }
}

/** A Chromium that runs; the end of its `await using` block stops it. */
export interface RunningBrowser extends AsyncDisposable {
  readonly browser: Browser;
}

/** Starts one. */
export async function startBrowser(): Promise<RunningBrowser> {
  const profile = await Deno.makeTempDir({ prefix: "trellis-chromium-" });
  const process = new RunningProcess({
    name: "Chromium",
    command: CHROMIUM,
    args: [...FLAGS, `--user-data-dir=${profile}`, "about:blank"],
  });
  const close = async () => {
    await process.stop();
    // Processes of its own may still write there for a moment.
    for (let attempt = 0; attempt < 20; attempt++) {
      if (await Deno.remove(profile, { recursive: true }).then(() => true, () => false)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  try {
    // Playwright's own way to start it needs pipes that Deno does not hand to children.
    const [, endpoint = ""] = await process.waitForLine(/listening on (ws:\S+)/, START_MS);
    const browser = await chromium.connectOverCDP(endpoint);
    return {
      browser,
      async [Symbol.asyncDispose]() {
        await browser.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
