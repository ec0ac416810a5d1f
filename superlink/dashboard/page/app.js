// The page: who looks at it, which view is shown, and what keeps it up to date.

import { accessView, wantedLogin } from "./access.js";
import { get, post } from "./api.js";
import { auditView } from "./audit.js";
import { h, notice, setText } from "./dom.js";
import { Live } from "./live.js";
import { loginView, tokenOfLink } from "./login.js";
import { markView, showViews, updateCounts } from "./nav.js";
import { nodesView, openNode } from "./nodes.js";
import { refusalsView } from "./refusals.js";
import { runView } from "./run.js";
import { runsView } from "./runs.js";
import { beginSession, may } from "./session.js";

const ALL = new Set(["all"]);
/** Times such as "5 s ago" grow old by themselves. */
const AGING_MS = 15_000;
const VIEWS = [
  { path: "nodes", title: "SuperNodes", make: nodesView },
  { path: "runs", title: "Runs", make: runsView, one: runView },
  { path: "refusals", title: "Refusals", make: refusalsView },
  { path: "audit", title: "Audit", make: auditView },
  { path: "access", title: "Access", make: accessView, needs: "admin" },
];

const main = document.getElementById("main");
const nav = document.getElementById("views");
const liveState = document.getElementById("live");
let view;
let shownPath = "";
let signedIn = false;

const live = new Live(
  (parts) => update(parts),
  (state) => {
    liveState.className = `live ${state}`;
    setText(liveState, state === "connected" ? "Live" : "Waiting for the SuperLink");
  },
);

async function update(parts) {
  try {
    await Promise.all([view?.update(parts), updateCounts(nav, parts)]);
  } catch (error) {
    if (error.status === 404) main.replaceChildren(h("p", { class: "nothing" }, error.message));
    else if (error.status !== 401 && error.status !== 0) notice(error.message, "failed");
  }
}

function route() {
  const [, path = "nodes", id] = /^#\/([a-z]+)(?:\/(\d{1,20}))?$/.exec(location.hash) ?? [];
  const found = VIEWS.find((each) => each.path === path) ?? VIEWS[0];
  if (found.needs && !may(found.needs)) {
    shownPath = "";
    view = undefined;
    const sentence = `${found.title} is for those who signed in as ${found.needs}.`;
    return main.replaceChildren(h("p", { class: "nothing" }, sentence));
  }
  const viewPath = id && found.one ? `${found.path}/${id}` : found.path;
  if (viewPath !== shownPath) {
    shownPath = viewPath;
    view = id && found.one ? found.one(id) : found.make();
    main.replaceChildren(view.element);
    document.title = `${view.title} – Trellis SuperLink`;
    markView(nav, found.path);
    live.start(view.run);
    update(ALL);
  }
  if (id && found.path === "nodes") {
    const closed = () => {
      if (location.hash === `#/nodes/${id}`) location.hash = "#/nodes";
    };
    openNode(id, closed, () => update(ALL)).catch((error) => {
      notice(error.message, "failed");
      closed();
    });
  }
}

function showLogin(failed) {
  live.stop();
  view = undefined;
  signedIn = false;
  shownPath = "";
  nav.replaceChildren();
  document.getElementById("account").replaceChildren();
  liveState.className = "live";
  liveState.textContent = "";
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  main.replaceChildren(loginView(failed, start));
  document.title = "Sign in – Trellis SuperLink";
  document.getElementById("token").focus();
}

async function start() {
  const failed = await tokenOfLink();
  const session = await get("/api/session");
  if (!session.signedIn) return showLogin(failed);
  signedIn = true;
  beginSession(session);
  showViews(nav, VIEWS.filter(({ needs }) => !needs || may(needs)));
  const account = document.getElementById("account");
  account.replaceChildren(h("span", { class: "version" }, `Trellis ${session.version}`));
  if (session.required) {
    account.prepend(
      h(
        "span",
        { class: "who", title: session.name },
        h("span", {}, session.name),
        h("span", { class: "badge" }, session.role),
      ),
    );
    const leave = h("button", { type: "button" }, "Sign out");
    leave.addEventListener("click", async () => {
      await post("/api/logout");
      showLogin();
    });
    account.append(leave);
  }
  // A link to a login leads there, also when its # was lost on the way through a login page.
  if (wantedLogin() && location.hash === "") history.replaceState(null, "", "#/access");
  route();
}

addEventListener("hashchange", () => {
  if (location.hash === "#main" || !signedIn && !location.hash.startsWith("#token=")) return;
  if (location.hash.startsWith("#token=")) start();
  else route();
});
addEventListener("signed-out", () => {
  if (signedIn) {
    showLogin(
      "You are signed out. A login holds for half a day, until its token ends or is revoked, and until the SuperLink restarts.",
    );
  }
});
setInterval(() => document.visibilityState === "visible" && update(ALL), AGING_MS);
start().catch((error) => main.replaceChildren(h("p", { class: "nothing" }, error.message)));
