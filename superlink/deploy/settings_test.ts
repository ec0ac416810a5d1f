import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { ExitError } from "../../terminal/errors.ts";
import { type DeploySettings, deploySettings, VARIABLES } from "./settings.ts";

const SECRET = "0123456789abcdef0123456789abcdef";

function settings(environment: Readonly<Record<string, string>> = {}): DeploySettings {
  return deploySettings((name) => environment[name]);
}

Deno.test("Without a variable everything is closed", () => {
  assertEquals(settings(), {
    controlRule: { kind: "nobody" },
    managed: true,
    seekers: "nobody",
    database: undefined,
    holdMs: 20_000,
    proofToleranceMs: 300_000,
    registrationsPerMinute: 600,
    failedProofsPerMinute: 120,
    limits: {},
    maxMessageBytes: 32 * 1024 ** 2,
    cacheBytes: 64 * 1024 ** 2,
    logFormat: "text",
  });
});

const GIVEN: readonly [Record<string, string>, Partial<DeploySettings>][] = [
  [{ TRELLIS_CONTROL_TOKEN: SECRET }, { controlRule: { kind: "tokens", operatorToken: SECRET } }],
  [{ TRELLIS_CONTROL_API: "open-to-anybody" }, { controlRule: { kind: "anybody" } }],
  [
    { TRELLIS_CONTROL_API: "closed", TRELLIS_CONTROL_TOKEN: SECRET },
    { controlRule: { kind: "tokens", operatorToken: SECRET } },
  ],
  [{ TRELLIS_CONTROL_TOKEN: "" }, { controlRule: { kind: "nobody" } }],
  [{ TRELLIS_SUPERNODES: "anybody" }, { managed: false }],
  [
    { TRELLIS_SUPEREXEC_SECRET: SECRET },
    { seekers: { secret: new TextEncoder().encode(SECRET) } },
  ],
  [{ TRELLIS_RUNTIME_API: "open-to-anybody" }, { seekers: "anybody" }],
  [{ TRELLIS_LIMITS: "logins=5, app-calls-per-run=7" }, {
    limits: { "logins": 5, "app-calls-per-run": 7 },
  }],
  [{ TRELLIS_KV: "/data/trellis.kv" }, { database: "/data/trellis.kv" }],
  [{ TRELLIS_HOLD_TIME: "0", TRELLIS_PROOF_WINDOW: "60" }, { holdMs: 0, proofToleranceMs: 60_000 }],
  [{ TRELLIS_CACHE_SIZE: "0", TRELLIS_LOG_FORMAT: "json" }, { cacheBytes: 0, logFormat: "json" }],
];

for (const [environment, expected] of GIVEN) {
  Deno.test(`With ${Object.keys(environment).join(" and ")} that holds, and nothing else changes`, () => {
    assertEquals(settings(environment), { ...settings(), ...expected });
  });
}

const REFUSED: readonly [Record<string, string>, RegExp][] = [
  [{ TRELLIS_CONTROL_API: "open" }, /CONTROL_API takes closed, open-to-anybody; not "open"\./],
  [{ TRELLIS_CONTROL_TOKEN: "short" }, /CONTROL_TOKEN takes at least 32 characters .*it has 5\./],
  [{ TRELLIS_CONTROL_TOKEN: `${SECRET} ${SECRET}` }, /CONTROL_TOKEN takes .* without spaces/],
  [
    { TRELLIS_CONTROL_TOKEN: SECRET, TRELLIS_CONTROL_API: "open-to-anybody" },
    /CONTROL_API is open-to-anybody, and TRELLIS_CONTROL_TOKEN is set/,
  ],
  [
    { TRELLIS_SUPEREXEC_SECRET: SECRET, TRELLIS_RUNTIME_API: "open-to-anybody" },
    /RUNTIME_API is open-to-anybody, and TRELLIS_SUPEREXEC_SECRET is set/,
  ],
  [{ TRELLIS_HOLD_TIME: "26" }, /HOLD_TIME takes seconds, 0 to 25; not "26"\./],
  [{ TRELLIS_HOLD_TIME: "1e1" }, /HOLD_TIME takes/],
  [{ TRELLIS_PROOF_WINDOW: "0" }, /PROOF_WINDOW takes/],
  [{ TRELLIS_LIMITS: "logins=5,login=6" }, /TRELLIS_LIMITS: There is no limit "login"\. Did you/],
  [{ TRELLIS_MAX_MESSAGE_SIZE: "-1" }, /MAX_MESSAGE_SIZE takes/],
  [
    { TRELLIS_SUPERNODES: "all", TRELLIS_LOG_FORMAT: "xml" },
    /SUPERNODES takes registered, anybody; not "all"\. TRELLIS_LOG_FORMAT takes text, json; not "xml"\./,
  ],
];

for (const [environment, message] of REFUSED) {
  Deno.test(`The environment is refused for ${message.source}`, () => {
    const error = assertThrows(() => settings(environment), ExitError);
    assertMatch(error.message, message);
    assertEquals(error.message.includes(SECRET), false, "it quotes no secret");
  });
}

Deno.test("Each variable is one of ours, says what it takes and means, and is in the README", async () => {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const names = Object.values(VARIABLES).map(({ name }) => name);
  assertEquals(new Set(names).size, names.length);
  for (const variable of Object.values(VARIABLES)) {
    assertMatch(variable.name, /^TRELLIS_[A-Z_]+$/);
    assertMatch(variable.meaning, /\.$/);
    assert(readme.includes(`| \`${variable.name}\``), variable.name);
  }
});
