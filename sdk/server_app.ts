import type { Context } from "./context.ts";
import type { Grid } from "./grid.ts";

/** Runs the whole of a federated program: sends messages to nodes and works with the replies. */
export type ServerMain = (grid: Grid, context: Context) => void | Promise<void>;

/**
 * The part of an app that runs at the SuperLink, once a run. What its main function throws makes the
 * run fail, with the error's text as the reason.
 *
 * ```ts
 * import { ArrayRecord, FedAvg, intOf, ndArray, ServerApp } from "@trellis/sdk";
 *
 * export const app = new ServerApp(async (grid, context) => {
 *   const result = await new FedAvg().start({
 *     grid,
 *     initialArrays: ArrayRecord.fromNdArrays([["weights", ndArray(new Float64Array(4))]]),
 *     numRounds: intOf(context.runConfig, "num-server-rounds"),
 *   });
 *   console.log(result.trainMetricsClientApp.get(1)?.get("train-loss"));
 * });
 * ```
 */
export class ServerApp {
  readonly #main: ServerMain;

  constructor(main: ServerMain) {
    this.#main = main;
  }

  /** Runs the main function to its end. */
  async run(grid: Grid, context: Context): Promise<void> {
    await this.#main(grid, context);
  }
}
