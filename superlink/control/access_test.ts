import { assertEquals, assertThrows } from "@std/assert";
import { ExitError } from "../../terminal/errors.ts";
import { OPERATOR_TOKEN_VARIABLE } from "../../terminal/token_variables.ts";
import { type ControlExposure, controlRule } from "./access.ts";
import { isSecret, operatorToken } from "./operator_token.ts";

const LOCAL = { host: "127.0.0.1", port: 9093 };
const LOCAL_6 = { host: "::1", port: 8000 };
const ALL = { host: "0.0.0.0", port: 8000 };
const NAMED = { host: "superlink.example", port: 8000 };
const TOKEN = "0123456789abcdef0123456789abcdef";

const OPEN: readonly [string, Partial<ControlExposure>][] = [
  ["only this machine reaches it", {}],
  ["only this machine reaches it, on two ports", { addresses: [LOCAL, LOCAL_6] }],
  ["it is not served at all", { addresses: [] }],
  ["it was said so", { addresses: [ALL], choice: "open-to-anybody" }],
  ["it was said so, behind a proxy too", { behindProxy: true, choice: "open-to-anybody" }],
];

const CLOSED: readonly [string, Partial<ControlExposure>][] = [
  ["it listens on every address", { addresses: [ALL] }],
  ["one of its ports does", { addresses: [LOCAL, ALL] }],
  ["it listens on a name that may be anybody's", { addresses: [NAMED] }],
  ["a proxy brings callers from elsewhere", { behindProxy: true }],
];

for (const [when, exposure] of OPEN) {
  Deno.test(`Control asks nobody when ${when}`, () => {
    assertEquals(ruleFor(exposure), { kind: "anybody" });
  });
}

for (const [when, exposure] of CLOSED) {
  Deno.test(`Control asks for a token when ${when}`, () => {
    assertEquals(ruleFor(exposure), { kind: "tokens" });
  });
}

Deno.test("Who asks for tokens, or sets one, closes Control for this machine, too", () => {
  const rule = { kind: "tokens", onThisMachine: true } as const;
  for (const addresses of [[LOCAL], [ALL]]) {
    assertEquals(ruleFor({ choice: "tokens", addresses }), rule);
    assertEquals(ruleFor({ operatorToken: TOKEN, addresses }), { ...rule, operatorToken: TOKEN });
  }
});

Deno.test("A secret is 32 characters of ASCII without spaces, or more", () => {
  for (const text of [TOKEN, TOKEN.repeat(4), "~".repeat(32)]) assertEquals(isSecret(text), true);
  for (const text of ["", TOKEN.slice(1), `${TOKEN} `, `${TOKEN}\n`, `${TOKEN}é`]) {
    assertEquals(isSecret(text), false, text);
  }
});

Deno.test("An operator's token that can be guessed, or opens nothing, is refused and not quoted", () => {
  const said = (choice: ControlExposure["choice"], token: string) =>
    operatorToken(choice, new Map([[OPERATOR_TOKEN_VARIABLE, token]]));
  const short = assertThrows(() => said("by-address", "too-short"), ExitError, "at least 32");
  assertEquals(short.message.includes("too-short"), false);
  assertThrows(() => said("open-to-anybody", TOKEN), ExitError, "open-to-anybody");
  assertEquals(said("tokens", TOKEN), TOKEN);
  assertEquals(said("open-to-anybody", ""), undefined);
});

function ruleFor(exposure: Partial<ControlExposure>) {
  return controlRule({
    choice: "by-address",
    addresses: [LOCAL],
    behindProxy: false,
    operatorToken: undefined,
    ...exposure,
  });
}
