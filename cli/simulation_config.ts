import type { MessageInitShape } from "@bufbuild/protobuf";
import type { UserConfig, UserConfigValue } from "../config/user_config.ts";
import type { SimulationConfigSchema } from "../proto/gen/flwr1_41/proto/federation_pb.ts";
import { ExitError } from "../terminal/errors.ts";
import { nearest } from "../terminal/nearest.ts";

type SimulationConfig = MessageInitShape<typeof SimulationConfigSchema>;
type Read = (value: UserConfigValue, name: string) => SimulationConfig;

/** The options of a connection that a simulation can have (Flower 1.28 and newer). */
const OPTIONS: Readonly<Record<string, Read>> = {
  "num-supernodes": (value, name) => ({ numSupernodes: whole(value, name) }),
  "verbose": (value, name) => ({ verbose: truth(value, name) }),
  "backend.name": (value, name) => ({ backend: text(value, name) }),
  "backend.client-resources.num-cpus": (value, name) => ({
    clientResourcesNumCpus: whole(value, name),
  }),
  "backend.client-resources.num-gpus": (value, name) => ({
    clientResourcesNumGpus: quantity(value, name),
  }),
  "backend.init-args.num-cpus": (value, name) => ({ initArgsNumCpus: whole(value, name) }),
  "backend.init-args.num-gpus": (value, name) => ({ initArgsNumGpus: whole(value, name) }),
  "backend.init-args.logging-level": (value, name) => ({
    initArgsLoggingLevel: text(value, name),
  }),
  "backend.init-args.log-to-driver": (value, name) => ({
    initArgsLogToDriver: truth(value, name),
  }),
};

/**
 * The `options.*` of a connection as SuperLinks of Flower 1.28 and newer take them; those of 1.25
 * take any. Throws an {@linkcode ExitError} for a name or a value that there is not.
 */
export function simulationConfig(options: UserConfig): SimulationConfig {
  const configs = Array.from(options, ([name, value]) => {
    const read = OPTIONS[name];
    if (read) return read(value, name);
    const hint = nearest(name, Object.keys(OPTIONS));
    throw new ExitError(`This SuperLink knows no option "${name}".`, {
      remedy: hint ? `Did you mean "${hint}"?` : `It knows: ${Object.keys(OPTIONS).join(", ")}.`,
    });
  });
  return configs.reduce((all, config) => ({ ...all, ...config }), {});
}

function whole(value: UserConfigValue, name: string): number {
  const number = quantity(value, name);
  if (Number.isInteger(number) && number < 2 ** 32) return number;
  throw wrong(name, value, "a whole number");
}

function quantity(value: UserConfigValue, name: string): number {
  const number = typeof value === "bigint" ? Number(value) : value;
  if (typeof number === "number" && number >= 0) return number;
  throw wrong(name, value, "a number from 0 on");
}

function truth(value: UserConfigValue, name: string): boolean {
  if (typeof value === "boolean") return value;
  throw wrong(name, value, "true or false");
}

function text(value: UserConfigValue, name: string): string {
  if (typeof value === "string") return value;
  throw wrong(name, value, "a text in quotes");
}

function wrong(name: string, value: UserConfigValue, what: string): ExitError {
  return new ExitError(`The option "${name}" must be ${what}, not "${value}".`);
}
