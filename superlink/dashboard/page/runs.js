// The runs of the federation.

import { get } from "./api.js";
import { ago, duration, time } from "./format.js";
import { listView } from "./list.js";

/** How long a run took, or takes by now. */
export function tookOf({ pendingAt, runningAt, finishedAt }, now) {
  return duration((finishedAt ?? now) - (runningAt ?? pendingAt));
}

export function runsView() {
  return listView({
    title: "Runs",
    part: "runs",
    empty: "No run was started yet. Start one with: trellis run APP",
    load: (wanted) => get("/api/runs", wanted),
    idOf: ({ id }) => id,
    columns: [
      {
        title: "Run ID",
        sort: "id",
        kind: "mono",
        cell: ({ id }) => ({ text: id, href: `#/runs/${id}` }),
      },
      { title: "App", sort: "app", kind: "grow", cell: ({ app, version }) => `${app} ${version}` },
      {
        title: "Status",
        sort: "status",
        cell: ({ status }) => ({ text: status, kind: `badge ${status}` }),
      },
      { title: "Rounds", cell: progressOf },
      {
        title: "Started",
        sort: "started",
        kind: "",
        descendingFirst: true,
        cell: ({ pendingAt }, now) => ({ text: ago(pendingAt, now), title: time(pendingAt) }),
      },
      { title: "Duration", sort: "duration", kind: "number", cell: tookOf },
    ],
  });
}

function progressOf({ round, rounds }) {
  if (!round) return "–";
  if (!rounds) return `${round}`;
  return { text: `${round} / ${rounds}`, progress: { value: round, max: rounds } };
}
