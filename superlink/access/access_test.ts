/** Who may call what, with which token, over gRPC and over HTTP. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { DescMessage, DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { Control } from "../../proto/gen/flwr/proto/control_pb.ts";
import { Control as Control141 } from "../../proto/gen/flwr1_41/proto/control_pb.ts";
import { Access } from "../../proto/gen/trellis/v1/access_pb.ts";
import { type CallHeaders, GrpcChannel } from "../../wire/grpc/client.ts";
import { HttpChannel } from "../../wire/http/client.ts";
import { StatusError } from "../../wire/status.ts";
import {
  startTestSuperLink,
  type TestSuperLink,
  type TestSuperLinkOptions,
} from "../testing/test_superlink.ts";

const OPERATOR_TOKEN = "an-operator-token-of-a-test-0123456789";
const { method } = Control;
const CLOSED = { kind: "tokens", operatorToken: OPERATOR_TOKEN } as const;

interface Stage {
  readonly link: TestSuperLink;
  /** The channels to the two planes, with the Control API that each has. */
  readonly planes: readonly [GrpcChannel | HttpChannel, typeof Control | typeof Control141][];
  readonly grpc: GrpcChannel;
  readonly http: HttpChannel;
  /** Makes a token with a role. */
  token(role: string, lifeS?: bigint): Promise<{ secret: string; id: string }>;
}

async function onLink(
  play: (stage: Stage) => Promise<void>,
  options: TestSuperLinkOptions = { controlRule: CLOSED },
): Promise<void> {
  await using link = await startTestSuperLink(options);
  const grpc = new GrpcChannel(link.controlAddress, { insecure: true });
  const http = new HttpChannel(link.httpAddress, { insecure: true });
  try {
    await play({
      link,
      planes: [[grpc, Control], [http, Control141]],
      grpc,
      http,
      async token(role, lifeS) {
        const wanted = { name: `a ${role}`, role, ...(lifeS ? { lifeS } : {}) };
        const made = await http.unary(Access.method.createToken, wanted, as(OPERATOR_TOKEN));
        return { secret: made.secret, id: made.token?.id ?? "" };
      },
    });
  } finally {
    grpc.close();
    http.close();
  }
}

function as(token: string): { headers: CallHeaders } {
  return { headers: { text: { authorization: `Bearer ${token}` } } };
}

/** The status and sentence of a call that is refused; `OK` for one that is not. */
async function outcome<I extends DescMessage, O extends DescMessage>(
  channel: GrpcChannel | HttpChannel,
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  options: { headers?: CallHeaders } = {},
): Promise<string> {
  try {
    await channel.unary(method, request, options);
    return "OK";
  } catch (error) {
    if (error instanceof StatusError) return `${error.status}: ${error.message}`;
    throw error;
  }
}

Deno.test("A SuperLink that is not closed asks nobody, and tells a CLI that there is no login", () =>
  onLink(async ({ planes }) => {
    for (const [channel, { method }] of planes) {
      await channel.unary(method.listNodes, {});
      await channel.unary(method.listNodes, {}, as("no-token-of-anybody"));
      const { authnType } = await channel.unary(method.getLoginDetails, {});
      assertEquals(authnType, "noop");
      const tokens = await outcome(channel, method.getAuthTokens, { deviceCode: "x" });
      assertStringIncludes(tokens, "without account authentication");
    }
  }, {}));

Deno.test("A closed SuperLink knows nobody without a token", () =>
  onLink(async ({ planes }) => {
    for (const [channel, { method }] of planes) {
      const headers: (CallHeaders | undefined)[] = [
        undefined,
        { text: { authorization: "Bearer" } },
        { text: { authorization: `Basic ${OPERATOR_TOKEN}` } },
        { text: { authorization: `Bearer ${OPERATOR_TOKEN}x` } },
        { text: { authorization: `Bearer ${OPERATOR_TOKEN} ${OPERATOR_TOKEN}` } },
        { text: { "flwr-oidc-access-token": "x" } },
      ];
      for (const sent of headers) {
        const said = await outcome(channel, method.listNodes, {}, sent ? { headers: sent } : {});
        assertEquals(said, "UNAUTHENTICATED: Not authenticated", JSON.stringify(sent));
        const made = await outcome(
          channel,
          Access.method.createToken,
          { name: "x", role: "admin" },
          sent ? { headers: sent } : {},
        );
        assertEquals(made, "UNAUTHENTICATED: Not authenticated");
      }
      assertEquals(await outcome(channel, method.listNodes, {}, as(OPERATOR_TOKEN)), "OK");
    }
  }));

