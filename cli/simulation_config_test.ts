import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseUserConfig } from "../config/user_config.ts";
import { ExitError } from "../terminal/errors.ts";
import { simulationConfig } from "./simulation_config.ts";

Deno.test("simulationConfig has what the options of a connection say, and nothing else", () => {
  assertEquals(simulationConfig(new Map()), {});
  const options = parseUserConfig(
    'num-supernodes=10 verbose=true backend.name="ray" backend.client-resources.num-cpus=2 ' +
      "backend.client-resources.num-gpus=0.5 backend.init-args.num-cpus=4 " +
      'backend.init-args.num-gpus=1 backend.init-args.logging-level="info" ' +
      "backend.init-args.log-to-driver=false",
  );
  assertEquals(simulationConfig(options), {
    numSupernodes: 10,
    verbose: true,
    backend: "ray",
    clientResourcesNumCpus: 2,
    clientResourcesNumGpus: 0.5,
    initArgsNumCpus: 4,
    initArgsNumGpus: 1,
    initArgsLoggingLevel: "info",
    initArgsLogToDriver: false,
  });
});

Deno.test("simulationConfig refuses names and values that there are not", () => {
  const table: [options: string, words: string][] = [
    ["num-supernode=10", '"num-supernode"'],
    ["num-supernodes=1.5", "a whole number"],
    ["num-supernodes=-1", "a number from 0 on"],
    ["num-supernodes=4294967296", "a whole number"],
    ["verbose=1", "true or false"],
    ["backend.name=1", "a text"],
    ['backend.client-resources.num-gpus="x"', "a number"],
  ];
  for (const [options, words] of table) {
    const error = assertThrows(() => simulationConfig(parseUserConfig(options)), ExitError);
    assertStringIncludes(error.message, words);
  }
});
