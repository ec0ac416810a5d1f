import { existsSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { REPOSITORY } from "./harness/flower_env.ts";
import { accepts } from "./harness/ports.ts";
import { RunningProcess } from "./harness/process.ts";

const demo = () =>
  new RunningProcess({
    name: "demo",
    command: Deno.execPath(),
    args: ["run", "-A", join(REPOSITORY, "examples", "demo", "demo.ts")],
    // It finds no other programs, so it needs none.
    env: { PATH: "/nothing/here" },
  });

Deno.test("the demo goes as it should, and removes its folder", async () => {
  await using process = demo();
  assertEquals(await process.waitForExit(60_000), 0, process.transcript());
  const [, folder = ""] = await process.waitForLine(/plays in (.+)\.$/, 0);
  assert(!existsSync(folder));
});

Deno.test("the demo stops its programs and removes its folder on Ctrl-C", async () => {
  await using process = demo();
  const [, folder = ""] = await process.waitForLine(/plays in (.+)\.$/, 30_000);
  const [, address = ""] = await process.waitForLine(/Starting Fleet API on (\S+)/, 30_000);
  assert(existsSync(folder) && await accepts(address));
  Deno.kill(process.pid, "SIGINT");
  assertEquals(await process.waitForExit(30_000), 1);
  await process.waitForLine(/Interrupted \(SIGINT\)/, 0);
  assert(!existsSync(folder) && !await accepts(address));
});