Deno.test("A role may do what it is for, and what is for less, and nothing more", () =>
  onLink(async ({ planes, token }) => {
    const tokens = {
      viewer: (await token("viewer")).secret,
      operator: (await token("operator")).secret,
      admin: (await token("admin")).secret,
    };
    for (const [channel, { method }] of planes) {
      const may = async (role: keyof typeof tokens) => {
        const said = [
          await outcome(channel, method.listNodes, {}, as(tokens[role])),
          await outcome(channel, method.stopRun, { runId: 7n }, as(tokens[role])),
          await outcome(channel, method.unregisterNode, { nodeId: 7n }, as(tokens[role])),
          await outcome(channel, Access.method.listTokens, {}, as(tokens[role])),
        ];
        return said.map((text) => !text.startsWith("PERMISSION_DENIED"));
      };
      assertEquals(await may("viewer"), [true, false, false, false]);
      assertEquals(await may("operator"), [true, true, false, false]);
      assertEquals(await may("admin"), [true, true, true, true]);
      assertEquals(
        await outcome(channel, method.stopRun, { runId: 7n }, as(tokens.viewer)),
        "PERMISSION_DENIED: StopRun needs a token with the role operator; this one has viewer.",
      );
    }
  }));

Deno.test("A token that was revoked or has expired is refused at the next call", () =>
  onLink(async ({ link, planes, http, token }) => {
    const revoked = await token("viewer");
    const expiring = await token("viewer", 60n);
    for (const { secret } of [revoked, expiring]) {
      for (const [channel, control] of planes) {
        assertEquals(await outcome(channel, control.method.listNodes, {}, as(secret)), "OK");
      }
    }
    await http.unary(Access.method.revokeToken, { id: revoked.id }, as(OPERATOR_TOKEN));
    link.clock.advance({ seconds: 60 });
    for (const { secret } of [revoked, expiring]) {
      for (const [channel, control] of planes) {
        const said = await outcome(channel, control.method.listNodes, {}, as(secret));
        assertEquals(said, "UNAUTHENTICATED: Not authenticated");
      }
    }
    const { tokens } = await http.unary(Access.method.listTokens, {}, as(OPERATOR_TOKEN));
    assertEquals(tokens.map(({ status }) => status).sort(), ["expired", "revoked"]);
    const again = await outcome(
      http,
      Access.method.revokeToken,
      { id: revoked.id },
      as(OPERATOR_TOKEN),
    );
    assertMatch(again, /There is no active token/);
  }));

Deno.test("A role, name or time that cannot be is refused with what can", () =>
  onLink(async ({ http }) => {
    const refused: readonly [MessageInitShape<typeof Access.method.createToken.input>, RegExp][] = [
      [{ name: "x", role: "root" }, /no role "root"\. There are: viewer, operator, admin/],
      [{ name: "x", role: "" }, /no role ""/],
      [{ name: "", role: "admin" }, /needs a name/],
      [{ name: " ", role: "admin" }, /needs a name/],
      [{ name: "two\nlines", role: "admin" }, /on one line/],
      [{ name: "x".repeat(101), role: "admin" }, /at most 100 characters/],
      [{ name: "x", role: "admin", lifeS: 0n }, /for a second at least/],
      [{ name: "x", role: "admin", lifeS: 2n ** 63n }, /a hundred years at most/],
    ];
    for (const [wanted, sentence] of refused) {
      const said = await outcome(http, Access.method.createToken, wanted, as(OPERATOR_TOKEN));
      assertMatch(said, sentence);
      assertMatch(said, /^INVALID_ARGUMENT/);
    }
  }));

Deno.test("Wrong tokens of a host are looked at 30 times a minute; one that was good still is", () =>
  onLink(async ({ link, grpc, token }) => {
    const good = (await token("viewer")).secret;
    assertEquals(await outcome(grpc, method.listNodes, {}, as(good)), "OK");
    const guess = () => outcome(grpc, method.listNodes, {}, as("a-wrong-token"));
    for (let i = 0; i < 30; i++) assertMatch(await guess(), /^UNAUTHENTICATED/);
    assertMatch(await guess(), /^RESOURCE_EXHAUSTED: Too many tokens were wrong/);
    assertEquals(await outcome(grpc, method.listNodes, {}, as(good)), "OK");
    link.clock.advance({ seconds: 60 });
    assertMatch(await guess(), /^UNAUTHENTICATED/);
  }));

