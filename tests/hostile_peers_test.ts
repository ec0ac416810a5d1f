/**
 * Peers without any proof that send what no client sends. glibc fills memory that is freed, so that
 * whoever uses it afterwards is found out at once and not one time in a thousand.
 */

import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../superlink/clock.ts";
import { FleetClient } from "../superlink/testing/fleet_client.ts";
import { type Address, parseAddress } from "../wire/address.ts";
import { scene } from "./harness/scene.ts";
import { type Program, TRELLIS } from "./harness/programs.ts";

const START_MS = 60_000;
const SUPERLINK: Program = { ...TRELLIS.superlink, env: { MALLOC_PERTURB_: "165" } };

const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, window: 8 };
const END_STREAM = 1;
const END_HEADERS = 4;
const text = new TextEncoder();
const bytes = (...values: number[]) => new Uint8Array(values);
const PREFACE = text.encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

/** One HTTP/2 frame (RFC 9113 section 4.1). */
function frame(type: number, flags: number, stream: number, payload = bytes()): Uint8Array {
  const { length } = payload;
  return concat([
    bytes(length >> 16, length >> 8 & 255, length & 255, type, flags),
    bytes(0, 0, stream >> 8, stream & 255),
    payload,
  ]);
}

/** A header that goes into no table (RFC 7541 section 6.2.2). */
function header(name: string, value: string): Uint8Array {
  const [n, v] = [text.encode(name), text.encode(value)];
  return concat([bytes(0, n.length), n, bytes(v.length), v]);
}

function call(stream: number, path: string, flags = END_HEADERS): Uint8Array {
  const block = concat([
    header(":method", "POST"),
    header(":scheme", "http"),
    header(":path", path),
    header(":authority", "x"),
    header("content-type", "application/grpc"),
    header("te", "trailers"),
  ]);
  return frame(FRAME.headers, flags, stream, block);
}

const settings = frame(FRAME.settings, 0, 0);
const goaway = (code: number) => frame(FRAME.goaway, 0, 0, bytes(0, 0, 0, 0, 0, 0, 0, code));
const reset = (stream: number, code: number) => frame(FRAME.reset, 0, stream, bytes(0, 0, 0, code));
const KNOWN = "/flwr.proto.Fleet/PullMessages";
const UNKNOWN = "/flwr.proto.Fleet/Nothing";

/** What peers send in one go, after the greeting. */
const GREETINGS: [name: string, frames: Uint8Array[]][] = [
  ["says goodbye", [goaway(0)]],
  ["says goodbye twice", [goaway(0), goaway(0)]],
  ["says goodbye with an error", [goaway(2)]],
  ["calls and says goodbye", [call(1, KNOWN), goaway(0)]],
  ["calls, resets and says goodbye", [call(1, KNOWN), reset(1, 8), goaway(0)]],
  ["calls a method that is not there, and resets", [call(1, UNKNOWN), reset(1, 8)]],
  ["calls a service that is not there, and resets", [call(1, "/x/y"), reset(1, 8)]],
  ["calls no path, and resets", [call(1, "/"), reset(1, 0)]],
  ["calls and breaks the protocol", [call(1, KNOWN), frame(FRAME.data, 0, 7, bytes(1))]],
  ["calls, ends and breaks the protocol", [
    call(1, KNOWN, END_HEADERS | END_STREAM),
    frame(FRAME.headers, END_HEADERS, 2),
  ]],
  ["breaks the protocol", [frame(FRAME.window, 0, 0, bytes(0, 0, 0, 0))]],
  ["sends a frame that is too large", [bytes(255, 255, 255, 0, 0, 0, 0, 0, 1)]],
  ["ends in the middle of a frame", [call(1, KNOWN).slice(0, 20)]],
];

/** Connects, sends, and goes away a moment later. */
async function visit({ host, port }: Address, parts: readonly Uint8Array[]): Promise<void> {
  const connection = await Deno.connect({ hostname: host, port });
  try {
    for (const part of parts) await connection.write(part);
    // Until the other side has something to say, or is done with us.
    await connection.read(new Uint8Array(1024));
  } catch (error) {
    const isClosed = error instanceof Deno.errors.BrokenPipe ||
      error instanceof Deno.errors.ConnectionReset;
    if (!isClosed) throw error;
  } finally {
    connection.close();
  }
}

/** Frames in any order, the same each time. */
class Chance {
  #state = 20_240_229;

  below(limit: number): number {
    this.#state = (this.#state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor(this.#state / 2_147_483_648 * limit);
  }

  frames(): Uint8Array[] {
    return Array.from({ length: 1 + this.below(8) }, () => this.#frame());
  }

  #frame(): Uint8Array {
    const stream = 1 + 2 * this.below(4);
    switch (this.below(8)) {
      case 0:
      case 1:
        return call(
          stream,
          [KNOWN, UNKNOWN, "/x/y"][this.below(3)]!,
          END_HEADERS + this.below(2) * END_STREAM,
        );
      case 2:
        return frame(FRAME.data, this.below(2), stream, bytes(0, 0, 0, 0, this.below(4)));
      case 3:
        return reset(stream, this.below(9));
      case 4:
        return goaway(this.below(3));
      case 5:
        return frame(FRAME.ping, this.below(2), 0, new Uint8Array(8));
      case 6:
        return frame(FRAME.window, 0, this.below(3), bytes(0, 0, this.below(2), 1));
      default:
        return frame(FRAME.settings, 0, 0, bytes(0, 4, 0, 0, this.below(255), 0));
    }
  }
}

scene("A SuperLink survives peers that send what no client sends", [], async (scene) => {
  const superlink = scene.start(SUPERLINK, {
    name: "SuperLink",
    args: [
      ...["--insecure", "--no-http", "--isolation", "process", "--database", ":memory:"],
      ...["--fleet-api-address", "127.0.0.1:0", "--control-api-address", "127.0.0.1:0"],
      ...["--serverappio-api-address", "127.0.0.1:0", "--dashboard-address", "none"],
    ],
  });
  const [, address = ""] = await superlink.waitForLine(/Fleet API on (\S+) /, START_MS);
  await superlink.waitForLine(/SuperLink is ready/, START_MS);
  const fleetAddress = parseAddress(address);
  assert(fleetAddress !== undefined);
  const target = { fleetAddress, clock: systemClock };

  for (const [name, frames] of GREETINGS) {
    for (let visits = 0; visits < 5; visits++) {
      await visit(fleetAddress, [concat([PREFACE, settings, ...frames])]);
    }
    await visit(fleetAddress, [PREFACE, settings, ...frames]);
    using node = await FleetClient.create(target);
    assert(await node.join() > 0n, name);
    assert(superlink.isRunning, name);
  }

  const chance = new Chance();
  const worker = async () => {
    for (let visits = 0; visits < 200; visits++) {
      await visit(fleetAddress, [concat([PREFACE, settings, ...chance.frames()])]);
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  using node = await FleetClient.create(target);
  assertEquals(await node.heartbeat(await node.join()), true);
});
