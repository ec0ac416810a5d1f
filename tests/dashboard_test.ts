import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { generatePrivateKey } from "../keys/private_key.ts";
import { spkiPem } from "../keys/public_key.ts";
import { Control } from "../proto/gen/flwr1_41/proto/control_pb.ts";
import { HttpChannel } from "../wire/http/client.ts";
import { AppClient } from "../superlink/testing/app_client.ts";
import { FleetClient, refusal } from "../superlink/testing/fleet_client.ts";
import { TestNode } from "../superlink/testing/test_node.ts";
import { Grants } from "../superlink/access/grants.ts";
import { Logins } from "../superlink/access/logins.ts";
import { keys, type NodeRow } from "../superlink/state/layout.ts";
import { onPage, type PageStage } from "./harness/page_stage.ts";

/** What runs when a page takes it for HTML or a script. */
const EVIL = `<script>globalThis.evil = 1</script><img src=x onerror="globalThis.evil = 1">`;

const ROUNDS = `\u001b[92mINFO \u001b[0m:      Starting FedAvg strategy:
INFO :      [ROUND 1/3]
INFO :      aggregate_train: Received 2 results and 0 failures
INFO :      \t└──> Aggregated MetricRecord: {'train_loss': 1.25}
INFO :      aggregate_evaluate: Received 2 results and 0 failures
INFO :      \t└──> Aggregated MetricRecord: {'eval_acc': 0.5}
INFO :      [ROUND 2/3]
INFO :      aggregate_train: Received 2 results and 0 failures
INFO :      \t└──> Aggregated MetricRecord: {'train_loss': 0.75}
INFO :      ${EVIL}
`;

/** Registers a node as an operator does; gives its id. */
async function registered(page: Page, url: string, name: string): Promise<string> {
  const key = await generatePrivateKey("P-256");
  const data = { publicKey: spkiPem(key.publicKey), name };
  const response = await page.request.post(`${url}/api/nodes`, { data, headers: { origin: url } });
  assertEquals(response.status(), 200, await response.text());
  return (await response.json()).id;
}

/** What axe finds that is serious. */
async function findings(page: Page): Promise<unknown[]> {
  // Through the debugger: the page's own policy lets no other script in.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => Reflect.get(globalThis, "axe").run());
  return violations.filter(({ impact }: { impact: string }) =>
    impact === "serious" || impact === "critical"
  ).map((
    { id, nodes }: { id: string; nodes: { html: string }[] },
  ) => [id, nodes.map((n) => n.html)]);
}

const evil = (page: Page) => page.evaluate(() => Reflect.get(globalThis, "evil"));

onPage("The page lists SuperNodes, and is told when one joins", async ({ link, open }) => {
  using first = await TestNode.join(link);
  const page = await open();
  await page.getByRole("cell", { name: String(first.nodeId) }).waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  using second = await TestNode.join(link, "HTTP");
  const row = page.getByRole("row").filter({ hasText: String(second.nodeId) });
  await row.waitFor();
  assertMatch(await row.innerText(), /online[\s\S]*HTTP/);
  assertStringIncludes(await row.innerText(), second.client.key.publicKey.fingerprint.slice(0, 16));
  await page.getByRole("searchbox").fill(String(first.nodeId));
  await row.waitFor({ state: "detached" });
  await second.client.deactivate(second.nodeId);
  await page.getByText("1 offline").waitFor();
});

onPage(
  "The page registers, suspends, resumes and unregisters SuperNodes",
  async ({ link, open }) => {
    using client = await FleetClient.create(link);
    const page = await open();
    await page.getByRole("button", { name: "Register…" }).click();
    await page.getByLabel("Public key").fill("no key");
    await page.getByLabel("Name (optional)").fill(EVIL);
    const register = page.getByRole("button", { name: "Register", exact: true });
    await register.click();
    await page.getByRole("alert").filter({ hasText: "key" }).waitFor();
    await page.getByLabel("Public key").fill(spkiPem(client.key.publicKey));
    await register.click();
    // What looks like a script is a name.
    await page.getByRole("link", { name: EVIL }).click();
    const nodeId = BigInt(page.url().split("/").at(-1) ?? "");
    await client.activate();

    await page.getByRole("button", { name: "Suspend…" }).click();
    await page.getByText("This can be undone").waitFor();
    await page.getByRole("button", { name: "Suspend", exact: true }).click();
    await page.getByRole("cell", { name: "suspended" }).waitFor();
    assertEquals((await refusal(client.heartbeat(nodeId)))[0], "UNAVAILABLE");

    await page.getByRole("link", { name: EVIL }).click();
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByText("may join again").waitFor();
    await client.activate();

    await page.getByRole("link", { name: EVIL }).click();
    await page.getByRole("button", { name: "Unregister…" }).click();
    await page.getByText("This cannot be undone: its key can never be registered again").waitFor();
    await page.keyboard.press("Escape");
    assert(await client.heartbeat(nodeId));
    await page.getByRole("link", { name: EVIL }).click();
    await page.getByRole("button", { name: "Unregister…" }).click();
    await page.getByRole("button", { name: "Unregister for ever" }).click();
    await page.getByText("is unregistered.").waitFor();
    assertEquals((await refusal(client.heartbeat(nodeId)))[0], "UNAUTHENTICATED");
    assertEquals(await evil(page), undefined);
  },
);

