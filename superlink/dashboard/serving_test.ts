import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { formatAddress } from "../../wire/address.ts";
import { ListenError } from "../../wire/listen_error.ts";
import { samplesOf } from "../metrics/testing/samples.ts";
import { FleetClient } from "../testing/fleet_client.ts";
import { startTestSuperLink, type TestSuperLinkOptions } from "../testing/test_superlink.ts";
import type { DashboardOptions } from "./flags.ts";

const HERE: DashboardOptions = {
  address: { host: "127.0.0.1", port: 0 },
  byDefault: false,
  tokenFile: undefined,
};

/** A SuperLink with a page, and its URL. */
async function withPage(options: TestSuperLinkOptions = {}) {
  const link = await startTestSuperLink({ dashboard: HERE, ...options });
  assert(link.dashboardAddress);
  return { link, url: `http://${formatAddress(link.dashboardAddress)}` };
}

async function textOf(url: string, headers: HeadersInit = {}): Promise<[number, string]> {
  const response = await fetch(url, { headers });
  return [response.status, await response.text()];
}

Deno.test("A SuperLink's metrics tell of its calls, its nodes and its refusals", async () => {
  const { link, url } = await withPage();
  await using _ = link;
  using client = await FleetClient.create(link);
  const nodeId = await client.join();
  using stranger = await FleetClient.create(link);
  await stranger.call(Fleet.method.pullMessages, { node: { nodeId } }).catch(() => {});

  const [status, text] = await textOf(`${url}/metrics`);
  assertEquals(status, 200);
  const samples = samplesOf(text);
  const call = (method: string, code: string) =>
    samples.get(`trellis_calls_total{api="Fleet",method="${method}",code="${code}"}`);
  assertEquals(call("ActivateNode", "OK"), 1);
  assertEquals(call("PullMessages", "UNAUTHENTICATED"), 1);
  assertEquals(samples.get('trellis_nodes{status="online"}'), 1);
  assertEquals(samples.get('trellis_refusals_total{reason="the key owns no SuperNode"}'), 1);
  assert((samples.get('trellis_received_bytes_total{api="Fleet"}') ?? 0) > 0);
  assert((samples.get("process_resident_memory_bytes") ?? 0) > 1e6);
  assert(!text.includes(String(nodeId)) && !text.includes(client.key.publicKey.fingerprint));
});

Deno.test("A SuperLink says that it is ready, and that it is not once its database is gone", async () => {
  let broken = false;
  const { link, url } = await withPage({
    between: (database) => ({
      ...database,
      kv: new Proxy(database.kv, {
        get(kv, name) {
          if (name === "atomic" && broken) throw new Error("Disk.");
          const found: unknown = Reflect.get(kv, name);
          return typeof found === "function" ? found.bind(kv) : found;
        },
      }),
    }),
  });
  await using _ = link;
  assertEquals(await textOf(`${url}/livez`), [200, '{"alive":true}']);
  const [status, text] = await textOf(`${url}/readyz`);
  assertEquals([status, JSON.parse(text).ready], [200, true]);

  broken = true;
  // What was found is kept for a second.
  let answer = await textOf(`${url}/readyz`);
  const end = Date.now() + 20_000;
  while (answer[0] === 200 && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    answer = await textOf(`${url}/readyz`);
  }
  broken = false;
  assertEquals(answer[0], 503);
  assertEquals(JSON.parse(answer[1]).parts.database, {
    ready: false,
    reason: "The database cannot be written.",
  });
});

Deno.test("A page that asks for no token answers to names of its own machine only", async () => {
  const { link, url } = await withPage();
  await using _ = link;
  const host = { host: "evil.example" };
  // `fetch` sets Host itself.
  const asked = async (path: string) => await rawGet(url, path, host.host);
  assertMatch(await asked("/metrics"), /^HTTP\/1.1 403/);
  assertMatch(await asked("/livez"), /^HTTP\/1.1 200/);
});

Deno.test("A page with a token gives its metrics to nobody without", async () => {
  const { link, url } = await withPage({
    pageAccess: { kind: "token", token: "a-token-of-a-test", generated: true },
  });
  await using _ = link;
  assertEquals((await textOf(`${url}/metrics`))[0], 401);
  assertEquals((await textOf(`${url}/metrics`, { authorization: "Bearer old-token" }))[0], 401);
  const [status] = await textOf(`${url}/metrics`, { authorization: "Bearer a-token-of-a-test" });
  assertEquals(status, 200);
  assertEquals((await textOf(`${url}/readyz`))[0], 200);
  assert(!link.logged.toString().includes("a-token-of-a-test"));
});

Deno.test("A default port that is taken leaves a SuperLink without a page; one asked for ends it", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const dashboard = { ...HERE, address: { host: "127.0.0.1", port: taken.addr.port } };
  await using link = await startTestSuperLink({ dashboard: { ...dashboard, byDefault: true } });
  assertEquals(link.dashboardAddress, undefined);
  const warnings = link.logged.of("superlink.no-page");
  assertEquals(warnings.length, 1);
  assertMatch(
    warnings[0]?.message ?? "",
    /^Cannot listen on 127\.0\.0\.1:\d+: the port is taken\. There is no page/,
  );
  await assertRejects(() => startTestSuperLink({ dashboard }), ListenError);
});

Deno.test("A page beyond this machine that is served without TLS has a warning, and no other has", async () => {
  for (const [host, warnings] of [["0.0.0.0", 1], ["127.0.0.1", 0]] as const) {
    const { link } = await withPage({
      dashboard: { ...HERE, address: { host, port: 0 } },
      pageAccess: { kind: "token", token: "a-token-of-a-test", generated: false },
    });
    await using _ = link;
    assertEquals(link.logged.of("superlink.page-plain").length, warnings, host);
  }
});

async function rawGet(url: string, path: string, host: string): Promise<string> {
  const { hostname, port } = new URL(url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  return await new Response(connection.readable).text();
}
