// Calls of SuperNodes that were refused, and why.

import { get } from "./api.js";
import { h, setText } from "./dom.js";
import { ago, time } from "./format.js";
import { makeList } from "./list.js";

export function refusalsView() {
  const kept = h("span", { class: "counts" });
  const list = makeList({
    label: "Refusals",
    empty: "Nobody was refused since the SuperLink started.",
    async load(wanted) {
      const answer = await get("/api/refusals", wanted);
      setText(
        kept,
        `${answer.count.toLocaleString("en")} since the start; the newest 1,000 are here`,
      );
      return answer;
    },
    idOf: ({ number }) => number,
    columns: [
      {
        title: "When",
        sort: "time",
        cell: ({ atMs }, now) => ({ text: ago(atMs, now), title: time(atMs) }),
      },
      { title: "Reason", sort: "reason", kind: "grow", cell: ({ reason }) => reason },
      { title: "Method", sort: "method", cell: ({ method }) => method },
      { title: "From", sort: "peer", kind: "mono", cell: ({ peer }) => peer },
      {
        title: "Key fingerprint",
        sort: "fingerprint",
        kind: "mono",
        cell: ({ fingerprint }) => fingerprint ?? "–",
      },
    ],
  });
  const search = h("input", {
    type: "search",
    placeholder: "Search",
    "aria-label": "Search refusals",
  });
  search.addEventListener("input", () => list.search(search.value));
  return {
    element: h(
      "section",
      { class: "view" },
      h("div", { class: "head" }, h("h1", {}, "Refusals"), list.total, kept, search),
      list.element,
    ),
    title: "Refusals",
    async update(parts) {
      if (parts.has("refusals") || parts.has("all")) await list.refresh();
    },
  };
}
