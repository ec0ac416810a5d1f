import { assertEquals } from "@std/assert";
import { Control } from "../../proto/gen/flwr/proto/control_pb.ts";
import { NO_AUDIT } from "../audit/audit.ts";
import { countKeys } from "../testing/leftovers.ts";
import { LogLines } from "../testing/log_lines.ts";
import { OperatorClient } from "../testing/operator_client.ts";
import { testFab } from "../testing/test_fab.ts";
import { startTestSuperLink } from "../testing/test_superlink.ts";
import { FAB_SPACE, Fabs } from "./fabs.ts";
import { OldRuns } from "./old_runs.ts";
import { keys } from "../state/layout.ts";

const DAY_MICROS = 24 * 3_600 * 1_000_000;

Deno.test("Runs are deleted with all that is theirs when they ended long enough ago", async () => {
  await using link = await startTestSuperLink();
  using operator = new OperatorClient(link);
  const { clock, database: { kv, blobs } } = link;
  const start = async (name: string) => {
    const fab = {
      content: testFab({
        files: { "quick/server.py": "", "quick/client.py": "", "quick/name.py": name },
      }),
    };
    return (await operator.call(Control.method.startRun, { fab })).runId ?? 0n;
  };
  const stop = (runId: bigint) => operator.call(Control.method.stopRun, { runId });
  const [old, other, open] = [await start("one"), await start("two"), await start("two")];
  await kv.set(keys.log(old, 1), "a line");
  await kv.set(keys.event(old, 1), { at: 1, event: "x", data: "{}" });
  await stop(old);
  await stop(other);
  clock.advance({ seconds: 20 * 86_400 });
  const recent = await start("three");
  await stop(recent);
  clock.advance({ seconds: 11 * 86_400 });
  const rest = { keepMicros: 30 * DAY_MICROS, audit: NO_AUDIT, clock, log: new LogLines().log };

  const oldRuns = new OldRuns({ kv, fabs: new Fabs(blobs), ...rest });
  assertEquals((await oldRuns.sweep()).sort(), [old, other].sort());
  const { runDict } = await operator.call(Control.method.listRuns, {});
  assertEquals(Object.keys(runDict).sort(), [String(open), String(recent)].sort());
  assertEquals([await countKeys(link.database, "log"), await countKeys(link.database, "event")], [
    ...[0, 0],
  ]);
  const hashOf = (runId: bigint) => runDict[String(runId)]!.fabHash;
  assertEquals(await blobs.get(FAB_SPACE, hashOf(open)) !== undefined, true);
  assertEquals(await blobs.get(FAB_SPACE, hashOf(recent)) !== undefined, true);
  assertEquals(await oldRuns.sweep(), []);
});

Deno.test("The FAB of a run that is just about to be made stays", async () => {
  await using link = await startTestSuperLink();
  const fabs = new Fabs(link.database.blobs);
  const hash = "a".repeat(64);
  await fabs.put(hash, new Uint8Array([1]));
  await fabs.delete(hash);
  assertEquals(await fabs.get(hash), new Uint8Array([1]));
  await new Fabs(link.database.blobs).delete(hash);
  assertEquals(await fabs.get(hash), undefined);
});
