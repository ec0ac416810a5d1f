import { NO_AUDIT } from "./audit/audit.ts";
import { assert, assertEquals } from "@std/assert";
import { ReplayGuard } from "../keys/replay_guard.ts";
import { Grants } from "./access/grants.ts";
import type { HttpSessions } from "./auth/http_sessions.ts";
import { LocalGuard } from "./auth/proof_guard.ts";
import type { Imports } from "./registry/imports.ts";
import type { Runs } from "./runs/runs.ts";
import { keys } from "./state/layout.ts";
import { NO_NODE_EVENTS, type Registration } from "./state/node.ts";
import { Nodes } from "./state/nodes.ts";
import type { StorageAlarm } from "./storage_boundary.ts";
import { FakeConnection } from "./testing/fake_connection.ts";
import { findingsIn } from "./state/integrity.ts";
import { LogLines } from "./testing/log_lines.ts";
import { TestClock } from "./testing/test_clock.ts";
import { startUpkeep } from "./upkeep.ts";

const HOUR_S = 3_600;
const WEEK_S = 7 * 24 * HOUR_S;
/** How often upkeep looks after nodes, in milliseconds. */
const NODES_MS = 600_000;
const GUARD_MS = 30_000;

interface Stage {
  readonly kv: Deno.Kv;
  readonly nodes: Nodes;
  readonly guard: ReplayGuard;
  readonly clock: TestClock;
  readonly logged: LogLines;
  /** Does what is due every `periodMs`, and waits until it is done. */
  elapse(periodMs: number): Promise<void>;
}

/** Plays with upkeep's timers in the hand of the test. */
async function onStage(play: (stage: Stage) => Promise<void>): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  const [clock, logged] = [new TestClock(), new LogLines()];
  const nodes = await Nodes.open(kv, NO_NODE_EVENTS, logged.log, clock.micros);
  const guard = new ReplayGuard({ windowMicros: 305_000_000 });
  const timers: [periodMs: number, task: () => void][] = [];
  const { setInterval } = globalThis;
  globalThis.setInterval = ((task: () => void, periodMs: number) => {
    timers.push([periodMs, task]);
    return 0;
  }) as unknown as typeof setInterval;
  const upkeep = startUpkeep({
    nodes,
    guard: new LocalGuard(guard, undefined),
    clock,
    log: logged.log,
    runs: {
      expireDue: () => Promise.resolve([]),
      writeCosts: () => Promise.resolve(),
      cleanUpEnded: () => Promise.resolve(),
    } as unknown as Runs,
    httpSessions: { prune() {} } as unknown as HttpSessions,
    grants: new Grants(kv, clock),
    imports: { finish: () => Promise.resolve() } as unknown as Imports,
    alarm: {} as StorageAlarm,
    audit: NO_AUDIT,
    toldUntilMicros: clock.micros,
  });
  globalThis.setInterval = setInterval;
  const elapse = async (periodMs: number) => {
    const due = timers.filter(([period]) => period === periodMs);
    assert(due.length > 0, `nothing is done every ${periodMs} ms`);
    for (const [, task] of due) task();
    await upkeep.stop();
  };
  try {
    await play({ kv, nodes, guard, clock, logged, elapse });
    assertEquals(await findingsIn(kv), []);
  } finally {
    await upkeep.stop();
    kv.close();
  }
}

function registration(keyId: string, keyless: boolean): Registration {
  return {
    keyId,
    fingerprint: "SHA256:x",
    publicKeyPem: new Uint8Array([1]),
    keyless,
    ownerId: "<id:none>",
    ownerName: "<name:none>",
    heartbeatIntervalS: 30,
  };
}

Deno.test("Upkeep leaves the hash of a key of a keyless node an hour after it unregistered", () =>
  onStage(async ({ kv, nodes, clock, elapse }) => {
    for (const keyless of [true, false]) {
      const row = await nodes.register(registration(String(keyless), keyless), clock.micros);
      await nodes.unregister(row!.nodeId, clock.micros, () => true);
    }
    clock.advance({ seconds: HOUR_S });
    await elapse(NODES_MS);
    assertEquals((await nodes.list(clock.micros)).length, 2, "an hour is not over yet");
    clock.advance({ micros: 1 });
    await elapse(NODES_MS);
    assertEquals((await nodes.list(clock.micros)).map(({ row }) => row.keyless), [false]);
    assertEquals((await kv.get(keys.key("true"))).value, {});
    assertEquals(await nodes.register(registration("true", true), clock.micros), undefined);
  }));

Deno.test("Upkeep unregisters keyless nodes after a week of silence, and says so", () =>
  onStage(async ({ nodes, clock, logged, elapse }) => {
    const [gone, back] = [
      await nodes.register(registration("gone", true), clock.micros),
      await nodes.register(registration("back", true), clock.micros),
    ];
    await nodes.register(registration("known", false), clock.micros);
    clock.advance({ seconds: WEEK_S });
    await elapse(NODES_MS);
    assertEquals(logged.of("node.retired"), []);
    await nodes.activate("back", 30, new FakeConnection(), clock.micros);
    clock.advance({ micros: 1 });
    await elapse(NODES_MS);
    assertEquals(logged.of("node.retired").map(({ nodeId }) => nodeId), [String(gone!.nodeId)]);
    const statuses = new Map(
      (await nodes.list(clock.micros)).map(({ row }) => [row.keyId, row.status]),
    );
    assertEquals(Object.fromEntries(statuses), {
      gone: "unregistered",
      back: "online",
      known: "registered",
    });
    assertEquals((await nodes.get(back!.nodeId))?.row.status, "online");
  }));

Deno.test("Upkeep lets go of proofs that have left the window, and keeps the others", () =>
  onStage(async ({ guard, clock, elapse }) => {
    guard.accept("key", true, clock.micros, 1n);
    clock.advance({ seconds: 200 });
    guard.accept("key", true, clock.micros, 2n);
    clock.advance({ seconds: 106 });
    await elapse(GUARD_MS);
    assertEquals(guard.size, 1);
    assertEquals(guard.accept("key", true, clock.micros - 106_000_000, 2n), "seen");
  }));

Deno.test("Upkeep goes on after a task has failed, and says so", () =>
  onStage(async ({ nodes, clock, logged, elapse }) => {
    const { retireSilent } = nodes;
    nodes.retireSilent = () => Promise.reject(new Error("no luck"));
    await elapse(NODES_MS);
    assertEquals(logged.of("superlink.upkeep-failed").length, 1);
    nodes.retireSilent = retireSilent;
    await nodes.register(registration("gone", true), clock.micros);
    clock.advance({ seconds: 2 * WEEK_S });
    await elapse(NODES_MS);
    assertEquals(logged.of("node.retired").length, 1);
  }));
