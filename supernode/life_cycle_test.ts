import { assertEquals, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { generatePrivateKey, type PrivateKey } from "../keys/private_key.ts";
import { LogLines } from "../superlink/testing/log_lines.ts";
import { ExitError } from "../terminal/errors.ts";
import { runLifeCycle } from "./life_cycle.ts";
import { untilAborted } from "./waiting.ts";
import { FakeClock } from "./testing/fake_clock.ts";
import { FakeFleet, type Script, UNKNOWN_KEY, UNKNOWN_NODE } from "./testing/fake_fleet.ts";

/** Work that there is none of. */
async function idle(stop: AbortSignal, cut: AbortSignal): Promise<undefined> {
  await untilAborted(untilAborted(new Promise(() => {}), stop), cut);
}

/** Starts a life whose stays are scripted one after the other. */
function startLife(options: { key?: PrivateKey }, ...scripts: Script[]) {
  const clock = new FakeClock();
  const logged = new LogLines();
  const stop = new AbortController();
  const keys: PrivateKey[] = [];
  const fleets = scripts.map((script) => new FakeFleet(script));
  const link = { connections: 1 };
  const ended = runLifeCycle({
    key: options.key,
    connect(key) {
      const calls = fleets[keys.push(key) - 1]!;
      return Promise.resolve({ calls, work: (_, stop, cut) => idle(stop, cut) });
    },
    connections: () => link.connections,
    superlink: "192.0.2.7:9092",
    clock,
    random: () => 0.5,
    log: logged.log,
  }, stop.signal);
  return { clock, logged, stop, keys, fleets, link, ended };
}

Deno.test("runLifeCycle joins, sends heartbeats, and leaves when it is stopped", async () => {
  const { clock, logged, stop, keys, fleets, ended } = startLife({}, {});
  await clock.tick();
  const joined = await logged.untilLogged("node.joined");
  await clock.tick();
  stop.abort("SIGTERM");
  await ended;
  assertEquals(joined.nodeId, "7");
  assertEquals(joined.fingerprint, keys[0]?.publicKey.fingerprint);
  assertEquals(fleets[0]?.calls.slice(0, 3), ["registerNode", "activateNode", "sendHeartbeat 7"]);
  assertEquals(fleets[0]?.calls.slice(-2), ["deactivateNode 7", "unregisterNode 7"]);
});

Deno.test("runLifeCycle joins with a fresh key when a restarted SuperLink forgot it", async () => {
  const { clock, logged, stop, keys, fleets, link, ended } = startLife(
    {},
    {
      sendHeartbeat: [true, () => {
        link.connections++;
        throw UNKNOWN_NODE;
      }],
    },
    { registerNode: [9n], activateNode: [9n] },
  );
  await clock.tick();
  await logged.untilLogged("node.joined", 2);
  stop.abort("SIGTERM");
  await ended;
  assertNotEquals(keys[0]?.publicKey.id, keys[1]?.publicKey.id);
  assertEquals(fleets[0]?.calls.includes("deactivateNode 7"), false);
  assertEquals(fleets[1]?.calls.slice(-2), ["deactivateNode 9", "unregisterNode 9"]);
});

Deno.test("runLifeCycle ends when a SuperLink that was never away unregistered it", async () => {
  const { clock, fleets, ended } = startLife({}, { sendHeartbeat: [true, UNKNOWN_NODE] });
  const error = assertRejects(() => ended, ExitError, "was unregistered");
  await clock.tick();
  assertEquals([(await error).exitCode, (await error).flowerCode], [1, 305]);
  assertEquals(fleets[0]?.calls.at(-1), "sendHeartbeat 7");
});

Deno.test("runLifeCycle activates the operator's key again when it is refused", async () => {
  const key = await generatePrivateKey();
  const { clock, logged, stop, keys, fleets, ended } = startLife(
    { key },
    { sendHeartbeat: [true, UNKNOWN_NODE] },
    {},
  );
  await clock.tick();
  await logged.untilLogged("node.joined", 2);
  stop.abort("SIGTERM");
  await ended;
  assertEquals(keys, [key, key]);
  assertEquals(fleets[1]?.calls[0], "activateNode");
});

Deno.test("runLifeCycle ends when the operator's key was unregistered", async () => {
  const key = await generatePrivateKey();
  const { clock, ended } = startLife(
    { key },
    { sendHeartbeat: [true, UNKNOWN_NODE] },
    { activateNode: [UNKNOWN_KEY] },
  );
  const refused = assertRejects(() => ended, ExitError, key.publicKey.fingerprint);
  await clock.tick();
  assertStringIncludes((await refused).message, "192.0.2.7:9092");
});

Deno.test("runLifeCycle does not join for ever where no heartbeat is accepted", async () => {
  const key = await generatePrivateKey();
  const { fleets, ended } = startLife({ key }, { sendHeartbeat: [UNKNOWN_NODE] });
  await assertRejects(() => ended, ExitError, "Invalid node ID");
  assertEquals(fleets[0]?.calls, ["activateNode", "sendHeartbeat 7"]);
});

Deno.test("runLifeCycle that is stopped while it joins gives up what it registered", async () => {
  const activating = Promise.withResolvers<void>();
  const { stop, fleets, ended } = startLife({}, {
    activateNode: [(signal) => {
      activating.resolve();
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      );
    }],
  });
  await activating.promise;
  stop.abort("SIGINT");
  await ended;
  assertEquals(fleets[0]?.calls, ["registerNode", "activateNode", "unregisterNode 7"]);
});
