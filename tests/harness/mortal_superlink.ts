/**
 * A SuperLink that is killed again and again while peers work with it. A peer's calls are repeated
 * until they are answered, as those of real SuperNodes and apps are.
 *
 * @module
 */

import { assert } from "@std/assert";
import { delay } from "@std/async";
import type { PrivateKey } from "../../keys/private_key.ts";
import { systemClock } from "../../superlink/clock.ts";
import { AppClient } from "../../superlink/testing/app_client.ts";
import { FleetClient } from "../../superlink/testing/fleet_client.ts";
import { type Address, parseAddress } from "../../wire/address.ts";
import { StatusError, type StatusName } from "../../wire/status.ts";
import { RunningProcess } from "./process.ts";
import { TRELLIS } from "./programs.ts";

/** Connections to one start of the SuperLink. */
export interface Life {
  readonly app: AppClient;
  /** One for each key, in their order. */
  readonly fleet: readonly FleetClient[];
}

const START_MS = 60_000;
/** A repeated call comes after so long: a proof from before the restart may still be in the way. */
const PAUSE_MS = 50;
/** What a call ends with whose server was killed. */
const KILLED: readonly StatusName[] = ["UNAVAILABLE", "CANCELLED"];

/** A SuperLink in plain text, on a database of its own. */
export class MortalSuperLink {
  readonly #folder: string;
  readonly #keys: readonly PrivateKey[];
  #process: RunningProcess | undefined;
  /** The connections, while it lives. */
  #life: Life | undefined;
  #alive = Promise.withResolvers<Life>();
  /** How many calls were answered. */
  answered = 0;
  #onAnswer = () => {};

  constructor(folder: string, keys: readonly PrivateKey[]) {
    this.#folder = folder;
    this.#keys = keys;
  }

  /** The database file. */
  get database(): string {
    return `${this.#folder}/superlink.kv`;
  }

  async start(): Promise<void> {
    const any = "127.0.0.1:0";
    const process = new RunningProcess({
      name: "SuperLink",
      command: TRELLIS.superlink.command,
      args: [
        ...TRELLIS.superlink.args,
        ...["--insecure", "--no-http", "--dashboard-address", "none"],
        ...["--isolation", "process", "--database", this.database],
        ...["--fleet-api-address", any, "--control-api-address", any],
        ...["--serverappio-api-address", any, "--hold-time", "1"],
      ],
      env: { FLWR_HOME: this.#folder },
    });
    this.#process = process;
    const address = async (api: string): Promise<Address> => {
      const line = new RegExp(`Starting ${api} on (\\S+) `);
      const [, text = ""] = await process.waitForLine(line, START_MS);
      const found = parseAddress(text);
      assert(found !== undefined);
      return found;
    };
    const [fleetAddress, serverAppAddress, controlAddress] = [
      await address("Fleet API"),
      await address("ServerAppIo API"),
      await address("Control API"),
    ];
    await process.waitForLine(/SuperLink is ready/, START_MS);
    const target = { fleetAddress, clock: systemClock };
    this.#life = {
      app: new AppClient({ serverAppAddress, controlAddress }),
      fleet: await Promise.all(this.#keys.map((key) => FleetClient.create(target, { key }))),
    };
    this.#alive.resolve(this.#life);
  }

  /** Ends it without a chance to clean up. */
  async kill(): Promise<void> {
    this.#alive = Promise.withResolvers<Life>();
    await this.#process?.kill();
    this.#disconnect();
  }

  /** Ends it as an operator does; gives the exit code. */
  async stop(): Promise<number | undefined> {
    this.#disconnect();
    return (await this.#process?.stop())?.code;
  }

  /** Comes back after so many more answers. */
  async answers(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const enough = this.answered + count;
    this.#onAnswer = () => this.answered >= enough && resolve();
    await promise;
  }

  /** Makes a call, as often as it takes to be answered. */
  async call<T>(make: (life: Life) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const answer = await make(await this.#alive.promise);
        this.answered++;
        this.#onAnswer();
        return answer;
      } catch (error) {
        if (!(error instanceof StatusError) || !KILLED.includes(error.status)) throw error;
        await delay(PAUSE_MS);
      }
    }
  }

  /** What it said. */
  transcript(): string {
    return this.#process?.transcript() ?? "";
  }

  #disconnect(): void {
    this.#life?.app[Symbol.dispose]();
    for (const client of this.#life?.fleet ?? []) client[Symbol.dispose]();
    this.#life = undefined;
  }
}
