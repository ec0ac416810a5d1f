/**
 * SuperNodes keep the process of a TypeScript app between the messages of its run. Here they are
 * stopped and killed while they do: no process may be left.
 */

import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { AppCli, EXAMPLES, makeApp } from "./harness/app_cli.ts";
import { shown } from "./harness/cli.ts";
import { startFleet } from "./harness/fleet.ts";
import { groupMembers } from "./harness/process_groups.ts";
import { TRELLIS } from "./harness/programs.ts";
import { scene } from "./harness/scene.ts";

const APPS = { isolation: "subprocess" } as const;
/** What a SuperNode started ends this soon after it, also on a busy machine. */
const GRACE_MS = 10_000;

scene("no app process outlives a SuperNode that keeps it for its run", [], async (scene) => {
  const { link, nodes } = await startFleet(scene, {
    superlink: TRELLIS.superlink,
    supernodes: [TRELLIS.supernode, TRELLIS.supernode],
    serverApps: APPS,
    clientApps: APPS,
  });
  const folder = await makeApp(scene, link, join(EXAMPLES, "iris-typescript"));
  const app = new AppCli(scene, TRELLIS.cli, folder);
  const outcome = await app.runToEnd("--run-config", "num-server-rounds=1");
  assertEquals(outcome.code, 0, shown(outcome));

  const [stopped, killed] = nodes.map(({ process }) => process);
  assert(stopped && killed);
  for (const { pid } of [stopped, killed]) {
    // Itself, and an app that waits for another message.
    assert(groupMembers(pid).size >= 2, [...groupMembers(pid).values()].join());
  }
  assertEquals(await killed.crash(GRACE_MS), []);
  assertEquals(await stopped.stop(), { code: 0, graceful: true });
});