onPage("The page follows a run: its rounds, its metrics and its log", async ({ link, open }) => {
  using app = new AppClient(link);
  const { runId } = await app.running();
  await app.log(runId, ROUNDS);
  const page = await open("#/runs");
  await page.getByRole("cell", { name: "2 / 3" }).waitFor();
  await page.getByRole("searchbox").fill("no such run");
  await page.getByText("Nothing matches.").waitFor();
  await page.getByRole("searchbox").fill("");
  await page.getByRole("link", { name: String(runId) }).click();
  await page.getByText("Round 2 of 3").waitFor();
  await page.getByRole("img", { name: /^train train_loss: 0\.75 in round 2, 1\.25 in round 1/ })
    .waitFor();
  const log = page.getByRole("log");
  assertStringIncludes(await log.innerText(), EVIL);
  assert(!(await log.innerText()).includes("\u001b"));

  await app.log(runId, "INFO :      [ROUND 3/3]\nINFO :      The last words.\n");
  await log.filter({ hasText: "The last words." }).waitFor();
  await page.getByText("Round 3 of 3").waitFor();
  assertEquals(await evil(page), undefined);

  await page.getByRole("button", { name: "Stop…" }).click();
  await page.getByText("This cannot be undone").waitFor();
  await page.getByRole("button", { name: "Stop the run" }).click();
  await page.getByText("stopped", { exact: true }).waitFor();
  assertEquals(await app.statusOf(runId), "finished:stopped");
});

onPage("The page shows who was refused, and why", async ({ link, open }) => {
  const page = await open("#/refusals");
  await page.getByText("Nobody was refused").waitFor();
  using stranger = await FleetClient.create(link);
  const call = stranger.call(stranger.method.pullMessages, { node: { nodeId: 1n } });
  assertEquals((await refusal(call))[0], "UNAUTHENTICATED");
  const row = page.getByRole("row").filter({ hasText: "the key owns no SuperNode" });
  await row.waitFor();
  assertStringIncludes(await row.innerText(), stranger.key.publicKey.fingerprint);
});

onPage("The page gives SuperNodes names and labels", async ({ link, url, open }) => {
  const page = await open();
  await registered(page, url, "alpha");
  await page.getByRole("link", { name: "alpha" }).click();
  await page.getByRole("button", { name: "Edit…" }).click();
  await page.getByLabel("Name", { exact: true }).fill("beta");
  await page.getByLabel("Labels, one a line").fill(`site=${EVIL}\nno label`);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("alert").filter({ hasText: '"no label" is not name=value.' }).waitFor();
  await page.getByLabel("Labels, one a line").fill(`site=${EVIL}\nward=3`);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("cell", { name: `site=${EVIL}, ward=3` }).waitFor();
  await page.getByRole("link", { name: "beta" }).click();
  await page.getByRole("button", { name: "Edit…" }).click();
  await page.getByLabel("Labels, one a line").fill("ward=4");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("cell", { name: "ward=4", exact: true }).waitFor();
  assertEquals(await evil(page), undefined);
  assertEquals(link.logged.of("node.changed").length, 2);
});

onPage(
  "The page shows the audit log as it grows, with what the page itself does",
  async (stage) => {
    const page = await stage.open("#/audit");
    await page.getByText("The newest 1,000 lines").waitFor();
    const id = await registered(page, stage.url, "alpha");
    const row = page.getByRole("row").filter({ hasText: "node.register" });
    await row.waitFor();
    const text = await row.innerText();
    assertStringIncludes(text, id);
    assertStringIncludes(text, "the page");
  },
  { withAudit: true },
);

