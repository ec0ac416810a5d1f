import { assert, assertEquals, assertMatch } from "@std/assert";
import { formatAddress } from "../../wire/address.ts";
import { spkiPem } from "../../keys/public_key.ts";
import { generatePrivateKey } from "../../keys/private_key.ts";
import type { ChangedLimits } from "../limits.ts";
import { startTestSuperLink } from "../testing/test_superlink.ts";
import { Registry } from "../../proto/gen/trellis/v1/registry_pb.ts";
import { FleetClient, refusal } from "../testing/fleet_client.ts";
import { OperatorClient } from "../testing/operator_client.ts";
import { TestNode } from "../testing/test_node.ts";

const HERE = { address: { host: "127.0.0.1", port: 0 }, byDefault: false, tokenFile: undefined };
const JSON_TYPE = { "content-type": "application/json" };

async function onPage(
  play: (
    ask: (path: string, options?: RequestInit) => Promise<[number, string]>,
    url: string,
    link: Awaited<ReturnType<typeof startTestSuperLink>>,
  ) => Promise<void>,
  pageAccess?: { kind: "token"; token: string; generated: boolean },
  limits: ChangedLimits = {},
): Promise<void> {
  await using link = await startTestSuperLink({
    ...{ dashboard: HERE, limits },
    ...(pageAccess ? { pageAccess } : {}),
  });
  assert(link.dashboardAddress);
  const url = `http://${formatAddress(link.dashboardAddress)}`;
  await play(
    async (path, options) => {
      const response = await fetch(url + path, options);
      return [response.status, await response.text()];
    },
    url,
    link,
  );
}

Deno.test("The page's own files need no other, and their policy lets no other in", () =>
  onPage(async (_, url) => {
    const response = await fetch(url);
    const html = await response.text();
    const policy = response.headers.get("content-security-policy") ?? "";
    assertMatch(policy, /^default-src 'none'; script-src 'self';/);
    assert(!policy.includes("unsafe"));
    const files = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path ?? "");
    for (let file = files.pop(); file !== undefined; file = files.pop()) {
      const answer = await fetch(url + file);
      const text = await answer.text();
      assertEquals(answer.status, 200, file);
      assertEquals(answer.headers.get("x-content-type-options"), "nosniff");
      for (const [, path] of text.matchAll(/from "\.(\/[a-z]+\.js)"/g)) files.push(path ?? "");
      assert(!/https?:\/\/(?!www\.w3\.org)/.test(text), file);
    }
  }));

Deno.test("Nothing is done for another site", () =>
  onPage(async (ask, url, link) => {
    using node = await TestNode.join(link);
    const path = `/api/nodes/${node.nodeId}/unregister`;
    const attempts: RequestInit[] = [
      { headers: { ...JSON_TYPE } },
      { headers: { ...JSON_TYPE, origin: "http://evil.example" } },
      { headers: { origin: url } },
      { headers: { "content-type": "text/plain", origin: url } },
      { headers: { ...JSON_TYPE, origin: url, "sec-fetch-site": "cross-site" } },
    ];
    for (const attempt of attempts) {
      const [status] = await ask(path, { method: "POST", body: "{}", ...attempt });
      assertEquals(status, 403);
    }
    assertEquals((await ask(path))[0], 405);
    assert(await node.client.heartbeat(node.nodeId));
  }));

/** Requests that make no sense, and what is said of them. */
const BAD: [path: string, body: string, status: number, sentence: RegExp][] = [
  ["/api/nodes", "no json", 400, /not JSON/],
  ["/api/nodes", "[]", 412, /key/],
  ["/api/nodes", '{"publicKey":"no key"}', 412, /key/],
  ["/api/nodes", `{"publicKey":"${"x".repeat(70_000)}"}`, 413, /at most 65536 bytes/],
  ["/api/nodes/1/unregister", "{}", 404, /./],
  ["/api/nodes/1/suspend", "{}", 404, /./],
  ["/api/runs/1/stop", "{}", 404, /./],
  ["/api/nodes/x/suspend", "{}", 404, /nothing here/],
];

