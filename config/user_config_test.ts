import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  parseUserConfig,
  readUserConfig,
  unpairedText,
  UserConfigError,
  type UserConfigValue,
} from "./user_config.ts";

/** The accepted `node_config` vectors, made with Flower 1.25.0. */
const ACCEPTED: readonly (readonly [string, Record<string, UserConfigValue>])[] = [
  ["partition-id=0 num-partitions=2", { "partition-id": 0n, "num-partitions": 2n }],
  ['key1="value1" partition-id=0 num-partitions=100', {
    "key1": "value1",
    "partition-id": 0n,
    "num-partitions": 100n,
  }],
  ["key1='value one' k2=\"a b c\"", { "key1": "value one", "k2": "a b c" }],
  ["a=1 b=1.5 c=true d=false", { "a": 1n, "b": 1.5, "c": true, "d": false }],
  ["lr=1e-3 n=1_000 h=0xff", { "lr": 0.001, "n": 1000n, "h": 255n }],
  ['a.b=1 a.c="x"', { "a.b": 1n, "a.c": "x" }],
  ["a={x=1}", { "a.x": 1n }],
  ['name=""', { "name": "" }],
  ["a = 1", {}],
  ["flag", {}],
  ["", {}],
  ["a=-5 b=+7 c=inf d=nan", { "a": -5n, "b": 7n, "c": Infinity, "d": NaN }],
  ['dataset="/data/x=y"', { "dataset": "/data/x=y" }],
  ["a=1\nb=2", { "a": 1n, "b": 2n }],
  ["a='it''s'", { "a": "it" }],
  ['a="x"b=2', { "a": "x", "b": 2n }],
  ["a=1 # c", { "a": 1n }],
  ["a=9223372036854775808", { "a": 9223372036854775808n }],
  ["x='back\\slash'", { "x": "back\\slash" }],
  ['x="tab\\t"', { "x": "tab\t" }],
];

/** The refused ones. */
const REFUSED = [
  "a=abc",
  "a=True",
  "a=[1,2]",
  "d=2025-01-01",
  "a=1,b=2",
  "a=1 a=2",
  "a=01",
  '"quoted key"=1',
  "a=12:30:00",
  "a=1.",
  'x="q\\"z"',
];

Deno.test("parseUserConfig reads what Flower 1.25.0 reads", () => {
  for (const [text, expected] of ACCEPTED) {
    assertEquals(Object.fromEntries(parseUserConfig(text)), expected, text);
  }
});

Deno.test("parseUserConfig refuses what Flower 1.25.0 refuses", () => {
  for (const text of REFUSED) assertThrows(() => parseUserConfig(text), UserConfigError);
});

Deno.test("parseUserConfig quotes the pair that is wrong and says how to write it", () => {
  assertThrows(() => parseUserConfig("lr=0.1 name=abc"), UserConfigError, '"name = abc"');
  assertThrows(() => parseUserConfig("name=abc"), UserConfigError, "strings in quotes");
  assertThrows(() => parseUserConfig("a=[1]"), UserConfigError, 'The value of "a"');
});

Deno.test("parseUserConfig keeps names that objects have by themselves", () => {
  assertEquals([...parseUserConfig("__proto__=1 constructor=2")], [
    ["__proto__", 1n],
    ["constructor", 2n],
  ]);
});

Deno.test("unpairedText names what was passed over", () => {
  assertEquals(unpairedText("lr = 0.1"), "lr = 0.1");
  assertEquals(unpairedText("a=1 flag b='x y'"), "flag");
  assertEquals(unpairedText("a=1 b=2"), "");
});

Deno.test("readUserConfig lets a later text override an earlier one", async () => {
  const config = await readUserConfig(["a=1 b.c=1 b.d=2", "", "a=2 b.c=3"]);
  assertEquals(Object.fromEntries(config), { a: 2n, "b.c": 3n });
  assertEquals(await readUserConfig([]), new Map());
});

Deno.test("readUserConfig reads one TOML file, alone", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/config.toml`;
    await Deno.writeTextFile(path, 'lr = 0.5\n[model]\nname = "x"\n');
    assertEquals(Object.fromEntries(await readUserConfig([path])), { lr: 0.5, "model.name": "x" });
    await assertRejects(() => readUserConfig([path, "a=1"]), UserConfigError, "one or the other");
    await assertRejects(() => readUserConfig(["key=a.toml"]), UserConfigError, "cannot be read");
    await Deno.writeTextFile(path, "lr =");
    await assertRejects(() => readUserConfig([path]), UserConfigError, "line 1");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
