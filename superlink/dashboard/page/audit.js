// The newest lines of the audit log.

import { get } from "./api.js";
import { h } from "./dom.js";
import { time } from "./format.js";
import { listView } from "./list.js";

export function auditView() {
  const note = h("span", { class: "counts" });
  return listView({
    title: "Audit log",
    part: "audit",
    head: [note],
    empty: "No line is here.",
    async load(wanted) {
      const answer = await get("/api/audit", wanted);
      note.textContent = answer.kept
        ? "The newest 1,000 lines. trellis audit verify says whether one was changed."
        : "This SuperLink keeps no audit log: its state is in memory, or --audit-log is none.";
      return answer;
    },
    idOf: ({ seq }) => seq,
    columns: [
      { title: "Line", sort: "seq", kind: "number", cell: ({ seq }) => String(seq) },
      { title: "When", cell: (line) => time(Date.parse(line.time)) },
      {
        title: "Action",
        sort: "action",
        cell: ({ action, count }) => count ? `${action} (${count})` : action,
      },
      {
        title: "Outcome",
        sort: "outcome",
        cell: ({ outcome }) => ({ text: outcome, kind: `badge ${outcome}` }),
      },
      {
        title: "SuperNode",
        sort: "node",
        kind: "narrow",
        cell: ({ node }) =>
          node
            ? {
              text: node.name || node.id,
              href: `#/nodes/${node.id}`,
              title: "As it is called now",
            }
            : "–",
      },
      { title: "On", kind: "narrow mono", cell: ({ subject }) => named(subject) },
      { title: "Who", kind: "narrow", cell: ({ who }) => named(who) },
      { title: "From", sort: "from", kind: "mono", cell: ({ from }) => from ?? "–" },
      {
        title: "Reason",
        kind: "narrow",
        cell: ({ reason }) => ({ text: reason ?? "–", title: reason }),
      },
    ],
  });
}

const WORDS = { nodeId: "node", runId: "run", tokenId: "token", fingerprint: "key", program: "" };
/** What comes first. */
const IDS = { nodeId: true, runId: true };
/** What says nothing that another field does not say better. */
const HIDDEN = { tokenId: "tokenName" };

/** The fields of a line for people; all of them are shown when it is pointed at. */
function named(fields) {
  const entries = Object.entries(fields);
  if (entries.length === 0) return "–";
  const shown = entries.filter(([name]) => !(HIDDEN[name] in fields))
    .sort(([a], [b]) => Number(b in IDS) - Number(a in IDS))
    .map(([name, value]) => `${WORDS[name] ?? ""} ${value}`.trim());
  const title = entries.map(([name, value]) => `${name}: ${value}`).join("\n");
  return { text: shown.join(", "), title };
}
