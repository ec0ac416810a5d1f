import { assertEquals, assertThrows } from "@std/assert";
import { fuseRunConfig } from "./run_config.ts";
import { parseUserConfig, UserConfigError } from "./user_config.ts";

const DEFAULTS = parseUserConfig("rounds=3 model.name='cnn' lr=0.1");

Deno.test("fuseRunConfig overrides what the app declares and keeps its order", () => {
  const fused = fuseRunConfig(DEFAULTS, parseUserConfig("lr=1 model.name='mlp'"));
  assertEquals([...fused], [["rounds", 3n], ["model.name", "mlp"], ["lr", 1n]]);
  assertEquals(DEFAULTS.get("lr"), 0.1);
});

Deno.test("fuseRunConfig names what the app declares when it does not know a name", () => {
  assertThrows(
    () => fuseRunConfig(DEFAULTS, parseUserConfig("round=1")),
    UserConfigError,
    'declares no config value "round". Did you mean "rounds"? It declares: rounds, model.name, lr.',
  );
  assertThrows(() => fuseRunConfig(new Map(), DEFAULTS), UserConfigError, "It declares none.");
});
