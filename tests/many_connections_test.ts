/** Peers that open more connections than the SuperLink's process may have files open. */

import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async";
import { type Program, TRELLIS } from "./harness/programs.ts";
import { scene } from "./harness/scene.ts";

const START_MS = 60_000;
const OPEN_FILES = 256;

/** Our SuperLink where the system's limit is low. */
const SUPERLINK: Program = {
  ...TRELLIS.superlink,
  title: `Trellis SuperLink with ${OPEN_FILES} open files`,
  command: "sh",
  args: [
    ...["-c", `ulimit -n ${OPEN_FILES} && exec "$@"`, "sh"],
    ...[TRELLIS.superlink.command, ...TRELLIS.superlink.args],
  ],
};

/** Opens connections until there are so many, or no more can be. */
async function connections(port: number, count: number): Promise<Deno.Conn[]> {
  const opened = await Promise.allSettled(
    Array.from({ length: count }, () => Deno.connect({ hostname: "127.0.0.1", port })),
  );
  return opened.flatMap((each) => each.status === "fulfilled" ? [each.value] : []);
}

scene(
  "A SuperLink outlives more connections than it can have, and listens again",
  [],
  async (scene) => {
    const superlink = scene.start(SUPERLINK, {
      name: "SuperLink",
      args: [
        ...["--insecure", "--isolation", "process", "--database", ":memory:", "--port", "0"],
        ...["--fleet-api-address", "127.0.0.1:0", "--control-api-address", "127.0.0.1:0"],
        ...["--serverappio-api-address", "127.0.0.1:0", "--dashboard-address", "127.0.0.1:0"],
      ],
    });
    const [, page = ""] = await superlink.waitForLine(/Starting page on \S+:(\d+) /, START_MS);
    const [, fleet = ""] = await superlink.waitForLine(/Fleet API on \S+:(\d+) /, START_MS);
    await superlink.waitForLine(/SuperLink is ready/, START_MS);

    // Those of the Fleet API wait for files; the page is the one that asks for one more.
    const held = await connections(Number(fleet), OPEN_FILES);
    held.push(...await connections(Number(page), OPEN_FILES));
    await superlink.waitForLine(/The port of the page was lost and is taken again/, START_MS);
    for (const connection of held) connection.close();

    const deadline = Date.now() + START_MS;
    let status: number | undefined;
    while (status === undefined && Date.now() < deadline) {
      status = await fetch(`http://127.0.0.1:${page}/readyz`).then(
        async (response) => (await response.body?.cancel(), response.status),
        () => undefined,
      );
      if (status === undefined) await delay(100);
    }
    assertEquals(status, 200);
    assert(superlink.isRunning);
  },
);
