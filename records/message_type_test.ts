import { assertEquals, assertThrows } from "@std/assert";
import { parseMessageType } from "./message_type.ts";
import { RecordError } from "./record_error.ts";

const good: readonly [string, string, string][] = [
  ["train", "train", "default"],
  ["evaluate", "evaluate", "default"],
  ["query", "query", "default"],
  ["system", "system", "default"],
  ["train.default", "train", "default"],
  ["query.stats_2", "query", "stats_2"],
  ["query._", "query", "_"],
  ["query.class", "query", "class"],
  ["query.größe", "query", "größe"],
  ["query.变量", "query", "变量"],
  ["get_parameters", "get_parameters", "default"],
  ["get_properties", "get_properties", "default"],
  ["reconnect", "reconnect", "default"],
];

Deno.test("parseMessageType() takes apart what Flower accepts", () => {
  for (const [text, category, action] of good) {
    assertEquals(parseMessageType(text), { category, action });
  }
});

const bad = [
  "",
  "fit",
  "Train",
  " train",
  "train ",
  "train.",
  ".train",
  ".",
  "train..a",
  "train.a.b",
  "train.a.b.c",
  "train.2",
  "train.a-b",
  "train.a b",
  "train.a\n",
  "train.🌸",
  "get_parameters.a",
  "reconnect.default",
  "default",
];

Deno.test("parseMessageType() refuses everything else", () => {
  for (const text of bad) assertThrows(() => parseMessageType(text), RecordError);
});
