/**
 * What the iris apps come to, for tests.
 *
 * @module
 */

import { assertAlmostEquals, assertEquals } from "@std/assert";
import { readAppConfig } from "../../fab/app_config.ts";
import { LocalFederation, testContext } from "../../sdk/testing/local_federation.ts";
import { app as clientApp } from "../iris-typescript/client_app.ts";
import { app as serverApp } from "../iris-typescript/server_app.ts";

/** What a round gave. */
export interface Round {
  readonly trainLoss: number;
  readonly evalLoss: number;
  readonly accuracy: number;
}

/** The default settings of the app in TypeScript. */
export async function irisConfig() {
  const file = new URL("../iris-typescript/pyproject.toml", import.meta.url);
  return readAppConfig(await Deno.readTextFile(file)).config;
}

/** The `RESULT` lines of an app's output. */
export function readRounds(output: string): Round[] {
  const lines = output.matchAll(
    /RESULT round=\d+ train-loss=(\S+) eval-loss=(\S+) accuracy=(\S+)/g,
  );
  return Array.from(lines, (line) => {
    const [trainLoss = NaN, evalLoss = NaN, accuracy = NaN] = line.slice(1).map(Number);
    return { trainLoss, evalLoss, accuracy };
  });
}

/** Runs the app in TypeScript in a federation inside this process. */
export async function trainInProcess(nodes: number): Promise<Round[]> {
  const config = await irisConfig();
  const federation = new LocalFederation();
  federation.addNodes(nodes, clientApp, config);
  let output = "";
  const { log } = console;
  console.log = (line: string) => output += `${line}\n`;
  try {
    await serverApp.run(federation.grid(), testContext(0n, {}, config));
  } finally {
    console.log = log;
  }
  return readRounds(output);
}

/** Compares losses to 1e-6, and accuracies as far as they are printed. */
export function assertSameRounds(actual: readonly Round[], expected: readonly Round[]): void {
  assertEquals(actual.length, expected.length);
  for (const [index, round] of actual.entries()) {
    const { trainLoss = NaN, evalLoss = NaN, accuracy = NaN } = expected[index] ?? {};
    assertAlmostEquals(round.trainLoss, trainLoss, 1e-6);
    assertAlmostEquals(round.evalLoss, evalLoss, 1e-6);
    assertAlmostEquals(round.accuracy, accuracy, 1e-4);
  }
}
