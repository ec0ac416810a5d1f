import { assertEquals } from "@std/assert";
import { forgetTokens, OPERATOR_TOKEN_VARIABLE } from "./token_variables.ts";

Deno.test("A server takes the tokens out of its environment, and nothing else", () => {
  const env = new Map([["TRELLIS_TOKEN", "a"], [OPERATOR_TOKEN_VARIABLE, "b"], ["PATH", "c"]]);
  forgetTokens(env);
  assertEquals([...env.keys()], ["PATH"]);
});
