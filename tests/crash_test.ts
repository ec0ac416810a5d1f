/**
 * The SuperLink is killed at 50 random moments while SuperNodes register, activate, deactivate and
 * unregister. What it had answered must be on disk, every row with its indexes, and no proof that it
 * had accepted may be accepted again.
 */

import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async";
import { parseTimestamp } from "../keys/timestamp.ts";
import type { Proof } from "../keys/proof.ts";
import { systemClock } from "../superlink/clock.ts";
import { openDatabase } from "../superlink/state/database.ts";
import { keys, type NodeRow, type NodeStatus } from "../superlink/state/layout.ts";
import { FleetClient, refusal } from "../superlink/testing/fleet_client.ts";
import { findingsIn } from "../superlink/state/integrity.ts";
import { type Address, parseAddress } from "../wire/address.ts";
import { StatusError } from "../wire/status.ts";
import { RunningProcess } from "./harness/process.ts";
import { TRELLIS } from "./harness/programs.ts";
import { proofHeaders } from "../wire/proof_headers.ts";

const KILLS = 50;
/** Each has a SuperLink of its own, so that two cores have something to do. */
const LANES = 2;
/** SuperNodes that are busy at the same time, in each lane. */
const WORKERS = 6;
/** The longest time under load before a kill, from the first answer on. */
const LOAD_MS = 250;
/** One kill in so many comes while the SuperLink is still starting. */
const KILLS_AT_START = 8;
const START_MS = 60_000;
/** So long that no lease ends in this test. */
const HEARTBEAT_INTERVAL_S = 1800;
/** grpc-js keeps timers for so long after a connection could not be made. */
const BACKOFFS_MS = 3_500;

/** A SuperNode, as far as the SuperLink has answered for it. */
interface Known {
  readonly client: FleetClient;
  /** Absent when its registration was not answered. */
  nodeId?: bigint;
  status?: NodeStatus;
  /** What was asked for and not answered. */
  asked?: NodeStatus;
  /** The proof that was accepted last. */
  proof?: Proof;
}

type Step = (known: Known, call: Call) => Promise<unknown>;
type Call = <T>(known: Known, asked: NodeStatus, make: (proof: Proof) => Promise<T>) => Promise<T>;

const register: Step = async (known, call) => {
  const { client } = known;
  const { nodeId } = await call(
    known,
    "registered",
    (proof) =>
      client.call(
        client.method.registerNode,
        { publicKey: client.publicKeyPem },
        proofHeaders(proof),
      ),
  );
  known.nodeId = nodeId;
};

const activate: Step = (known, call) => {
  const { client } = known;
  const request = { publicKey: client.publicKeyPem, heartbeatInterval: HEARTBEAT_INTERVAL_S };
  return call(
    known,
    "online",
    (proof) => client.call(client.method.activateNode, request, proofHeaders(proof)),
  );
};

const deactivate: Step = (known, call) => {
  const { client, nodeId = 0n } = known;
  return call(
    known,
    "offline",
    (proof) => client.call(client.method.deactivateNode, { nodeId }, proofHeaders(proof)),
  );
};

const unregister: Step = (known, call) => {
  const { client, nodeId = 0n } = known;
  return call(
    known,
    "unregistered",
    (proof) => client.call(client.method.unregisterNode, { nodeId }, proofHeaders(proof)),
  );
};

/** What SuperNodes do with their lives. */
const LIVES: readonly (readonly Step[])[] = [
  [register],
  [register, activate],
  [register, unregister],
  [register, activate, deactivate],
  [register, activate, unregister],
  [register, activate, deactivate, activate],
  [register, activate, deactivate, activate, deactivate, unregister],
];

