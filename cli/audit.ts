/**
 * `audit list`, `verify` and `export`: the audit log of a SuperLink, read from its files while it
 * serves or not.
 *
 * @module
 */

import type { AuditLine } from "../superlink/audit/audit_line.ts";
import { type AuditFilter, readAudit } from "../superlink/audit/read_audit.ts";
import { unsettledEnd } from "../superlink/audit/unsettled_end.ts";
import { type AuditFinding, verifyAudit } from "../superlink/audit/verify_audit.ts";
import { durationS } from "../terminal/duration.ts";
import { printable } from "../terminal/display_width.ts";
import { UsageError } from "../terminal/errors.ts";
import { numberFlag, type RawFlags, switchFlag, textFlag } from "../terminal/flags.ts";
import type { JsonValue } from "../terminal/json.ts";
import { momentMs } from "../terminal/moment.ts";
import { type Cell, type Column, renderTable } from "../terminal/table.ts";
import type { Command, CommandGroup } from "./command_tree.ts";
import { AUDIT_LOG_FLAG, auditFolder, DATABASE_FLAG } from "./database.ts";
import { parseId } from "./id.ts";
import { LIST_FORMAT_FLAG, reportList } from "./list_report.ts";
import { FORMAT_FLAG } from "./report.ts";
import { withProgress } from "./progress.ts";
import { toJson } from "../terminal/json.ts";

const SINCE_FLAG = textFlag("since", "TIME", "Lines from then on: 12h or 7d ago, or 2027-01-31.");
const ACTION_FLAG = textFlag(
  "action",
  "ACTION",
  "Lines of an action, such as node.register or node.",
);
const NODE_FLAG = textFlag("node", "NODE_ID", "Lines about this SuperNode.");
const RUN_FLAG = textFlag("run", "RUN_ID", "Lines about this run.");
const REFUSED_FLAG = switchFlag("refused", "Refusals only.");
const LIMIT_FLAG = numberFlag("limit", "N", "The last N lines only.", {
  ...{ min: 1, max: 1_000_000, integer: true, defaultText: "100" },
});
const FIRST_FLAG = numberFlag(
  "first",
  "N",
  "The number of the first line that is to be there, once older files were moved elsewhere.",
  { min: 1, max: Number.MAX_SAFE_INTEGER, integer: true, defaultText: "1" },
);
const NOTED_FLAG = textFlag(
  "noted",
  "N:HASH",
  "A last line that an earlier verify named and you noted elsewhere: it must be there.",
);

const PLACE_FLAGS = [DATABASE_FLAG, AUDIT_LOG_FLAG];
const FILTER_FLAGS = [SINCE_FLAG, ACTION_FLAG, NODE_FLAG, RUN_FLAG, REFUSED_FLAG];

const list: Command = {
  spec: {
    name: "trellis audit list",
    summary: "Show the last lines of the audit log.",
    flags: [...PLACE_FLAGS, ...FILTER_FLAGS, LIMIT_FLAG, LIST_FORMAT_FLAG],
  },
  aliases: ["ls"],
  run: ({ flags }, terminal) =>
    reportList(LIST_FORMAT_FLAG.of(flags), terminal, async () => {
      const limit = LIMIT_FLAG.of(flags) ?? 100;
      const lines: AuditLine[] = [];
      for await (const { line } of readAudit(await auditFolder(flags), filterOf(flags))) {
        lines.push(line);
        if (lines.length >= 2 * limit) lines.splice(0, limit);
      }
      const last = lines.slice(-limit);
      const options = { paint: terminal.paint, maxWidth: terminal.columns };
      return {
        json: { "success": true, "lines": last.map(lineJson) },
        records: last.map(lineRecord),
        columns: FIELDS,
        view: renderTable(COLUMNS, last.map(lineRow), options),
      };
    }),
};

const verify: Command = {
  spec: {
    name: "trellis audit verify",
    summary: "Check that no line of the audit log was changed, dropped, inserted or moved.",
    flags: [...PLACE_FLAGS, FIRST_FLAG, NOTED_FLAG, FORMAT_FLAG],
    epilogue: "It ends with exit code 1 when it finds something, and says the file and the line.",
  },
  async run({ flags }, terminal) {
    const folder = await auditFolder(flags);
    const options = { first: FIRST_FLAG.of(flags) ?? 1, noted: notedOf(flags) };
    const { findings, fileCount, lineCount, end } = await withProgress(
      terminal,
      "Reading the audit log",
      async () => {
        const verdict = await verifyAudit(folder, options);
        const atEnd = verdict.findings.length === 0 ? await unsettledEnd(folder) : undefined;
        return atEnd ? { ...verdict, findings: [atEnd] } : verdict;
      },
    );
    if (FORMAT_FLAG.of(flags) === "json") {
      terminal.print(toJson({
        "success": findings.length === 0,
        "findings": findings.map(({ file, lineNumber, what }) => ({
          ...{ file, line: lineNumber === undefined ? null : BigInt(lineNumber), what },
        })),
        "files": BigInt(fileCount),
        "lines": BigInt(lineCount),
        "last": { "seq": BigInt(end.seq), "hash": end.hash },
      }));
    } else {
      for (const finding of findings) terminal.print(findingText(finding));
      if (findings.length > 0) {
        terminal.say(`❌ The audit log in ${folder} is not as it was written.`);
      } else {
        terminal.print(
          `✅ As they were written: ${counted(lineCount, "line")} in ${
            counted(fileCount, "file")
          }.\n` +
            `The last one, to be noted elsewhere: ${end.seq}:${end.hash}`,
        );
      }
    }
    return findings.length === 0 ? 0 : 1;
  },
};

