import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { NO_AUDIT } from "../audit/audit.ts";
import { openAuditLog } from "../audit/audit_log.ts";
import { catchUpAudit } from "../audit/catch_up.ts";
import { readAudit } from "../audit/read_audit.ts";
import { openDatabase } from "../state/database.ts";
import { NO_NODE_EVENTS, type Registration } from "../state/node.ts";
import { Nodes } from "../state/nodes.ts";
import { FakeConnection } from "../testing/fake_connection.ts";
import { LogLines } from "../testing/log_lines.ts";
import { TestClock } from "../testing/test_clock.ts";
import { ExpiryWatch } from "./expiry.ts";

const DAY_S = 86_400;

Deno.test("The log warns a month, a week and a day before a node expires, once each", async () => {
  const [clock, logged] = [new TestClock(), new LogLines()];
  const row = {
    nodeId: 7n,
    fingerprint: "SHA256:x",
    expiresAt: clock.micros + 40 * DAY_S * 1_000_000,
  };
  const expiring = (from: number, to: number) =>
    Promise.resolve(row.expiresAt >= from && row.expiresAt < to ? [row] : []);
  const watch = new ExpiryWatch({
    ...{ nodes: { expiring } as never, clock, log: logged.log, audit: NO_AUDIT },
    toldUntilMicros: clock.micros,
  });
  const told: number[] = [];
  for (let day = 0; day < 40; day++) {
    const before = logged.lines.length;
    for (let look = 0; look < 3; look++) await watch.warn();
    if (logged.lines.length > before) told.push(40 - day);
    assert(logged.lines.length - before <= 1);
    clock.advance({ seconds: DAY_S });
  }
  assertEquals(told, [29, 6]);
  clock.advance({ seconds: -10 });
  await watch.warn();
  assertEquals(logged.lines.length, 3);
});

Deno.test("The end of a registration has one line, also when it came while nobody served", async () => {
  const folder = await Deno.makeTempDir();
  const [clock, logged] = [new TestClock(), new LogLines()];
  const log = logged.log;
  const audit = join(folder, "audit");
  const barred: bigint[] = [];
  const events = {
    ...NO_NODE_EVENTS,
    barred: ({ nodeId }: { readonly nodeId: bigint }) => void barred.push(nodeId),
  };
  /** From a start to a stop, as a SuperLink does it. */
  const serve = async (play: (nodes: Nodes, watch: ExpiryWatch) => Promise<void>) => {
    const database = await openDatabase(join(folder, "state.kv"));
    {
      await using trail = await openAuditLog(audit, { clock, log });
      const { kv } = database;
      const toldUntilMicros = await catchUpAudit({ kv, folder: audit, trail, clock });
      const nodes = await Nodes.open(kv, events, log, clock.nowMicros());
      const watch = new ExpiryWatch({ nodes, clock, log, audit: trail, toldUntilMicros });
      await play(nodes, watch);
      await watch.cutOff();
      await watch.cutOff();
    }
    await database.close();
  };
  const lapses = async () => {
    const told: string[] = [];
    for await (const { line } of readAudit(audit, { action: "node.lapse" })) {
      assertEquals([line.who["program"], line.subject["fingerprint"]], ["superlink", "SHA256:x"]);
      told.push(`${line.subject["nodeId"]} ${line.subject["expires"]}`);
    }
    return told;
  };
  const after = (seconds: number) => clock.micros + seconds * 1_000_000;
  const lapse = (nodeId: bigint, micros: number) =>
    `${nodeId} ${new Date(micros / 1000).toISOString()}`;
  try {
    const wanted: string[] = [];
    let [first, second] = [0n, 0n];
    await serve(async (nodes, watch) => {
      const [soon, later] = [after(10), after(3_600)];
      const register = async (keyId: string, expiresAt: number) => {
        const row = await nodes.register({ ...REGISTRATION, keyId, expiresAt }, clock.nowMicros());
        return row!.nodeId;
      };
      first = await register("1", soon);
      second = await register("2", later);
      await nodes.activate("1", 30, new FakeConnection(), clock.nowMicros());
      await watch.cutOff();
      assertEquals(barred, []);
      clock.advance({ seconds: 11 });
      await watch.cutOff();
      assertEquals([barred, await nodes.onlineIds()], [[first], []]);
      wanted.push(lapse(first, soon));
      // It ends while nobody serves.
      wanted.push(lapse(second, later));
    });
    assertEquals(logged.of("node.registration-expired").length, 1);
    clock.advance({ seconds: 7_200 });
    for (let start = 0; start < 3; start++) await serve(() => Promise.resolve());
    assertEquals(await lapses(), wanted);
    await serve(async (nodes, watch) => {
      const expiresAt = after(60);
      await nodes.change(first, clock.nowMicros(), (row) => ({ ...row, expiresAt }));
      wanted.push(lapse(first, expiresAt));
      clock.advance({ seconds: 61 });
      await watch.cutOff();
    });
    await serve(() => Promise.resolve());
    assertEquals(await lapses(), wanted);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const REGISTRATION: Registration = {
  ...{ keyId: "", fingerprint: "SHA256:x", publicKeyPem: new Uint8Array([1]), keyless: false },
  ...{ ownerId: "o", ownerName: "o", heartbeatIntervalS: 30 },
};