onPage("The page makes tokens and revokes them", async ({ link, url, open }) => {
  const page = await open("#/access");
  await page.getByText("There is no token.").waitFor();
  await page.getByRole("button", { name: "New token…" }).click();
  await page.getByLabel("Name: who or what uses it").fill("nightly");
  await page.keyboard.press("Enter");
  const secret = await page.getByRole("dialog", { name: "The new token" }).locator("code")
    .innerText();
  assert(secret.length > 20 && !link.logged.toString().includes(secret));
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("cell", { name: "nightly" }).waitFor();
  assert(!(await page.content()).includes(secret));
  await page.getByRole("button", { name: "Revoke…" }).click();
  await page.getByRole("button", { name: "Revoke", exact: true }).click();
  await page.getByRole("cell", { name: "revoked" }).waitFor();
  assertEquals((await page.request.get(`${url}/api/access`)).status(), 200);
});

onPage("The page approves the login of a CLI, and refuses another", async ({ link, open }) => {
  const http = new HttpChannel(link.httpAddress, { insecure: true });
  try {
    const begin = async () => {
      const details = await http.unary(Control.method.getLoginDetails, {});
      const code = details.verificationUriComplete.split(" ").at(-1) ?? "";
      return { code, deviceCode: details.deviceCode };
    };
    const [wanted, unwanted] = [await begin(), await begin()];
    // As the link says that a CLI shows.
    const page = await open(`?login=${wanted.code}#/access`);
    const row = (code: string) => page.getByRole("row").filter({ hasText: code });
    await page.locator("tr.wanted").filter({ hasText: wanted.code }).waitFor();
    assertEquals(await focused(page), "Approve…");
    await row(unwanted.code).getByRole("button", { name: "Refuse" }).click();
    await row(unwanted.code).waitFor({ state: "detached" });
    await row(wanted.code).getByRole("button", { name: "Approve…" }).focus();
    await page.keyboard.press("Enter");
    await page.getByLabel("What they may do").selectOption("operator");
    await page.getByRole("button", { name: "Approve", exact: true }).click();
    await page.getByText(`The login ${wanted.code} was approved.`).waitFor();
    assertEquals(new URL(page.url()).search, "");
    const { deviceCode } = wanted;
    const { accessToken } = await http.unary(Control.method.getAuthTokens, { deviceCode });
    assert(accessToken !== "");
    await refusal(http.unary(Control.method.getAuthTokens, { deviceCode: unwanted.deviceCode }));
    const old = await open(`?login=${wanted.code}#/access`);
    await old.getByText(`No login waits with the code ${wanted.code}`).waitFor();
  } finally {
    http.close();
  }
}, { controlRule: { kind: "tokens" } });

const TOKEN = "a-token-of-a-test";

onPage("A page with a token shows nothing to who does not know it", async ({ url, open }) => {
  const page = await open("#token=an-old-token-of-yesterday");
  await page.getByText("This token is not valid").waitFor();
  assert(!page.url().includes("token"));
  assertEquals((await page.request.get(`${url}/api/nodes`)).status(), 401);
  await page.getByLabel("Token").fill(TOKEN);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("No SuperNode is here.").waitFor();
  assertEquals(await page.evaluate(() => Reflect.get(globalThis, "document").cookie), "");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Token").waitFor();
  assertEquals((await page.request.get(`${url}/api/nodes`)).status(), 401);

  const linked = await open(`#token=${TOKEN}`);
  await linked.getByText("No SuperNode is here.").waitFor();
}, { pageAccess: { kind: "token", token: TOKEN, generated: true } });

onPage("The page shows a viewer everything, and lets them do nothing", async (stage) => {
  const { link, open } = stage;
  using node = await TestNode.join(link);
  using app = new AppClient(link);
  const { runId } = await app.running();
  const grants = new Grants(link.database.kv, link.clock);
  const wanted = { name: "the auditors", role: "viewer", createdBy: "a test" } as const;
  const { grant, token } = await grants.create(wanted);
  const page = await open(`#token=${token}`);
  await page.getByText("the auditors").waitFor();
  await page.getByRole("link", { name: "(no name)" }).click();
  await page.getByRole("dialog", { name: `SuperNode ${node.nodeId}` }).waitFor();
  assertEquals(
    await page.getByRole("button", { name: /Edit|Suspend|Unregister|Register/ }).count(),
    0,
  );
  await page.getByRole("button", { name: "Close" }).click();
  assertEquals(await page.getByRole("link", { name: "Access" }).count(), 0);
  await page.getByRole("link", { name: "Runs" }).click();
  await page.getByRole("link", { name: String(runId) }).click();
  await page.getByText("running", { exact: true }).waitFor();
  assertEquals(await page.getByRole("button", { name: "Stop…" }).count(), 0);
  await page.evaluate(() => {
    Reflect.get(globalThis, "location").hash = "#/access";
  });
  await page.getByText("Access is for those who signed in as admin.").waitFor();
  await grants.revoke(grant.id);
  await page.getByText("You are signed out.").waitFor();
}, { pageAccess: { kind: "token", token: TOKEN, generated: true } });

