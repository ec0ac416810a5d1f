/**
 * Apps for Flower federations in TypeScript: a ServerApp that sends messages to nodes, ClientApps that
 * answer them, and federated averaging. They speak Flower's own messages and records, so either side
 * may also be written in Python.
 *
 * Python's int and float are two types on the wire, and `bigint` and `number` here: write
 * `{ "num-examples": 10n, "loss": 0.5 }`.
 *
 * An app is a folder with a `pyproject.toml` that names its parts (`server_app:app` is the export
 * `app` of `server_app.ts`) and its runtime:
 *
 * ```toml
 * [tool.flwr.app.components]
 * serverapp = "server_app:app"
 * clientapp = "client_app:app"
 *
 * [tool.trellis]
 * runtime = "typescript"
 * ```
 *
 * @module
 */

export { FlowerArray } from "../records/array.ts";
export { ArrayRecord } from "../records/array_record.ts";
export { ConfigRecord } from "../records/config_record.ts";
export { ErrorCode } from "../records/error_code.ts";
export type { ContentMessage, ErrorMessage, Message, MessageError } from "../records/message.ts";
export type { Metadata } from "../records/metadata.ts";
export { MetricRecord } from "../records/metric_record.ts";
export { type DType, type NdArray, ndArray, type TypedArrayOf } from "../records/ndarray.ts";
export { type FlowerRecord, RecordDict } from "../records/record_dict.ts";
export { RecordError } from "../records/record_error.ts";
export type { ConfigValue, MetricValue } from "../records/record_value.ts";
export type { UserConfigValue } from "../config/user_config.ts";

export { ClientApp, type ClientHandler, NoHandlerError } from "./client_app.ts";
export type { Context } from "./context.ts";
export { Grid, type InstructionOptions, type Progress, type SendOptions } from "./grid.ts";
export {
  arraysOf,
  booleanOf,
  configOf,
  float32Of,
  float64Of,
  floatOf,
  intOf,
  metricsOf,
  ndArrayOf,
  ReadError,
  stringOf,
  type Values,
} from "./reading.ts";
export { ServerApp, type ServerMain } from "./server_app.ts";
export { FedAvg, type FedAvgOptions } from "./strategy/fed_avg.ts";
export { InconsistentRepliesError } from "./strategy/inconsistent_replies.ts";
export { StrategyResult } from "./strategy/result.ts";
export {
  type CentralEvaluation,
  type Phase,
  type StartOptions,
  Strategy,
  type TrainOutcome,
} from "./strategy/strategy.ts";
