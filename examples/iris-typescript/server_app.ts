/** ServerApp: runs FedAvg for a few rounds and prints what came out. */

import { ArrayRecord, FedAvg, floatOf, intOf, ndArray, ServerApp } from "@trellis/sdk";
import { FEATURES, SPECIES } from "./model.ts";

export const app = new ServerApp(async (grid, { runConfig }) => {
  const minNodes = intOf(runConfig, "min-nodes");
  const strategy = new FedAvg({
    minTrainNodes: minNodes,
    minEvaluateNodes: minNodes,
    minAvailableNodes: minNodes,
  });
  const result = await strategy.start({
    grid,
    initialArrays: ArrayRecord.fromNdArrays([
      ["weights", ndArray(new Float64Array(FEATURES * SPECIES), [FEATURES, SPECIES])],
      ["bias", ndArray(new Float64Array(SPECIES))],
    ]),
    numRounds: intOf(runConfig, "num-server-rounds"),
  });

  for (const [round, trained] of result.trainMetricsClientApp) {
    const evaluated = result.evaluateMetricsClientApp.get(round);
    if (evaluated === undefined) continue;
    const [trainLoss, evalLoss, accuracy] = [
      floatOf(trained, "train-loss"),
      floatOf(evaluated, "eval-loss"),
      floatOf(evaluated, "accuracy"),
    ];
    console.log(
      `RESULT round=${round} train-loss=${trainLoss.toFixed(8)} eval-loss=${
        evalLoss.toFixed(8)
      } accuracy=${accuracy.toFixed(4)}`,
    );
  }
});
