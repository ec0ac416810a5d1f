// The newest lines of the audit log.

import { get } from "./api.js";
import { h } from "./dom.js";
import { time } from "./format.js";
import { makeList } from "./list.js";

export function auditView() {
  const note = h("span", { class: "counts" });
  const list = makeList({
    label: "Audit log",
    empty: "No line is here.",
    async load(wanted) {
      const answer = await get("/api/audit", wanted);
      note.textContent = answer.kept
        ? "The newest 1,000 lines. trellis audit verify says whether one was changed."
        : "This SuperLink keeps no audit log: its state is in memory.";
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
      { title: "On", kind: "grow mono", cell: ({ subject }) => full(subject) },
      { title: "Reason", cell: ({ reason }) => ({ text: reason ?? "–", title: reason }) },
      { title: "Who", cell: ({ who }) => full(who) },
      { title: "From", sort: "from", kind: "mono", cell: ({ from }) => from ?? "–" },
    ],
  });
  const search = h("input", {
    type: "search",
    placeholder: "Search",
    "aria-label": "Search the audit log",
  });
  search.addEventListener("input", () => list.search(search.value));
  return {
    element: h(
      "section",
      { class: "view" },
      h("div", { class: "head" }, h("h1", {}, "Audit log"), list.total, note, search),
      list.element,
    ),
    title: "Audit log",
    async update(parts) {
      if (parts.has("audit") || parts.has("all")) await list.refresh();
    },
  };
}

function full(fields) {
  const text = Object.entries(fields).map(([name, value]) => `${name} ${value}`).join(", ");
  return text === "" ? "–" : { text, title: text };
}
