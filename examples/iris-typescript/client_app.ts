/** ClientApp: trains and evaluates on the flowers of this node's partition. */

import {
  ArrayRecord,
  arraysOf,
  ClientApp,
  type Context,
  float64Of,
  floatOf,
  intOf,
  MetricRecord,
  ndArray,
  RecordDict,
} from "@trellis/sdk";
import { FEATURES, fit, measure, type Parameters, partition, SPECIES } from "./model.ts";

export const app = new ClientApp()
  .train((message, context) => {
    const { train } = localFlowers(context);
    const parameters = fit(
      readParameters(message.content),
      train,
      intOf(context.runConfig, "local-epochs"),
      floatOf(context.runConfig, "learning-rate"),
    );
    return new RecordDict({
      arrays: ArrayRecord.fromNdArrays([
        ["weights", ndArray(parameters.weights, [FEATURES, SPECIES])],
        ["bias", ndArray(parameters.bias)],
      ]),
      metrics: new MetricRecord({
        "train-loss": measure(parameters, train).loss,
        "num-examples": BigInt(train.length),
      }),
    });
  })
  .evaluate((message, context) => {
    const { test } = localFlowers(context);
    const { loss, accuracy } = measure(readParameters(message.content), test);
    return new RecordDict({
      metrics: new MetricRecord({
        "eval-loss": loss,
        accuracy,
        "num-examples": BigInt(test.length),
      }),
    });
  });

function localFlowers({ nodeConfig }: Context) {
  return partition(intOf(nodeConfig, "partition-id", 0), intOf(nodeConfig, "num-partitions", 1));
}

function readParameters(content: RecordDict): Parameters {
  const arrays = arraysOf(content);
  return { weights: float64Of(arrays, "weights"), bias: float64Of(arrays, "bias") };
}
