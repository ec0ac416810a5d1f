/**
 * The page of a SuperLink in this process, opened in Chromium.
 *
 * @module
 */

import { assert } from "@std/assert";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { type AuditLog, openAuditLog } from "../../superlink/audit/audit_log.ts";
import { systemClock } from "../../superlink/clock.ts";
import { LogLines } from "../../superlink/testing/log_lines.ts";
import {
  startTestSuperLink,
  type TestSuperLink,
  type TestSuperLinkOptions,
} from "../../superlink/testing/test_superlink.ts";
import { formatAddress } from "../../wire/address.ts";
import { CHROMIUM_HINT, hasChromium, startBrowser } from "./browser.ts";
import { isCi } from "./flower_env.ts";

/** A SuperLink with a page, and a browser. */
export interface PageStage {
  readonly link: TestSuperLink;
  /** Where its page is, without a slash at the end. */
  readonly url: string;
  /** Opens a view, for example `#/runs`, in a browser of its own that knows nothing yet. */
  open(view?: string, options?: BrowserContextOptions): Promise<Page>;
}

const PATIENCE_MS = 30_000;
const VIEWPORT = { width: 1280, height: 800 };

/** How a stage differs from one with a SuperLink that keeps its state in memory. */
export interface PageStageOptions extends TestSuperLinkOptions {
  /** There is an audit log. */
  readonly withAudit?: boolean;
}

/** Registers a test that plays on a page. It fails, too, when the page logs an error. */
export function onPage(
  name: string,
  play: (stage: PageStage) => Promise<void>,
  { withAudit = false, ...options }: PageStageOptions = {},
): void {
  Deno.test({
    name,
    ignore: !hasChromium() && !isCi(),
    async fn() {
      assert(hasChromium(), `Chromium is not installed: ${CHROMIUM_HINT}`);
      await using audit = withAudit ? await AuditFolder.open() : undefined;
      await using link = await startTestSuperLink({
        ...audit?.options,
        dashboard: {
          address: { host: "127.0.0.1", port: 0 },
          byDefault: false,
          tokenFile: undefined,
        },
        ...options,
      });
      assert(link.dashboardAddress);
      await using running = await startBrowser();
      const url = `http://${formatAddress(link.dashboardAddress)}`;
      const errors: string[] = [];
      const open = async (view = "", contextOptions: BrowserContextOptions = {}) => {
        const page = await pageIn(running.browser, url, errors, contextOptions);
        await page.goto(`${url}/${view}`);
        return page;
      };
      await play({ link, url, open });
      assert(errors.length === 0, errors.join("\n"));
    },
  });
}

/** An audit log in a folder of its own. */
class AuditFolder implements AsyncDisposable {
  readonly options: Required<Pick<TestSuperLinkOptions, "audit" | "auditFolder">>;
  readonly #log: AuditLog;

  private constructor(auditFolder: string, audit: AuditLog) {
    this.options = { audit, auditFolder };
    this.#log = audit;
  }

  static async open(): Promise<AuditFolder> {
    const folder = await Deno.makeTempDir({ prefix: "trellis-audit-" });
    const log = new LogLines().log;
    return new AuditFolder(folder, await openAuditLog(folder, { clock: systemClock, log }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#log[Symbol.asyncDispose]();
    await Deno.remove(this.options.auditFolder, { recursive: true });
  }
}

async function pageIn(
  browser: Browser,
  url: string,
  errors: string[],
  options: BrowserContextOptions,
): Promise<Page> {
  const context = await browser.newContext({ viewport: VIEWPORT, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  page.on("pageerror", (error) => errors.push(`The page threw: ${error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    // Chromium says this of every answer from 400 on, which a test may be about.
    if (message.type() === "error" && !text.startsWith("Failed to load resource")) {
      errors.push(`The page said: ${text}`);
    }
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(`${url}/`)) errors.push(`The page asked for ${request.url()}`);
  });
  return page;
}
