/**
 * What the environment asks of a SuperLink on Deno Deploy, where there are no flags and no files. All
 * of it is checked before anything is opened, and what is wrong is said at once.
 *
 * @module
 */

import { ExitError } from "../../terminal/errors.ts";
import { OPERATOR_TOKEN_VARIABLE } from "../../terminal/token_variables.ts";
import type { ControlRule } from "../control/access.ts";
import { isSecret, SHORTEST_SECRET } from "../control/operator_token.ts";
import { readLimits } from "../limit_settings.ts";
import type { ChangedLimits } from "../limits.ts";

/** A variable of the environment. */
interface Variable {
  readonly name: string;
  /** What it takes. */
  readonly values: string;
  /** What holds without it. */
  readonly without: string;
  readonly meaning: string;
}

/** Every variable that is read. */
export const VARIABLES = {
  controlToken: {
    name: OPERATOR_TOKEN_VARIABLE,
    values: "at least 32 characters",
    without: "see TRELLIS_CONTROL_API",
    meaning: "Who sends it as bearer of an Authorization header may call the Control API.",
  },
  controlApi: {
    name: "TRELLIS_CONTROL_API",
    values: "closed, open-to-anybody",
    without: "closed, unless there is a token",
    meaning: "Whether anybody on the Internet may register SuperNodes and start runs.",
  },
  supernodes: {
    name: "TRELLIS_SUPERNODES",
    values: "registered, anybody",
    without: "registered",
    meaning: "Which SuperNodes may join: those whose key was registered, or all.",
  },
  superExecSecret: {
    name: "TRELLIS_SUPEREXEC_SECRET",
    values: "at least 32 characters",
    without: "see TRELLIS_RUNTIME_API",
    meaning:
      "What a flower-superexec must know to get ServerApps to start; its bytes in UTF-8 count.",
  },
  runtimeApi: {
    name: "TRELLIS_RUNTIME_API",
    values: "closed, open-to-anybody",
    without: "closed, unless there is a secret",
    meaning: "Whether anybody on the Internet may act as a ServerApp.",
  },
  database: {
    name: "TRELLIS_KV",
    values: "a file, or the https:// address of a KV Connect server",
    without: "the database that Deno Deploy gives the app",
    meaning: "Where the state is kept.",
  },
  holdTime: {
    name: "TRELLIS_HOLD_TIME",
    values: "seconds, 0 to 25",
    without: "20",
    meaning: "How long a call waits for what it asks for before it is answered empty.",
  },
  proofWindow: {
    name: "TRELLIS_PROOF_WINDOW",
    values: "seconds, 1 to 300",
    without: "300",
    meaning: "How old a SuperNode's signed timestamp may be.",
  },
  registrationLimit: {
    name: "TRELLIS_REGISTRATION_LIMIT",
    values: "1 to 1000000",
    without: "600",
    meaning: "How many SuperNodes one host may register by itself in a minute.",
  },
  failedProofLimit: {
    name: "TRELLIS_FAILED_PROOF_LIMIT",
    values: "1 to 1000000",
    without: "120",
    meaning: "How many proofs of one host may fail in a minute before an isolate looks at no more.",
  },
  limits: {
    name: "TRELLIS_LIMITS",
    values: "NAME=N, with commas between several",
    without: "as the limits above",
    meaning: "What each isolate takes from one peer; NAME is a limit's above.",
  },
  maxMessageSize: {
    name: "TRELLIS_MAX_MESSAGE_SIZE",
    values: "MiB, 1 to 256",
    without: "32",
    meaning: "The largest message that is read from a SuperNode or an app.",
  },
  cacheSize: {
    name: "TRELLIS_CACHE_SIZE",
    values: "MiB, 0 to 1024",
    without: "64",
    meaning: "How much of what was stored or fetched lately each isolate keeps in memory.",
  },
  logFormat: {
    name: "TRELLIS_LOG_FORMAT",
    values: "text, json",
    without: "text",
    meaning: "Log lines for people or for machines.",
  },
} as const satisfies Readonly<Record<string, Variable>>;

