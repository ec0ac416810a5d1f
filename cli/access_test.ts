/** `trellis token` and `trellis login`, on a SuperLink and on a database. */

import { existsSync } from "node:fs";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Control } from "../proto/gen/flwr/proto/control_pb.ts";
import { auditFolderOf } from "../superlink/audit/audit_folder.ts";
import { readAudit } from "../superlink/audit/read_audit.ts";
import { startTestSuperLink } from "../superlink/testing/test_superlink.ts";
import { formatAddress } from "../wire/address.ts";
import { GrpcChannel } from "../wire/grpc/client.ts";
import { type Outcome, runCli } from "./testing/control_server.ts";

const OPERATOR_TOKEN = "an-operator-token-of-a-test-0123456789";

interface Scene {
  readonly folder: string;
  readonly channel: GrpcChannel;
  /** Runs a command as the holder of a token, over gRPC or HTTP. */
  as(token: string, words: readonly string[], plane?: "grpc" | "http"): Promise<Outcome>;
}

async function onScene(play: (scene: Scene) => Promise<void>): Promise<void> {
  const controlRule = { kind: "tokens", operatorToken: OPERATOR_TOKEN } as const;
  await using link = await startTestSuperLink({ controlRule });
  const folder = await Deno.makeTempDir();
  const channel = new GrpcChannel(link.controlAddress, { insecure: true });
  const addresses = { grpc: link.controlAddress, http: link.httpAddress };
  try {
    await play({
      folder,
      channel,
      async as(token, words, plane = "grpc") {
        await Deno.writeTextFile(`${folder}/token`, `${token}\n`);
        await Deno.writeTextFile(
          `${folder}/pyproject.toml`,
          `[tool.flwr.federations.fed]\naddress = "${formatAddress(addresses[plane])}"\n` +
            `insecure = true\ntoken-file = "token"\n`,
        );
        return await runCli([...words, folder, "fed"]);
      },
    });
  } finally {
    channel.close();
    await Deno.remove(folder, { recursive: true });
  }
}

for (const plane of ["grpc", "http"] as const) {
  Deno.test(`trellis token makes, lists and revokes tokens over ${plane}`, () =>
    onScene(async ({ as }) => {
      const wanted = ["token", "create", "--name", "ci", "--role", "viewer", "--expires", "1d"];
      const made = await as(OPERATOR_TOKEN, wanted, plane);
      assertEquals(made.code, 0, made.stderr);
      const token = made.stdout.trim();
      assertMatch(token, /^trellis_t_[\w-]{43}$/);
      assertMatch(made.stderr, /^Token [0-9a-f]{12} has the role viewer until \d{4}-/);
      assertEquals((await as(token, ["supernode", "list"], plane)).code, 0);
      const refused = await as(token, ["token", "list"], plane);
      assertEquals(refused.code, 1);
      assertStringIncludes(refused.stderr, "ListTokens needs a token with the role admin");

      const json = await as(OPERATOR_TOKEN, ["token", "list", "--format", "json"], plane);
      const { tokens: [row] } = JSON.parse(json.stdout);
      assertEquals([row.name, row.role, row.status], ["ci", "viewer", "active"]);
      assert(!json.stdout.includes(token));
      const revoked = await as(OPERATOR_TOKEN, ["token", "revoke", row.id], plane);
      assertStringIncludes(revoked.stdout, "was revoked");
      const after = await as(token, ["supernode", "list"], plane);
      assertEquals(after.code, 1);
      assertStringIncludes(after.stderr, "does not know you");
      assertStringIncludes(after.stderr, "trellis login");
      const none = await as(OPERATOR_TOKEN, ["token", "list", "--format", "json"], plane);
      assertEquals(JSON.parse(none.stdout).tokens, []);
      const all = await as(OPERATOR_TOKEN, ["token", "list", "--all", "--format", "csv"], plane);
      assertMatch(all.stdout, /,ci,viewer,revoked,/);
    }));

  Deno.test(`An admin approves and refuses logins by their codes over ${plane}`, () =>
    onScene(async ({ as, channel }) => {
      const ask = async () => {
        const details = await channel.unary(Control.method.getLoginDetails, {});
        return { ...details, code: details.verificationUriComplete.split(" ").at(-1) ?? "" };
      };
      const { code, deviceCode } = await ask();
      const listed = await as(OPERATOR_TOKEN, ["login", "list"], plane);
      assertStringIncludes(listed.stdout, code);
      const typed = code.toLowerCase().replace("-", "");
      const approval = ["login", "approve", typed, "--role", "admin", "--name", "Ada"];
      const approved = await as(OPERATOR_TOKEN, approval, plane);
      assertStringIncludes(approved.stdout, "was approved as admin", approved.stderr);
      const { accessToken } = await channel.unary(Control.method.getAuthTokens, { deviceCode });
      const shown = await as(accessToken, ["login", "show", "--format", "json"], plane);
      assertEquals(JSON.parse(shown.stdout).name, "Ada");

      const other = await ask();
      const refused = await as(OPERATOR_TOKEN, ["login", "refuse", other.code], plane);
      assertEquals(refused.code, 0, refused.stderr);
      const late = await as(OPERATOR_TOKEN, ["login", "approve", other.code], plane);
      assertEquals(late.code, 1);
      assertStringIncludes(late.stderr, `No login waits with the code "${other.code}"`);
    }));
}

