// One run: how far it is, its metrics and its log.

import { get, post } from "./api.js";
import { confirmAction, facts } from "./dialog.js";
import { h, notice, setText } from "./dom.js";
import { bytes, duration, plain, time } from "./format.js";
import { plot } from "./plot.js";
import { tookOf } from "./runs.js";
import { may } from "./session.js";

/** What a log shows at most; the older part is left out. */
const LOG_CHARACTERS = 1_000_000;
const OPEN = new Set(["pending", "starting", "running"]);

export function runView(id) {
  const title = h("h1", {}, "Run ", h("code", {}, id));
  const badge = h("span", { class: "badge" });
  const bar = h("progress", { "aria-label": "Rounds" });
  const rounds = h("span", {});
  const stop = h("button", { type: "button", class: "danger", hidden: true }, "Stop…");
  const details = h("div", {});
  const reason = h("p", { class: "reason", hidden: true });
  const plots = h("div", { class: "plots" });
  const legend = h(
    "p",
    { class: "legend", hidden: true },
    "The mean of all nodes by round; the band reaches from the least to the most of a node.",
  );
  const log = h("pre", {
    class: "log",
    tabindex: 0,
    role: "log",
    "aria-label": "Log of the ServerApp",
  });
  let cursor = 0;
  let told = "";
  let reading = false;
  let again = false;

  stop.addEventListener("click", () =>
    confirmAction({
      title: `Stop run ${id}?`,
      sentences: [
        "Its ServerApp ends, and SuperNodes are given no more of its work.",
        "This cannot be undone: a run that was stopped cannot go on. Start it anew instead.",
      ],
      text: "Stop the run",
      async act() {
        await post(`/api/runs/${id}/stop`);
        notice(`Run ${id} was stopped.`);
        await showRun();
      },
    }));

  async function showRun() {
    const run = await get(`/api/runs/${id}`);
    badge.className = `badge ${run.status}`;
    setText(badge, run.status);
    stop.hidden = !OPEN.has(run.status) || !may("operator");
    bar.hidden = !run.rounds;
    if (run.rounds) {
      bar.max = run.rounds;
      bar.value = run.round;
    }
    const { replies } = run;
    setText(rounds, run.round ? `Round ${run.round}${run.rounds ? ` of ${run.rounds}` : ""}` : "");
    reason.hidden = run.details === "";
    setText(reason, run.details);
    details.replaceChildren(facts([
      ["App", `${run.app} ${run.version}`],
      ["Started", time(run.pendingAt)],
      [run.finishedAt ? "Took" : "Running for", tookOf(run, run.now)],
      ["Sent to SuperNodes", bytes(run.bytesSent)],
      ["Received from them", bytes(run.bytesReceived)],
      ["Time in ClientApps", duration(run.clientAppSeconds * 1000)],
      ["Newest replies", replies ? repliesText(replies) : ""],
      ["Runtime", run.runtime],
      ["FAB", h("code", {}, run.fabHash.slice(0, 16))],
    ]));
    const { series } = run;
    const now = JSON.stringify(series);
    if (now === told) return;
    told = now;
    plots.replaceChildren(...series.map(plot));
    legend.hidden = !series.some(({ points }) => points.some((point) => point.length > 2));
  }

  async function showLog() {
    if (reading) {
      again = true;
      return;
    }
    reading = true;
    try {
      let more;
      do {
        again = false;
        const answer = await get(`/api/runs/${id}/log`, { after: cursor });
        cursor = answer.cursor;
        more = answer.more || again;
        if (answer.text !== "") append(plain(answer.text));
      } while (more);
    } finally {
      reading = false;
    }
  }

  function append(text) {
    const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    log.append(text);
    if (log.textContent.length > LOG_CHARACTERS) {
      log.textContent = `…\n${log.textContent.slice(-LOG_CHARACTERS / 2)}`;
    }
    if (follows) log.scrollTop = log.scrollHeight;
  }

  const element = h(
    "section",
    { class: "view run" },
    h("p", { class: "crumb" }, h("a", { href: "#/runs" }, "Runs")),
    h("div", { class: "head" }, title, badge, bar, rounds, h("span", { class: "counts" }), stop),
    reason,
    details,
    plots,
    legend,
    h("h2", {}, "Log"),
    log,
  );
  return {
    element,
    title: `Run ${id}`,
    run: id,
    async update(parts) {
      const all = parts.has("all");
      await Promise.all([
        all || parts.has("runs") || parts.has("log") ? showRun() : undefined,
        all || parts.has("log") ? showLog() : undefined,
      ]);
    },
  };
}

function repliesText({ phase, round, sent, replied, failed }) {
  const text = `${phase}, round ${round}: ${replied} of ${sent}`;
  return failed ? `${text}, ${failed} failed` : text;
}
