import { assertEquals } from "@std/assert";
import { SDK_MODULE, SDK_SOURCES_HASH } from "./gen/sdk_module.ts";
import { hashSources } from "./generate.ts";

Deno.test("sdk/gen is up to date; if not, run `deno task gen`", async () => {
  assertEquals(await hashSources(SDK_MODULE), SDK_SOURCES_HASH);
});
