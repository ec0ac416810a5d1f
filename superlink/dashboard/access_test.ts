import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { parseCommand } from "../../terminal/command.ts";
import { ExitError } from "../../terminal/errors.ts";
import { superlinkSpec } from "../flags.ts";
import type { ControlRule } from "../control/access.ts";
import { loginLink, pageAccess } from "./access.ts";
import { dashboardOf, type DashboardOptions } from "./flags.ts";

const optionsOf = (...args: string[]) => dashboardOf(parseCommand(superlinkSpec, args).flags);

/** Flags, and where the page is then. */
const FLAGS: [args: string[], expected: DashboardOptions | undefined][] = [
  [[], { address: { host: "127.0.0.1", port: 8080 }, byDefault: true, tokenFile: undefined }],
  [["--dashboard-address", "none"], undefined],
  [["--dashboard-address", "[::]:80", "--dashboard-token-file", "token"], {
    address: { host: "::", port: 80 },
    byDefault: false,
    tokenFile: "token",
  }],
];

for (const [args, expected] of FLAGS) {
  Deno.test(`dashboardOf() reads "${args.join(" ")}"`, () => {
    assertEquals(optionsOf(...args), expected);
  });
}

for (
  const args of [
    ["--dashboard-address", "8080"],
    ["--dashboard-address", "http://127.0.0.1:8080"],
    ["--dashboard-address", ""],
    ["--dashboard-address", "none", "--dashboard-token-file", "token"],
  ]
) {
  Deno.test(`dashboardOf() refuses "${args.join(" ")}"`, async () => {
    await assertRejects(() => Promise.resolve().then(() => optionsOf(...args)), ExitError);
  });
}

const at = (host: string, tokenFile?: string): DashboardOptions => ({
  address: { host, port: 8080 },
  byDefault: false,
  tokenFile,
});

const OPEN: ControlRule = { kind: "anybody" };
const CLOSED: ControlRule = { kind: "tokens" };
const CLOSED_HERE: ControlRule = { kind: "tokens", onThisMachine: true };

for (const host of ["127.0.0.1", "localhost", "::1", "127.8.0.1"]) {
  Deno.test(`pageAccess() asks nobody for a token on ${host}`, async () => {
    assertEquals(await pageAccess(at(host), OPEN, false), { kind: "anybody" });
    assertEquals(await pageAccess(at(host), CLOSED, false), { kind: "anybody" });
  });

  Deno.test(`pageAccess() asks for a token of the Control API on ${host} where that is closed there`, async () => {
    assertEquals(await pageAccess(at(host), CLOSED_HERE, false), { kind: "api-tokens" });
  });
}

Deno.test("pageAccess() makes another token each time beyond this machine, if somebody sees it", async () => {
  const [one, other] = [
    await pageAccess(at("0.0.0.0"), CLOSED, true),
    await pageAccess(at("::"), CLOSED, true),
  ];
  assert(one.kind === "token" && other.kind === "token");
  assert(one.generated && /^[\w-]{43}$/.test(one.token));
  assertNotEquals(one.token, other.token);
  await assertRejects(
    () => pageAccess(at("0.0.0.0"), CLOSED, false),
    ExitError,
    "nobody would see",
  );
});

Deno.test("pageAccess() takes the token of a file, also on loopback, and refuses a poor one", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/token`;
  try {
    await assertRejects(() => pageAccess(at("::1", file), OPEN, true), ExitError, "cannot be read");
    for (const poor of ["", "short", "with a space in it and long", "ü".repeat(40)]) {
      await Deno.writeTextFile(file, poor);
      const error = await assertRejects(() => pageAccess(at("::1", file), OPEN, true), ExitError);
      assert(poor === "" || !error.message.includes(poor));
    }
    await Deno.writeTextFile(file, `${"x".repeat(16)}\n`);
    assertEquals(await pageAccess(at("::1", file), OPEN, false), {
      kind: "token",
      token: "x".repeat(16),
      generated: false,
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("loginLink() keeps the token behind the #, which browsers send nowhere", () => {
  assertEquals(
    loginLink({ host: "192.0.2.1", port: 8080 }, true, "a+b"),
    "https://192.0.2.1:8080/#token=a%2Bb",
  );
  const { host } = new URL(loginLink({ host: "0.0.0.0", port: 8080 }, false, "t"));
  assertEquals(host, `${Deno.hostname().toLowerCase()}:8080`);
});
