import { assertEquals, assertStringIncludes } from "@std/assert";
import { startTestSuperLink } from "../superlink/testing/test_superlink.ts";
import { formatAddress } from "../wire/address.ts";
import { runCli } from "./testing/control_server.ts";

Deno.test("trellis health is 0 where a SuperLink serves, closed or not, and 1 where none does", async () => {
  const addresses: string[] = [];
  const health = (address: string, ...more: string[]) =>
    runCli(["health", "--superlink", address, "--insecure", ...more]);
  {
    await using link = await startTestSuperLink({ controlRule: { kind: "tokens" } });
    for (const address of [link.controlAddress, link.httpAddress].map(formatAddress)) {
      addresses.push(address);
      const { code, stdout } = await health(address);
      assertEquals([code, stdout], [0, `The SuperLink at ${address} serves.\n`]);
      const { stdout: json } = await health(address, "--format", "json");
      assertEquals(JSON.parse(json).success, true);
    }
    assertEquals(link.logged.of("login.started"), []);
  }
  for (const address of addresses) {
    const { code, stderr } = await health(address);
    assertEquals(code, 1);
    assertStringIncludes(stderr, address);
  }
});

Deno.test("--quiet leaves the result and what is wrong, and nothing else", async () => {
  await using link = await startTestSuperLink();
  const target = ["--superlink", formatAddress(link.httpAddress), "--insecure"];
  const told = await runCli(["supernode", "list", ...target]);
  const quiet = await runCli(["supernode", "list", ...target, "--quiet"]);
  assertStringIncludes(told.stderr, "Listing all nodes");
  assertEquals([quiet.stderr, quiet.stdout], ["", told.stdout]);
  const wrong = await runCli(["supernode", "unregister", "7", ...target, "-q"]);
  assertEquals(wrong.code, 1);
  assertStringIncludes(wrong.stderr, "no SuperNode with this ID");
});