/** One database, and the SuperLinks that are killed over it one after the other. */
class Lane {
  readonly #folder: string;
  readonly #known: Known[] = [];
  /** How many changes were answered. */
  answered = 0;
  #onAnswer = () => {};
  replayed = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async round(number: number): Promise<void> {
    const superlink = new RunningProcess({
      name: `SuperLink of round ${number}`,
      command: TRELLIS.superlink.command,
      args: [
        ...TRELLIS.superlink.args,
        ...["--insecure", "--no-http", "--isolation", "process", "--database", this.#database],
        ...["--fleet-api-address", "127.0.0.1:0", "--control-api-address", "127.0.0.1:0"],
        ...["--serverappio-api-address", "127.0.0.1:0", "--dashboard-address", "none"],
      ],
      env: { FLWR_HOME: this.#folder },
    });
    try {
      if (number % KILLS_AT_START === 0) await delay(Math.random() * 1000);
      else await this.#load(superlink);
    } catch (error) {
      console.error(superlink.transcript());
      throw error;
    } finally {
      await superlink.kill();
    }
    await this.#check();
  }

  get #database(): string {
    return join(this.#folder, "superlink.kv");
  }

  async #load(superlink: RunningProcess): Promise<void> {
    const [, text = ""] = await superlink.waitForLine(/Fleet API on (\S+) /, START_MS);
    await superlink.waitForLine(/SuperLink is ready/, START_MS);
    const fleetAddress = parseAddress(text);
    assert(fleetAddress !== undefined);
    await this.#replay(fleetAddress);
    const clients: FleetClient[] = [];
    let killed = false;
    const worker = async () => {
      while (!killed) {
        const client = await FleetClient.create({ fleetAddress, clock: systemClock });
        clients.push(client);
        const known: Known = { client };
        this.#known.push(known);
        const life = LIVES[Math.floor(Math.random() * LIVES.length)] ?? [];
        try {
          for (const step of life) await step(known, this.#call);
        } catch (error) {
          if (!killed || !(error instanceof StatusError)) throw error;
        }
      }
    };
    const { promise: firstAnswer, resolve } = Promise.withResolvers<void>();
    this.#onAnswer = resolve;
    const moment = firstAnswer.then(() => delay(Math.random() * LOAD_MS));
    const working = Array.from({ length: WORKERS }, worker);
    // A worker that fails by itself ends the wait.
    await Promise.race([moment, ...working]);
    killed = true;
    await superlink.kill();
    await Promise.all(working);
    for (const client of clients) client[Symbol.dispose]();
  }

  readonly #call: Call = async (known, asked, make) => {
    const proof = await known.client.prove();
    known.asked = asked;
    const answer = await make(proof);
    known.status = asked;
    delete known.asked;
    known.proof = proof;
    this.answered++;
    this.#onAnswer();
    return answer;
  };

  /** Sends the last proofs that were accepted before the kill again. */
  async #replay(fleetAddress: Address): Promise<void> {
    const living = this.#known.filter(({ status, proof }) => proof && status !== "unregistered");
    for (const { client: { key }, nodeId, proof } of living.slice(-5)) {
      using captor = await FleetClient.create({ fleetAddress, clock: systemClock }, { key });
      const request = { node: { nodeId: nodeId ?? 0n }, heartbeatInterval: HEARTBEAT_INTERVAL_S };
      const headers = proofHeaders(proof!);
      const again = captor.call(captor.method.sendNodeHeartbeat, request, headers);
      assertEquals((await refusal(again))[0], "UNAVAILABLE");
      this.replayed++;
    }
  }

  async #check(): Promise<void> {
    const database = await openDatabase(this.#database);
    try {
      assertEquals(await findingsIn(database.kv), []);
      const rows = new Map<string, NodeRow>();
      for await (const { value } of database.kv.list<NodeRow>({ prefix: keys.nodes })) {
        rows.set(value.keyId, value);
      }
      for (const known of this.#known) await this.#checkNode(database.kv, rows, known);
    } finally {
      await database.close();
    }
  }

  async #checkNode(kv: Deno.Kv, rows: Map<string, NodeRow>, known: Known): Promise<void> {
    const { client: { key }, nodeId, status, asked, proof } = known;
    const row = rows.get(key.publicKey.id);
    const found = `${row?.nodeId} is ${row?.status}`;
    const expected = `${nodeId} is ${status}${asked ? `, or ${asked}` : ""}`;
    assert(
      row?.status === status || row?.status === asked,
      `found: ${found}; answered: ${expected}`,
    );
    if (nodeId !== undefined) assertEquals(row?.nodeId, nodeId);
    // What was asked for is now known, one way or the other.
    if (row) [known.nodeId, known.status] = [row.nodeId, row.status];
    delete known.asked;
    if (!row || row.status === "unregistered" || !proof) return;
    const mark = (await kv.get<number>(keys.mark(row.keyId))).value ?? NaN;
    assert(mark >= (parseTimestamp(proof.timestamp) ?? NaN), "an accepted proof has no mark");
  }
}

async function killOften() {
  const folder = await Deno.makeTempDir({ prefix: "trellis-crash-" });
  try {
    const lanes = await Promise.all(Array.from({ length: LANES }, async (_, number) => {
      const home = join(folder, String(number));
      await Deno.mkdir(home);
      const lane = new Lane(home);
      for (let kill = 0; kill < KILLS / LANES; kill++) await lane.round(kill);
      return lane;
    }));
    const answered = lanes.reduce((sum, lane) => sum + lane.answered, 0);
    const replayed = lanes.reduce((sum, lane) => sum + lane.replayed, 0);
    console.log(`${answered} changes were answered, ${replayed} proofs replayed.`);
    assert(answered > KILLS, `too little happened: ${answered}`);
    assert(replayed > KILLS, `too little was replayed: ${replayed}`);
  } finally {
    await delay(BACKOFFS_MS);
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "A SuperLink that is killed 50 times loses nothing that it has answered",
  timeout: 600_000,
  fn: killOften,
});