Deno.test("A CLI logs in once an admin approves the code that it shows", () =>
  onLink(async ({ link, planes, http }) => {
    for (const [channel, { method }] of planes) {
      const details = await channel.unary(method.getLoginDetails, {});
      assertEquals(details.authnType, "oidc");
      const code = details.verificationUriComplete.split(" ").at(-1) ?? "";
      const { deviceCode } = details;
      const poll = () => channel.unary(method.getAuthTokens, { deviceCode });
      assertEquals((await poll()).accessToken, "");
      const approval = { code, role: "operator", name: "Ada" };
      await http.unary(Access.method.approveLogin, approval, as(OPERATOR_TOKEN));
      const { accessToken, refreshToken } = await poll();
      assertEquals(await outcome(channel, method.listNodes, {}, as(accessToken)), "OK");
      assertEquals(
        await outcome(channel, method.getAuthTokens, { deviceCode }),
        "UNAUTHENTICATED: Authentication failed.",
      );
      link.clock.advance({ seconds: 15 * 60 });
      assertMatch(
        await outcome(channel, method.listNodes, {}, as(accessToken)),
        /^UNAUTHENTICATED/,
      );
      const renewed = await channel.unary(Access.method.refreshLogin, { refreshToken });
      const who = await channel.unary(Access.method.whoAmI, {}, as(renewed.accessToken));
      assertEquals([who.name, who.role], ["Ada", "operator"]);
    }
  }));

Deno.test("Over gRPC an expired access token is renewed with the refresh token beside it", () =>
  onLink(async ({ link, grpc, http }) => {
    const { deviceCode, verificationUriComplete } = await grpc.unary(method.getLoginDetails, {});
    const code = verificationUriComplete.split(" ").at(-1) ?? "";
    await http.unary(Access.method.approveLogin, { code, role: "viewer" }, as(OPERATOR_TOKEN));
    const { accessToken, refreshToken } = await grpc.unary(method.getAuthTokens, { deviceCode });
    link.clock.advance({ seconds: 15 * 60 });
    const text = { "flwr-oidc-access-token": accessToken, "flwr-oidc-refresh-token": refreshToken };
    assertEquals(await outcome(grpc, method.listNodes, {}, { headers: { text } }), "OK");
    link.clock.advance({ seconds: 61 });
    const later = await outcome(grpc, method.listNodes, {}, { headers: { text } });
    assertMatch(later, /^UNAUTHENTICATED/, "the same refresh token again is a copied one");
  }));

Deno.test("A login that an admin refuses ends with that", () =>
  onLink(async ({ planes, http }) => {
    for (const [channel, { method }] of planes) {
      const { deviceCode } = await channel.unary(method.getLoginDetails, {});
      const { logins } = await http.unary(Access.method.listLogins, {}, as(OPERATOR_TOKEN));
      const [{ code } = { code: "" }] = logins;
      assertMatch(code, /^[B-Z]{4}-[B-Z]{4}$/);
      await http.unary(Access.method.refuseLogin, { code }, as(OPERATOR_TOKEN));
      const said = await outcome(channel, method.getAuthTokens, { deviceCode });
      assertEquals(said, "PERMISSION_DENIED: An admin of this SuperLink refused the login.");
      const approval = { code, role: "viewer" };
      const late = await outcome(http, Access.method.approveLogin, approval, as(OPERATOR_TOKEN));
      assertStringIncludes(late, "No login waits with the code");
    }
  }));

Deno.test("A host asks for 20 logins a minute and no more", () =>
  onLink(async ({ grpc }) => {
    for (let i = 0; i < 20; i++) await grpc.unary(method.getLoginDetails, {});
    const said = await outcome(grpc, method.getLoginDetails, {});
    assertMatch(said, /^RESOURCE_EXHAUSTED: Too many logins were asked for/);
  }));

Deno.test("No token is in the log", () =>
  onLink(async ({ link, http, token }) => {
    const { secret } = await token("admin");
    await http.unary(Access.method.listTokens, {}, as(secret));
    await outcome(http, Access.method.listTokens, {}, as("trellis_t_wrong"));
    const said = JSON.stringify(link.logged.lines);
    assert(said.includes("token.created"));
    for (const text of [secret, OPERATOR_TOKEN, "trellis_t_"]) assert(!said.includes(text));
  }));

Deno.test("The start says who may call, and how somebody could where nobody can", async () => {
  const told = async (options: TestSuperLinkOptions) => {
    await using link = await startTestSuperLink(options);
    return link.logged.lines.map(({ event }) => event).filter((event) =>
      /closed|no-token/.test(event)
    );
  };
  assertEquals(await told({}), []);
  assertEquals(await told({ controlRule: CLOSED }), ["superlink.closed"]);
  assertEquals(await told({ controlRule: { kind: "tokens" } }), [
    "superlink.closed",
    "superlink.no-token",
  ]);
});

Deno.test("Where nobody can call, the start leads to the page, if there is one", async () => {
  const said = async (options: TestSuperLinkOptions) => {
    await using link = await startTestSuperLink({ controlRule: { kind: "tokens" }, ...options });
    return String(link.logged.of("superlink.no-token")[0]?.message);
  };
  const address = { host: "127.0.0.1", port: 0 };
  const dashboard = { address, byDefault: false, tokenFile: undefined };
  assertMatch(await said({ dashboard }), /no token\. Make one on the page, under Access; or set T/);
  assertMatch(await said({}), /no token\. Set TRELLIS_CONTROL_TOKEN to a secret of your own/);
});