Deno.test("The first token is made on the database, before it is served", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const database = ["--database", `${folder}/trellis.kv`];
    const wanted = ["token", "create", "--name", "me", "--role", "admin", "--expires", "never"];
    const made = await runCli([...wanted, ...database]);
    assertEquals(made.code, 0, made.stderr);
    const listed = await runCli(["token", "list", ...database, "--format", "json"]);
    const { tokens: [row] } = JSON.parse(listed.stdout);
    assertEquals([row.name, row.role, row["expires-at"]], ["me", "admin", "N/A"]);
    const role = await runCli(["token", "create", "--name", "\n", ...database]);
    assertStringIncludes(role.stderr, "A token needs a name");
    {
      await using link = await startTestSuperLink({
        database: `${folder}/trellis.kv`,
        controlRule: { kind: "tokens" },
      });
      const held = await runCli(["token", "list", ...database]);
      assertStringIncludes(held.stderr, "is held by another SuperLink");
      const channel = new GrpcChannel(link.controlAddress, { insecure: true });
      const text = { authorization: `Bearer ${made.stdout.trim()}` };
      await channel.unary(Control.method.listNodes, {}, { headers: { text } });
      channel.close();
    }
    const revoked = await runCli(["token", "revoke", row.id, ...database]);
    assertEquals(revoked.code, 0, revoked.stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("What is done to tokens on the database has its line where the SuperLink has its audit log", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const place = ["--database", `${folder}/trellis.kv`, "--audit-log", `${folder}/log`];
    const wanted = ["token", "create", "--name", "me", "--role", "viewer"];
    const made = await runCli([...wanted, ...place, "--format", "json"]);
    const { id } = JSON.parse(made.stdout).token;
    await runCli(["token", "revoke", id, ...place]);
    await runCli([...wanted, ...place.slice(0, 2), "--audit-log", "none"]);
    const lines = (await Array.fromAsync(readAudit(`${folder}/log`))).map(({ line }) => line);
    assertEquals(lines.map(({ action, subject }) => [action, subject]), [
      ["token.create", { tokenId: id, role: "viewer", name: "me" }],
      ["token.revoke", { tokenId: id }],
    ]);
    assertEquals(existsSync(auditFolderOf(`${folder}/trellis.kv`)), false);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const MISTAKES: readonly [readonly string[], string][] = [
  [["token", "create"], "Say with --name whose the token is."],
  [["token", "create", "--name", "x", "--expires", "soon"], '"soon" is no time'],
  [["token", "create", "--name", "x", "--expires", "2001-01-01"], "is over already"],
  [["token", "create", "--name", "x", "--role", "root"], '--role does not take "root"'],
  [["token", "revoke", "trellis_t_secretsecret"], '"trellis_t_se" is no ID of a token'],
  [["token", "list", "--database", ":memory:"], "there is nothing to work on"],
  [["token", "list", "fed", "--database", "x.kv"], "goes with no name of a SuperLink"],
  [["token", "list", "--audit-log", "x"], "--audit-log goes with --database"],
  [["token", "revok", "x"], "Did you mean `trellis token revoke`?"],
  [["login", "approve"], "The argument CODE is missing."],
];

for (const [words, sentence] of MISTAKES) {
  Deno.test(`trellis ${words.join(" ")} says what is wrong`, async () => {
    const { code, stderr } = await runCli(words);
    assert(code > 0);
    assertStringIncludes(stderr, sentence);
  });
}

Deno.test("The help of trellis login shows the command and what admins do", async () => {
  const { stdout } = await runCli(["login", "--help"]);
  assertMatch(stdout, /^Usage: trellis login \[OPTIONS\] \[APP\] \[FEDERATION\]/);
  assertMatch(stdout, /approve +Let somebody in who shows a code/);
});
