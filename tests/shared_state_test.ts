/**
 * The tests of the SuperLink once more, on a state as several SuperLinks share it: the rules are the
 * same, and what they are decided on is read from the database each time.
 */

import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { SHARED_STATE_VARIABLE } from "../superlink/testing/test_superlink.ts";
import { REPOSITORY } from "./harness/flower_env.ts";
import { failedTests } from "./harness/junit.ts";
import { RunningProcess } from "./harness/process.ts";

const SUBJECTS = [
  ...["auth/fleet_caller_test.ts", "auth/replay_test.ts", "apps/service_test.ts"],
  ...["control", "fleet", "messages", "objects", "registry", "runs", "runtime"],
].map((path) => join("superlink", path));
const SUITE_MS = 200_000;

/** What is promised only where one SuperLink has the database alone, and why it is not elsewhere. */
const ALONE: Readonly<Record<string, string>> = {
  "No proof from before the start is accepted over gRPC where the state is in memory":
    "the rows of proofs outlive a start",
  "No proof from before the start is accepted over HTTP where the state is in memory": "the same",
  "One that was killed between its calls comes back after a heartbeat interval":
    "a node that has sent no heartbeat may be displaced: its activation may be what is repeated",
  "A SuperNode moves from gRPC to HTTP once its first process is gone": "there is no gRPC",
  "A lost answer to ActivateNode can be asked for again on the same connection":
    "connections are nothing that another SuperLink could see: it counts as a new activation",
  "A second process with a key is refused while the first has its connection":
    "the same, as long as the first has sent no heartbeat",
  "Two processes that use one key by turns are told of in the log": "the same",
  "After a restart a SuperNode has an interval to be heard of, and may activate again":
    "a start is no event: leases run on",
  "A reply is given once, then the instruction is unknown":
    "a reply is given until it is confirmed: who gave it may have ended before it arrived",
  "After a restart a reply is given again, unless it was confirmed":
    "of two that were given, both are given again",
  "A SuperLink that starts has done what was left of an import before it serves":
    "another one may still be at it: what is left is done ten minutes later",
  "What a killed SuperLink had written for a run that has ended goes at the next start":
    "it goes with the next sweep",
};

Deno.test("the SuperLink's tests hold on a shared state, but for what only one alone can promise", async () => {
  const folder = await Deno.makeTempDir({ prefix: "trellis-shared-" });
  try {
    const report = join(folder, "junit.xml");
    await using suite = new RunningProcess({
      name: "deno test",
      command: Deno.execPath(),
      args: ["test", "-A", "--no-check", "--parallel", `--junit-path=${report}`, ...SUBJECTS],
      cwd: REPOSITORY,
      env: { [SHARED_STATE_VARIABLE]: "yes" },
    });
    await suite.waitForExit(SUITE_MS);
    const failed = failedTests(await Deno.readTextFile(report));
    const unexpected = failed.filter((name) => ALONE[name] === undefined);
    assertEquals(unexpected, [], suite.transcript());
    assertEquals(Object.keys(ALONE).filter((name) => !failed.includes(name)), [], "they hold now");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