/** The settings of a SuperLink on Deno Deploy. */
export interface DeploySettings {
  readonly controlRule: ControlRule;
  readonly managed: boolean;
  /** Who may look for tasks; a secret is what they must know. */
  readonly seekers: "nobody" | "anybody" | { readonly secret: Uint8Array };
  /** A file or an address; Deno's own choice when absent. */
  readonly database: string | undefined;
  readonly holdMs: number;
  readonly proofToleranceMs: number;
  readonly registrationsPerMinute: number;
  readonly failedProofsPerMinute: number;
  readonly limits: ChangedLimits;
  readonly maxMessageBytes: number;
  readonly cacheBytes: number;
  readonly logFormat: "text" | "json";
}

const MIB = 1024 ** 2;

/**
 * Reads the variables. Throws an {@linkcode ExitError} that says of all that are wrong what they take;
 * it quotes no secret.
 */
export function deploySettings(read: (name: string) => string | undefined): DeploySettings {
  const faults: string[] = [];
  const refuse = ({ name, values }: Variable, text?: string) => {
    const given = text === undefined ? "what it has is something else" : `not "${text}"`;
    faults.push(`${name} takes ${values}; ${given}.`);
  };
  const valueOf = ({ name }: Variable) => read(name) || undefined;
  const number = (variable: Variable, min: number, max: number): number => {
    const text = valueOf(variable) ?? variable.without;
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max)) refuse(variable, text);
    return value;
  };
  const choice = <T extends string>(variable: Variable, ...choices: readonly [T, ...T[]]): T => {
    const text = valueOf(variable);
    const found = choices.find((choice) => choice === text);
    if (text !== undefined && found === undefined) refuse(variable, text);
    return found ?? choices[0];
  };
  const secret = (variable: Variable): string | undefined => {
    const text = valueOf(variable);
    if (text === undefined || isSecret(text)) return text;
    faults.push(
      `${variable.name} takes ${variable.values} of ASCII without spaces; ` +
        (text.length < SHORTEST_SECRET ? `it has ${text.length}.` : "it has others."),
    );
    return undefined;
  };
  /** A secret and being open contradict each other. */
  const access = (token: Variable, open: Variable) => {
    const known = secret(token);
    const isOpen = choice(open, "closed", "open-to-anybody") === "open-to-anybody";
    if (isOpen && valueOf(token) !== undefined) {
      faults.push(
        `${open.name} is open-to-anybody, and ${token.name} is set: leave one of them out.`,
      );
    }
    return { known, isOpen };
  };

  const changes = valueOf(VARIABLES.limits)?.split(",").map((change) => change.trim()) ?? [];
  const { limits, faults: wrong } = readLimits(changes);
  faults.push(...wrong.map((fault) => `${VARIABLES.limits.name}: ${fault}`));
  const control = access(VARIABLES.controlToken, VARIABLES.controlApi);
  const runtime = access(VARIABLES.superExecSecret, VARIABLES.runtimeApi);
  const settings: DeploySettings = {
    controlRule: control.known !== undefined
      ? { kind: "tokens", operatorToken: control.known }
      : { kind: control.isOpen ? "anybody" : "nobody" },
    managed: choice(VARIABLES.supernodes, "registered", "anybody") === "registered",
    seekers: runtime.known !== undefined
      ? { secret: new TextEncoder().encode(runtime.known) }
      : runtime.isOpen
      ? "anybody"
      : "nobody",
    database: valueOf(VARIABLES.database),
    holdMs: number(VARIABLES.holdTime, 0, 25) * 1000,
    proofToleranceMs: number(VARIABLES.proofWindow, 1, 300) * 1000,
    registrationsPerMinute: number(VARIABLES.registrationLimit, 1, 1_000_000),
    failedProofsPerMinute: number(VARIABLES.failedProofLimit, 1, 1_000_000),
    limits,
    maxMessageBytes: number(VARIABLES.maxMessageSize, 1, 256) * MIB,
    cacheBytes: number(VARIABLES.cacheSize, 0, 1024) * MIB,
    logFormat: choice(VARIABLES.logFormat, "text", "json"),
  };
  if (faults.length === 0) return settings;
  throw new ExitError(`The environment is not right. ${faults.join(" ")}`, {
    remedy: "Change these variables where the app is configured, and deploy again.",
  });
}