/** Writes rows of so many nodes, as if they had been registered long ago. */
async function manyNodes({ link: { database: { kv }, clock } }: PageStage, count: number) {
  for (let from = 0; from < count; from += 200) {
    const operation = kv.atomic();
    for (let index = from; index < Math.min(from + 200, count); index++) {
      const row: NodeRow = {
        nodeId: BigInt(index) + (1n << 62n),
        keyId: `key-${index}`,
        fingerprint: `SHA256:${index}`.padEnd(50, "x"),
        publicKeyPem: new Uint8Array(),
        keyless: false,
        ownerId: "<id:none>",
        ownerName: "<name:none>",
        name: `site ${index}`,
        status: "registered",
        registeredAt: clock.nowMicros(),
        heartbeatIntervalS: 30,
      };
      operation.set(keys.node(row.nodeId), row);
    }
    await operation.commit();
  }
}

/** Bounded, and not a benchmark: without care, a browser would need minutes. */
const QUICK_MS = 15_000;

onPage("The page lists 10,000 SuperNodes, and holds a few of them", async (stage) => {
  await manyNodes(stage, 10_000);
  const startMs = performance.now();
  const page = await stage.open();
  await page.getByText("10,000", { exact: true }).waitFor();
  await page.getByRole("link", { name: "site 0", exact: true }).waitFor();
  await page.getByRole("button", { name: "Name", exact: true }).click();
  await page.getByRole("button", { name: "Name", exact: true }).click();
  await page.getByRole("link", { name: "site 9999", exact: true }).waitFor();
  await page.getByRole("region").evaluate((frame) => frame.scrollTo(0, frame.scrollHeight));
  await page.getByRole("link", { name: "site 0", exact: true }).waitFor();
  await page.getByRole("searchbox").fill("site 7777");
  await page.getByRole("link", { name: "site 7777", exact: true }).waitFor();
  await page.getByRole("link", { name: "site 0", exact: true }).waitFor({ state: "detached" });
  assert(performance.now() - startMs < QUICK_MS);
  assert(await page.getByRole("row").count() < 150);
});

onPage(
  "The arrow keys lead through 10,000 SuperNodes, and the focus is never lost",
  async (stage) => {
    await manyNodes(stage, 10_000);
    const page = await stage.open();
    await page.getByRole("link", { name: "site 0", exact: true }).waitFor();
    await page.getByRole("region").focus();
    let at = "";
    for (let presses = 0; presses < 2_000 && at !== "site 100"; presses++) {
      await page.keyboard.press("ArrowDown");
      at = await focused(page);
      assertMatch(at, /^site \d+$/);
    }
    assertEquals(at, "site 100");
    await page.getByRole("region").evaluate((frame) => frame.scrollTo(0, frame.scrollHeight));
    await page.getByRole("link", { name: "site 9999", exact: true }).waitFor();
    const label = await page.evaluate(() =>
      Reflect.get(globalThis, "document").activeElement.getAttribute("aria-label")
    );
    assertEquals(label, "SuperNodes, rows");
  },
);

onPage("The page says from anywhere what is under way, and who waits", async ({ link, open }) => {
  const page = await open();
  const views = page.getByRole("navigation");
  await views.getByRole("link", { name: "Refusals", exact: true }).waitFor();
  using app = new AppClient(link);
  await app.running();
  await views.getByRole("link", { name: "Runs 1" }).waitFor();
  using stranger = await FleetClient.create(link);
  await refusal(stranger.call(stranger.method.pullMessages, { node: { nodeId: 1n } }));
  await views.getByRole("link", { name: "Refusals 1" }).click();
  await page.getByText("nobody known").waitFor();
  await views.getByRole("link", { name: "Refusals", exact: true }).waitFor();
  const { kv } = link.database;
  await new Logins(kv, new Grants(kv, link.clock), link.clock).start("192.0.2.1:1");
  await views.getByRole("link", { name: "Access 1" }).click();
  await page.getByRole("button", { name: "Refuse" }).click();
  await page.getByText("Nobody waits.").waitFor();
  await views.getByRole("link", { name: "Access", exact: true }).waitFor();
});

