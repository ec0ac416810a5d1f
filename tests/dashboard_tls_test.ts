/**
 * The page of a SuperLink that others reach: a process of its own, on a terminal, over TLS, opened in
 * Chromium by the link that it shows, and by the link that a CLI shows which logs in.
 */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { CHROMIUM_HINT, hasChromium, startBrowser } from "./harness/browser.ts";
import { makeCertificates } from "./harness/credentials.ts";
import { isCi } from "./harness/flower_env.ts";
import { freeAddress } from "./harness/ports.ts";
import { type Program, TRELLIS } from "./harness/programs.ts";
import { scene } from "./harness/scene.ts";

const SOON_MS = 60_000;
const OPERATOR_TOKEN = "an-operator-token-of-a-test-0123456789";

/** A program on a terminal of its own. */
function onTerminal({ command, args, ...program }: Program, more: readonly string[]): Program {
  const quoted = [command, ...args, ...more].map((word) => `'${word}'`).join(" ");
  return { ...program, command: "script", args: ["-qefc", `exec ${quoted}`, "/dev/null"] };
}

scene("The page is served over TLS to who has a token", [TRELLIS.superlink], async (scene) => {
  const certificates = await makeCertificates(scene);
  const flags = [
    ...["--ssl-ca-certfile", certificates.ca, "--ssl-certfile", certificates.certificate],
    ...["--ssl-keyfile", certificates.key, "--database", scene.path("state.kv"), "--no-http"],
    ...["--fleet-api-address", freeAddress(), "--serverappio-api-address", freeAddress()],
    ...["--isolation", "process", "--dashboard-address", "0.0.0.0:0"],
  ];
  const control = freeAddress();
  const program = {
    ...TRELLIS.superlink,
    env: { TRELLIS_CONTROL_TOKEN: OPERATOR_TOKEN },
    // `script` says how it was ended, not how what it ran was.
    endsCleanly: false,
  };
  const unseen = await scene.run(program, { name: "nobody looks", args: flags });
  assertEquals(unseen.code, 1, unseen.stderr);
  assertMatch(unseen.stderr, /nobody would see its token/);

  const superlink = scene.start(onTerminal(program, [...flags, "--control-api-address", control]), {
    name: "SuperLink",
    args: [],
  });
  const [, link = ""] = await superlink.waitForLine(/(https:\/\/\S+\/#token=\S+)/, SOON_MS);
  await superlink.waitForLine(/SuperLink is ready/, SOON_MS);
  const { port, hash } = new URL(link);
  const token = hash.slice("#token=".length);
  const url = `https://127.0.0.1:${port}`;
  // It is shown, and not logged.
  assertEquals(superlink.lines.filter((line) => line.includes(token)).length, 1);

  using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(certificates.ca)] });
  const status = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(url + path, { ...init, client });
    await response.body?.cancel();
    return response.status;
  };
  const bearer = (secret: string) => ({ headers: { authorization: `Bearer ${secret}` } });
  assertEquals(await status("/"), 200);
  assertEquals(await status("/api/nodes"), 401);
  assertEquals(await status("/metrics"), 401);
  assertEquals(await status("/metrics", bearer("an-old-token")), 401);
  assertEquals(await status("/metrics", bearer(token)), 200);
  assertEquals(await status("/metrics", bearer(OPERATOR_TOKEN)), 200);
  assertEquals(await status("/readyz"), 200);
  // Nothing is said in plain text, and nobody is trusted who has another certificate.
  await assertRejects(() => fetch(`http://127.0.0.1:${port}/`));
  await assertRejects(() => fetch(url));

  if (!hasChromium() && !isCi()) return;
  assert(hasChromium(), `Chromium is not installed: ${CHROMIUM_HINT}`);
  await using running = await startBrowser();
  const context = await running.browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  page.setDefaultTimeout(SOON_MS);
  await page.goto(`${url}/#token=wrong-token`);
  await page.getByText("This token is not valid").waitFor();
  assertEquals(await context.cookies(), []);
  // Only what follows # is another: the page is told, and not loaded again.
  await page.goto(`${url}/#token=${token}`);
  await page.getByText("No SuperNode is here.").waitFor();
  assertEquals(page.url(), `${url}/`);
  assert(!(await page.content()).includes(token));
  const [cookie] = await context.cookies();
  assertEquals([cookie?.secure, cookie?.httpOnly, cookie?.sameSite], [true, true, "Strict"]);

  const login = scene.start(TRELLIS.cli, {
    name: "login",
    args: ["login", "--superlink", control, "--root-certificates", certificates.ca],
  });
  const [, query = ""] = await login.waitForLine(/https:\/\/\S+\/(\?login=\S+#\/access)/, SOON_MS);
  await page.goto(`${url}/${query}`);
  await page.locator("tr.wanted").getByRole("button", { name: "Approve…" }).press("Enter");
  await page.getByLabel("What they may do").selectOption("viewer");
  await page.getByRole("button", { name: "Approve", exact: true }).click();
  assertEquals(await login.waitForExit(SOON_MS), 0, login.transcript());
});