const exportLines: Command = {
  spec: {
    name: "trellis audit export",
    summary: "Write the lines of the audit log to stdout as they are: JSON, one a line.",
    flags: [...PLACE_FLAGS, ...FILTER_FLAGS],
  },
  async run({ flags }, terminal) {
    for await (const { text } of readAudit(await auditFolder(flags), filterOf(flags))) {
      terminal.print(text);
      if (terminal.unread.aborted) break;
    }
    return 0;
  },
};

/** `trellis audit`. */
export const auditCommands: CommandGroup = {
  name: "trellis audit",
  summary: "Look into the audit log of a SuperLink on this machine, and prove that it is whole.",
  commands: [list, verify, exportLines],
};

function filterOf(raw: RawFlags): AuditFilter {
  return {
    sinceMicros: sinceOf(raw),
    action: ACTION_FLAG.of(raw),
    nodeId: idOf(NODE_FLAG, raw),
    runId: idOf(RUN_FLAG, raw),
    outcome: REFUSED_FLAG.of(raw) ? "refused" : undefined,
  };
}

function idOf(flag: typeof NODE_FLAG, raw: RawFlags): string | undefined {
  const text = flag.of(raw);
  return text === undefined ? undefined : String(parseId(text, `--${flag.name}`));
}

function sinceOf(raw: RawFlags): number | undefined {
  const text = SINCE_FLAG.of(raw);
  if (text === undefined) return undefined;
  const agoS = durationS(text);
  if (agoS !== undefined) return (Date.now() - agoS * 1_000) * 1_000;
  const atMs = momentMs(text);
  if (atMs !== undefined) return atMs * 1_000;
  throw new UsageError(
    `--since takes a time such as 12h, 7d or 2027-01-31, not "${text}".`,
    "A date may have a time of day: 2027-01-31T12:00Z.",
  );
}

function notedOf(raw: RawFlags) {
  const text = NOTED_FLAG.of(raw);
  if (text === undefined) return undefined;
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text);
  if (match?.[2] !== undefined) return { seq: Number(match[1]), hash: match[2] };
  throw new UsageError(
    `--noted takes N:HASH, not "${text}".`,
    "It is what `trellis audit verify` says of the last line.",
  );
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function findingText({ file, lineNumber, what }: AuditFinding): string {
  return lineNumber === undefined ? `${file}: ${what}.` : `${file}:${lineNumber}: ${what}.`;
}

const COLUMNS: readonly Column[] = [
  { header: "#", keepWhole: true },
  { header: "Time" },
  { header: "Action" },
  { header: "Outcome" },
  { header: "Who" },
  { header: "On what" },
  { header: "From" },
];

function lineRow(line: AuditLine): readonly Cell[] {
  const { seq, time, action, outcome, who, subject, from = "", reason, count } = line;
  const why = reason === undefined ? "" : `: ${reason}`;
  const more = count === undefined ? "" : ` (${count} of them)`;
  return [
    { text: String(seq) },
    { text: time.replace("T", " ") },
    { text: printable(action) },
    {
      text: printable(`${outcome}${why}${more}`),
      styles: outcome === "done" ? [] : ["brightYellow"],
    },
    { text: textOf(who) },
    { text: textOf(subject) },
    { text: printable(from) },
  ];
}

/** What it is about, and last what else is said of it. */
function textOf({ detail, ...fields }: Readonly<Record<string, string>>): string {
  const named = Object.entries(fields).filter(([, value]) => value !== "")
    .map(([name, value]) => `${NAMES[name] ?? name} ${printable(value)}`).join(", ");
  if (detail === undefined) return named;
  return named === "" ? printable(detail) : `${named} · ${printable(detail)}`;
}

const NAMES: Readonly<Record<string, string>> = {
  nodeId: "SuperNode",
  runId: "run",
  fingerprint: "key",
  tokenId: "token",
  tokenName: "called",
};

function lineJson({ seq, prev, time, action, outcome, who, subject, ...rest }: AuditLine) {
  const { from = null, reason = null, count } = rest;
  return {
    ...{ seq: BigInt(seq), prev, time, action, outcome, who, subject, from, reason },
    count: count === undefined ? null : BigInt(count),
  } satisfies JsonValue;
}

function lineRecord(line: AuditLine): Readonly<Record<string, JsonValue>> {
  const { who, subject, ...rest } = lineJson(line);
  return { ...rest, ...prefixed("who", who), ...prefixed("subject", subject) };
}

/** What a line may have, as {@linkcode lineRecord} names it. */
const FIELDS = [
  ...["seq", "prev", "time", "action", "outcome", "from", "reason", "count"],
  ...["account", "tokenId", "tokenName", "fingerprint", "program"].map((name) => `who.${name}`),
  ...[
    ...["nodeId", "runId", "fingerprint", "tokenId", "role", "name", "location", "labels"],
    ...["expires", "status", "detail"],
  ].map((name) => `subject.${name}`),
];

function prefixed(prefix: string, fields: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [`${prefix}.${name}`, value]),
  );
}
