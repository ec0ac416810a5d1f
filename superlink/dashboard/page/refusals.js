// Calls of SuperNodes that were refused, and why.

import { get } from "./api.js";
import { h, setText } from "./dom.js";
import { ago, time } from "./format.js";
import { listView } from "./list.js";

export function refusalsView() {
  const kept = h("span", { class: "counts" });
  return listView({
    title: "Refusals",
    part: "refusals",
    head: [kept],
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
        title: "Claims to be",
        sort: "node",
        kind: "narrow",
        cell: ({ node }) =>
          node
            ? { text: node.name || node.id, href: `#/nodes/${node.id}`, title: node.id }
            : "nobody known",
      },
      {
        title: "Key fingerprint",
        sort: "fingerprint",
        kind: "mono",
        cell: ({ fingerprint }) => fingerprint ?? "–",
      },
    ],
  });
}
