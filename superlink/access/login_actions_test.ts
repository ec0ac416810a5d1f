import { assert, assertEquals } from "@std/assert";
import { type AuditEntry, NO_AUDIT } from "../audit/audit.ts";
import { LogLines } from "../testing/log_lines.ts";
import { TestClock } from "../testing/test_clock.ts";
import { Grants } from "./grants.ts";
import { Logins } from "./logins.ts";
import { controlAccessOf } from "./parts.ts";

Deno.test("A login that enters is told to the audit log and to the log, without its secrets", async () => {
  using kv = await Deno.openKv(":memory:");
  const [clock, logged] = [new TestClock(), new LogLines()];
  const grants = new Grants(kv, clock);
  const entries: AuditEntry[] = [];
  const { access, loginActions } = controlAccessOf(
    { grants, logins: new Logins(kv, grants, clock) },
    {
      controlRule: { kind: "tokens" },
      limits: {},
      page: () => ({ address: { host: "page.example", port: 443 }, tls: true }),
      audit: { ...NO_AUDIT, note: (entry) => void entries.push(entry) },
      ...{ clock, log: logged.log },
    },
  );
  const account = { id: "", name: "" };
  const [cli, admin] = [{ account, peer: "192.0.2.9:1" }, { account, peer: "192.0.2.1:1" }];
  const details = await loginActions.details(cli);
  const [login] = await access.pendingLogins();
  assert(login && "deviceCode" in details);
  const { deviceCode, verificationUriComplete } = details;
  assertEquals(
    verificationUriComplete,
    `https://page.example:443/?login=${login.userCode}#/access`,
  );
  await access.approveLogin(login.userCode, { name: "Bob", role: "viewer" }, admin);
  const { accessToken, refreshToken } = await loginActions.tokens(deviceCode, cli);
  const [entry] = entries;
  assertEquals(
    [entry?.action, entry?.from, entry?.who.tokenName],
    ["login.enter", cli.peer, "Bob"],
  );
  const told = JSON.stringify([entry?.subject, logged.lines]);
  for (const secret of [deviceCode, accessToken, refreshToken]) assert(!told.includes(secret));
  assertEquals(logged.lines.map(({ event }) => event), [
    "login.started",
    "login.approved",
    "login.entered",
  ]);
});