onPage("The page is usable by keyboard alone", async ({ link, url, open }) => {
  using node = await TestNode.join(link);
  const page = await open();
  link.clock.advance({ seconds: 1 });
  await registered(page, url, "alpha");
  await page.getByRole("link", { name: "alpha" }).waitFor();
  await page.keyboard.press("Tab");
  assertEquals(await focused(page), "Skip to the content");
  for (let tabs = 0; tabs < 30 && await focused(page) !== "(no name)"; tabs++) {
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("ArrowDown");
  assertEquals(await focused(page), "alpha");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: `SuperNode ${node.nodeId}` }).waitFor();
  assertEquals(await focused(page), "Close");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
});

function focused(page: Page): Promise<string> {
  return page.evaluate(() => Reflect.get(globalThis, "document").activeElement?.textContent ?? "");
}

onPage("No view of the page is wider than a small screen", async ({ link, url, open }) => {
  using node = await TestNode.join(link);
  using app = new AppClient(link);
  const { runId } = await app.running();
  const page = await open("", { viewport: { width: 380, height: 700 } });
  await registered(page, url, "a hospital with a rather long name");
  const views = ["nodes", `nodes/${node.nodeId}`, "runs", `runs/${runId}`, "refusals", "audit"];
  for (const view of [...views, "access"]) {
    await page.goto(`${url}/#/${view}`);
    await page.getByRole("heading").first().waitFor();
    const beyond = await page.evaluate(() => {
      const { document, innerWidth } = globalThis as unknown as {
        document: { documentElement: { scrollWidth: number } };
        innerWidth: number;
      };
      return document.documentElement.scrollWidth - innerWidth;
    });
    assert(beyond <= 0, `${view} is ${beyond} pixels too wide`);
  }
});

for (const colorScheme of ["light", "dark"] as const) {
  onPage(`axe-core finds nothing serious in any view when it is ${colorScheme}`, async (stage) => {
    const { link, url, open } = stage;
    using node = await TestNode.join(link);
    using app = new AppClient(link);
    const { runId } = await app.running();
    await app.log(runId, ROUNDS);
    using stranger = await FleetClient.create(link);
    await refusal(stranger.call(stranger.method.pullMessages, node));
    const page = await open("", { colorScheme });
    await registered(page, url, "hospital");
    await page.getByRole("link", { name: "hospital" }).waitFor();
    const ground = await page.evaluate(() => {
      const { document, getComputedStyle } = globalThis as unknown as {
        document: { body: unknown };
        getComputedStyle(element: unknown): { backgroundColor: string };
      };
      return getComputedStyle(document.body).backgroundColor;
    });
    assertEquals(ground, colorScheme === "light" ? "rgb(247, 248, 247)" : "rgb(18, 22, 20)");
    await look(page, "nodes", colorScheme);
    await page.getByRole("link", { name: "hospital" }).click();
    await page.getByRole("dialog").waitFor();
    await look(page, "node", colorScheme);
    await page.getByRole("button", { name: "Unregister…" }).click();
    await page.getByText("This cannot be undone").waitFor();
    await look(page, "unregister", colorScheme);
    const views = [
      ["runs", "2 / 3"],
      [`runs/${runId}`, "Round 2 of 3"],
      ["refusals", "owns no"],
      ["audit", "node.register"],
      ["access", "There is no token."],
    ];
    for (const [view, text] of views) {
      const other = await open(`#/${view}`, { colorScheme });
      await other.getByText(text ?? "").first().waitFor();
      await look(other, view?.replace(/\/.*/, "-one") ?? "", colorScheme);
    }
  }, { withAudit: true });
}

/** Checks a view, and keeps a picture of it where `$TRELLIS_TEST_PICTURES` says. */
async function look(page: Page, name: string, scheme: string): Promise<void> {
  assertEquals(await findings(page), [], `${name}, ${scheme}`);
  const folder = Deno.env.get("TRELLIS_TEST_PICTURES");
  if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}-${scheme}.png` });
}
