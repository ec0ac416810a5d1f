/**
 * `token create | list | revoke`: who may call the Control API of a SuperLink.
 *
 * @module
 */

import type { Token } from "../proto/gen/trellis/v1/access_pb.ts";
import { printable } from "../terminal/display_width.ts";
import { UsageError } from "../terminal/errors.ts";
import { choiceFlag, type RawFlags, switchFlag, textFlag } from "../terminal/flags.ts";
import { renderTable } from "../terminal/table.ts";
import { DATABASE_FLAG, withAccess } from "./access_client.ts";
import type { Command, CommandGroup } from "./command_tree.ts";
import { AUDIT_LOG_FLAG } from "./database.ts";
import { parseExpiry } from "./expiry.ts";
import { LIST_FORMAT_FLAG, reportList } from "./list_report.ts";
import { FORMAT_FLAG, report } from "./report.ts";
import { TARGET_FLAGS, TARGET_POSITIONALS } from "./target.ts";
import { isoTime, showTimestamp } from "./timestamp.ts";

/** `--role`, for tokens and logins. */
export const ROLE_FLAG = choiceFlag(
  "role",
  ["operator", "viewer", "admin"],
  "A viewer looks; an operator starts and stops runs, too; an admin may do everything, also " +
    "register SuperNodes and make tokens.",
);

/** `--expires`, for tokens and logins. */
export function expiresFlag(defaultText: string) {
  return textFlag(
    "expires",
    "TIME",
    "When it ends: 90d, 12h, a date such as 2027-01-31, or never.",
    {
      defaultText,
    },
  );
}

const EXPIRES_FLAG = expiresFlag("90d");
const NAME_FLAG = textFlag("name", "NAME", "Whose it is, or what it is for; needed.");
const ALL_FLAG = switchFlag("all", "Show those that have expired or were revoked, too.");

/** How long `--expires` makes something hold, from now; `undefined` for ever. */
export function lifeOf(text: string): bigint | undefined {
  const nowMicros = Date.now() * 1000;
  const expiry = parseExpiry(text, nowMicros);
  if (expiry === "never") return undefined;
  const lifeS = (expiry - BigInt(nowMicros)) / 1_000_000n;
  if (lifeS > 0n) return lifeS;
  throw new UsageError(`"${text}" is over already.`);
}

const create: Command = {
  spec: {
    name: "trellis token create",
    summary: "Make an API token, and print it, this once.",
    positionals: TARGET_POSITIONALS,
    flags: [
      NAME_FLAG,
      ROLE_FLAG,
      EXPIRES_FLAG,
      DATABASE_FLAG,
      AUDIT_LOG_FLAG,
      ...TARGET_FLAGS,
      FORMAT_FLAG,
    ],
    epilogue: [
      "The token alone goes to stdout. Whoever has it sends it as TRELLIS_TOKEN:",
      "  trellis token create --name ci --role operator > ci.token",
      "The first one, before the SuperLink is started:",
      "  trellis token create --name me --role admin --database trellis.kv > admin.token",
    ].join("\n"),
  },
  run({ flags, positionals }, terminal) {
    const name = NAME_FLAG.of(flags);
    if (name === undefined) throw new UsageError("Say with --name whose the token is.");
    const lifeS = lifeOf(EXPIRES_FLAG.of(flags) ?? "90d");
    const wanted = { name, role: ROLE_FLAG.of(flags), ...(lifeS === undefined ? {} : { lifeS }) };
    return report(FORMAT_FLAG.of(flags), terminal, async (say) => {
      const made = await withAccess(positionals, flags, (access) => access.createToken(wanted));
      const { id, role, expiresAt } = made.token;
      const until = expiresAt === undefined ? "for ever" : `until ${showTime(expiresAt)}`;
      say(`Token ${id} has the role ${role} ${until}. It is shown only now:`);
      return {
        json: { "success": true, "token": tokenJson(made.token), "secret": made.secret },
        view: made.secret,
      };
    });
  },
};

const list: Command = {
  spec: {
    name: "trellis token list",
    summary: "List API tokens and logins, oldest first.",
    positionals: TARGET_POSITIONALS,
    flags: [ALL_FLAG, DATABASE_FLAG, AUDIT_LOG_FLAG, ...TARGET_FLAGS, LIST_FORMAT_FLAG],
  },
  aliases: ["ls"],
  run: ({ flags, positionals }, terminal) =>
    reportList(LIST_FORMAT_FLAG.of(flags), terminal, async () => {
      const { tokens } = await withAccess(positionals, flags, (access) => access.listTokens());
      const shown = tokens.filter(({ status }) => ALL_FLAG.of(flags) || status === "active");
      return {
        json: { "success": true, "tokens": shown.map(tokenJson) },
        records: shown.map(tokenJson),
        columns: [
          ...["id", "kind", "name", "role", "status", "created-at", "created-by", "expires-at"],
          ...["revoked-at", "used-at"],
        ],
        view: renderTable(
          [
            { header: "ID", keepWhole: true },
            ...["Name", "Kind", "Role", "Status", "Expires @", "Last Used @"].map((header) => ({
              header,
            })),
          ],
          shown.map((token) => [
            { text: token.id, styles: ["bold"] },
            ...[printable(token.name), token.kind, token.role, token.status].map(cell),
            cell(token.expiresAt === undefined ? "never" : showTime(token.expiresAt)),
            cell(showTime(token.usedAt)),
          ]),
          { paint: terminal.paint, maxWidth: terminal.columns },
        ),
      };
    }),
};

const revoke: Command = {
  spec: {
    name: "trellis token revoke",
    summary: "End an API token or a login, at once and for ever.",
    positionals: [
      { name: "TOKEN_ID", help: "As `token list` shows it", required: true },
      ...TARGET_POSITIONALS,
    ],
    flags: [DATABASE_FLAG, AUDIT_LOG_FLAG, ...TARGET_FLAGS, FORMAT_FLAG],
  },
  run: ({ flags, positionals: [id = "", ...target] }, terminal) =>
    report(FORMAT_FLAG.of(flags), terminal, async () => {
      const token = await revoked(id, target, flags);
      const sentence = `✅ Token ${token.id} of ${printable(token.name)} was revoked.`;
      return {
        json: { "success": true, "token": tokenJson(token) },
        view: terminal.paint(sentence, "green"),
      };
    }),
};

function revoked(id: string, target: readonly string[], flags: RawFlags): Promise<Token> {
  if (!/^[0-9a-f]{12}$/i.test(id)) {
    throw new UsageError(
      `"${printable(id.slice(0, 12))}" is no ID of a token.`,
      "List them with `trellis token list`. The ID is not the token itself.",
    );
  }
  return withAccess(target, flags, (access) => access.revokeToken(id));
}

/** `trellis token`. */
export const tokenCommands: CommandGroup = {
  name: "trellis token",
  summary: "Manage who may call the Control API of a SuperLink.",
  commands: [create, list, revoke],
};

function tokenJson(token: Token) {
  const { id, kind, name, role, status, createdBy } = token;
  return {
    "id": id,
    "kind": kind,
    "name": name,
    "role": role,
    "status": status,
    "created-at": showTime(token.createdAt),
    "created-by": createdBy,
    "expires-at": showTime(token.expiresAt),
    "revoked-at": showTime(token.revokedAt),
    "used-at": showTime(token.usedAt),
  };
}

function showTime(micros: bigint | undefined): string {
  return showTimestamp(isoTime(micros));
}

function cell(text: string): { readonly text: string } {
  return { text };
}