for (const [path, body, status, sentence] of BAD) {
  Deno.test(`POST ${path} with ${body.slice(0, 30)} is answered ${status}`, () =>
    onPage(async (ask, url) => {
      const headers = { ...JSON_TYPE, origin: url };
      const [found, text] = await ask(path, { method: "POST", body, headers });
      assertEquals(found, status, text);
      assertMatch(JSON.parse(text).error, sentence);
    }));
}

for (const path of ["/api/runs/1", "/api/nodes/1", "/api/nope", "/app.ts", "/../deno.json"]) {
  Deno.test(`GET ${path} is answered 404`, () =>
    onPage(async (ask) => assertEquals((await ask(path))[0], 404)));
}

Deno.test("A host that guesses tokens is not listened to any more", () =>
  onPage(async (ask, url, link) => {
    const login = (token: string) =>
      ask("/api/login", {
        method: "POST",
        headers: { ...JSON_TYPE, origin: url },
        body: JSON.stringify({ token }),
      });
    for (let guess = 0; guess < 10; guess++) assertEquals((await login(`guess-${guess}`))[0], 401);
    assertEquals((await login("a-token-of-a-test"))[0], 429);
    link.clock.advance({ seconds: 60 });
    assertEquals((await login("a-token-of-a-test"))[0], 200);
    assertEquals(link.logged.of("page.refused").length, 10);
    assert(!link.logged.toString().includes("guess-"));
  }, { kind: "token", token: "a-token-of-a-test", generated: true }));

Deno.test("A host that asks the page too often waits, and is told of its health all the same", () =>
  onPage(
    async (ask, _, link) => {
      for (let asked = 0; asked < 3; asked++) assertEquals((await ask("/api/nodes"))[0], 200);
      for (const path of ["/api/nodes", "/metrics", "/"]) {
        const [status, text] = await ask(path);
        assertEquals(status, 429, path);
        assertMatch(JSON.parse(text).error, /Too many calls/);
      }
      assertEquals((await ask("/livez"))[0], 200);
      link.clock.advance({ seconds: 20 });
      assertEquals((await ask("/api/nodes"))[0], 200);
    },
    undefined,
    { "page-calls-per-host": 3 },
  ));

Deno.test("A refused call names the SuperNode that it claims to be of", () =>
  onPage(async (ask, _, link) => {
    using node = await TestNode.join(link);
    using operator = new OperatorClient(link);
    await operator.call(Registry.method.updateNode, { nodeId: node.nodeId, name: "St. Mary" });
    await operator.suspend(node.nodeId);
    await refusal(node.client.heartbeat(node.nodeId));
    using stranger = await FleetClient.create(link);
    await refusal(stranger.activate());
    const { rows } = JSON.parse((await ask("/api/refusals"))[1]);
    assertEquals(rows.map((row: { node?: unknown }) => row.node), [
      undefined,
      { id: String(node.nodeId), name: "St. Mary" },
    ]);
    const found = JSON.parse((await ask("/api/refusals?search=mary"))[1]);
    assertEquals(found.total, 1);
  }));

Deno.test("What the page does is done as over the Control API, and logged with who asked", () =>
  onPage(async (ask, url, link) => {
    const { publicKey } = await generatePrivateKey("P-256");
    const body = JSON.stringify({ publicKey: spkiPem(publicKey), name: "  hospital  " });
    const options = { method: "POST", headers: { ...JSON_TYPE, origin: url }, body };
    const [status, text] = await ask("/api/nodes", options);
    assertEquals(status, 200);
    const { id } = JSON.parse(text);
    assertEquals(link.logged.of("node.registered")[0]?.nodeId, id);
    assertEquals(JSON.parse((await ask("/api/nodes"))[1]).rows[0].name, "hospital");
    assertEquals((await ask("/api/nodes", options))[0], 412);
  }));

Deno.test("A SuperLink with open pages stops at once", async () => {
  const link = await startTestSuperLink({ dashboard: HERE });
  assert(link.dashboardAddress);
  const events = await fetch(`http://${formatAddress(link.dashboardAddress)}/api/events`);
  const reader = events.body?.getReader();
  await reader?.read();
  const startMs = performance.now();
  await link.stop();
  assert(performance.now() - startMs < 4_000);
  await reader?.cancel().catch(() => {});
});
