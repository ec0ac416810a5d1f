/**
 * `login`: a person's way to a SuperLink that asks who calls, and how an admin lets them in.
 *
 * @module
 */

import { Access } from "../proto/gen/trellis/v1/access_pb.ts";
import { printable } from "../terminal/display_width.ts";
import { textFlag } from "../terminal/flags.ts";
import { renderSheet, renderTable } from "../terminal/table.ts";
import type { Command, CommandGroup } from "./command_tree.ts";
import { withControl } from "./control.ts";
import { keepLogin } from "./credentials.ts";
import { LIST_FORMAT_FLAG, reportList } from "./list_report.ts";
import { logIn } from "./login_flow.ts";
import { FORMAT_FLAG, report } from "./report.ts";
import {
  FEDERATION_CONFIG_FLAG,
  findConnection,
  processContext,
  TARGET_FLAGS,
  TARGET_POSITIONALS,
} from "./target.ts";
import { isoTime, showTimestamp } from "./timestamp.ts";
import { expiresFlag, lifeOf, ROLE_FLAG } from "./token.ts";
import { onlyTrellis } from "./trellis_only.ts";

const EXPIRES_FLAG = expiresFlag("30d");
const NAME_FLAG = textFlag("name", "NAME", "Whose login it is.", {
  defaultText: "where it comes from",
});
const CODE = {
  name: "CODE",
  help: "As the person was shown it, such as WDJB-MJHT",
  required: true,
};

const login: Command = {
  spec: {
    name: "trellis login",
    summary: "Log in to a SuperLink that asks who calls. One of its admins has to approve it.",
    positionals: TARGET_POSITIONALS,
    flags: [...TARGET_FLAGS, FEDERATION_CONFIG_FLAG, FORMAT_FLAG],
  },
  run: ({ flags, positionals }, terminal) =>
    report(FORMAT_FLAG.of(flags), terminal, async () => {
      const connection = await findConnection(positionals, processContext(flags));
      await withControl(connection, (control) => logIn(connection, control, terminal.ask));
      return { json: { "success": true }, view: terminal.paint("✅ Login successful.", "green") };
    }),
};

const approve: Command = {
  spec: {
    name: "trellis login approve",
    summary: "Let somebody in who shows a code (admins only).",
    positionals: [CODE, ...TARGET_POSITIONALS],
    flags: [ROLE_FLAG, NAME_FLAG, EXPIRES_FLAG, ...TARGET_FLAGS, FORMAT_FLAG],
    epilogue: "Ask them for the code yourself: who approves one that they were sent may let in " +
      "a stranger.",
  },
  run({ flags, positionals: [code = "", ...target] }, terminal) {
    const lifeS = lifeOf(EXPIRES_FLAG.of(flags) ?? "30d");
    const role = ROLE_FLAG.of(flags);
    const life = lifeS === undefined ? {} : { lifeS };
    const request = { code, role, name: NAME_FLAG.of(flags) ?? "", ...life };
    return report(FORMAT_FLAG.of(flags), terminal, async () => {
      const connection = await findConnection(target, processContext(flags));
      const { login } = await withControl(
        connection,
        ({ call }) => onlyTrellis(() => call(Access.method.approveLogin, request)),
      );
      const { peer = "" } = login ?? {};
      const sentence = `✅ The login from ${printable(peer)} was approved as ${role}.`;
      return {
        json: { "success": true, "from": peer, "role": role },
        view: terminal.paint(sentence, "green"),
      };
    });
  },
};

const refuse: Command = {
  spec: {
    name: "trellis login refuse",
    summary: "Shut out whoever shows a code (admins only).",
    positionals: [CODE, ...TARGET_POSITIONALS],
    flags: [...TARGET_FLAGS, FORMAT_FLAG],
  },
  run: ({ flags, positionals: [code = "", ...target] }, terminal) =>
    report(FORMAT_FLAG.of(flags), terminal, async () => {
      const connection = await findConnection(target, processContext(flags));
      const { login } = await withControl(
        connection,
        ({ call }) => onlyTrellis(() => call(Access.method.refuseLogin, { code })),
      );
      const { peer = "" } = login ?? {};
      return {
        json: { "success": true, "from": peer },
        view: `The login from ${printable(peer)} was refused.`,
      };
    }),
};

const list: Command = {
  spec: {
    name: "trellis login list",
    summary: "List the logins that wait for an admin.",
    positionals: TARGET_POSITIONALS,
    flags: [...TARGET_FLAGS, LIST_FORMAT_FLAG],
  },
  aliases: ["ls"],
  run: ({ flags, positionals }, terminal) =>
    reportList(LIST_FORMAT_FLAG.of(flags), terminal, async () => {
      const connection = await findConnection(positionals, processContext(flags));
      const { logins } = await withControl(
        connection,
        ({ call }) => onlyTrellis(() => call(Access.method.listLogins, {})),
      );
      const rows = logins.map(({ code, peer, startedAt }) => ({
        "code": code,
        "from": printable(peer),
        "started-at": showTimestamp(isoTime(startedAt)),
      }));
      return {
        json: { "success": true, "logins": rows },
        records: rows,
        columns: ["code", "from", "started-at"],
        view: renderTable(
          [{ header: "Code", keepWhole: true }, { header: "From" }, { header: "Started @" }],
          rows.map((row) => Object.values(row).map((text) => ({ text }))),
          { paint: terminal.paint, maxWidth: terminal.columns },
        ),
      };
    }),
};

const show: Command = {
  spec: {
    name: "trellis login show",
    summary: "Show as what a SuperLink knows you.",
    positionals: TARGET_POSITIONALS,
    flags: [...TARGET_FLAGS, FORMAT_FLAG],
  },
  run: ({ flags, positionals }, terminal) =>
    report(FORMAT_FLAG.of(flags), terminal, async () => {
      const connection = await findConnection(positionals, processContext(flags));
      const { tokenId, name, role } = await withControl(
        connection,
        ({ call }) => onlyTrellis(() => call(Access.method.whoAmI, {})),
      );
      return {
        json: { "success": true, "token-id": tokenId || null, "name": name || null, "role": role },
        view: renderSheet([
          ["Name", { text: name === "" ? "anybody: no token is asked for" : printable(name) }],
          ["Role", { text: role }],
          ["Token ID", { text: tokenId || "none" }],
        ], { paint: terminal.paint }),
      };
    }),
};

const forget: Command = {
  spec: {
    name: "trellis login forget",
    summary: "Forget the login to a SuperLink on this machine.",
    positionals: TARGET_POSITIONALS,
    flags: [...TARGET_FLAGS, FORMAT_FLAG],
    epilogue: "The login itself goes on until it expires: `trellis token revoke` ends it.",
  },
  run: ({ flags, positionals }, terminal) =>
    report(FORMAT_FLAG.of(flags), terminal, async () => {
      await keepLogin(await findConnection(positionals, processContext(flags)), undefined);
      return { json: { "success": true }, view: "The login is forgotten here." };
    }),
};

/** `trellis login`, and what admins do with logins. */
export const loginCommands: CommandGroup = {
  name: "trellis login",
  summary: "Log in to a SuperLink, or approve a login.",
  otherwise: login,
  commands: [approve, refuse, list, show, forget],
};
