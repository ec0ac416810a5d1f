// Who may call the Control API: logins that wait, and tokens.

import { openApprove, openCreate, openRevoke, refuse } from "./grants.js";
import { get } from "./api.js";
import { h, notice } from "./dom.js";
import { ago, time } from "./format.js";
import { stillTable } from "./table.js";

export function accessView() {
  let wanted = wantedLogin();
  const logins = stillTable({
    label: "Logins that wait",
    empty: "Nobody waits. A CLI that logs in (flwr login) shows a code, which is approved here.",
    idOf: ({ code }) => code,
    kindOf: ({ code }) => code === wantedLogin() ? "wanted" : "",
    columns: [
      { title: "Code", kind: "mono", cell: ({ code }) => code },
      { title: "From", kind: "mono", cell: ({ peer }) => peer },
      { title: "Asked for", cell: ({ startedAt }, now) => ago(startedAt, now) },
      {
        title: "",
        kind: "acts",
        cell: ({ code, peer }) => ({
          buttons: [
            { text: "Approve…", kind: "primary", act: () => openApprove(code, peer, answered) },
            { text: "Refuse", kind: "danger", act: () => refuse(code, answered) },
          ],
        }),
      },
    ],
  });
  const tokens = stillTable({
    label: "Tokens",
    empty: "There is no token.",
    idOf: ({ id }) => id,
    columns: [
      {
        title: "Name",
        kind: "wide",
        cell: ({ id, name }) => ({ text: name, title: `${name}\n${id}` }),
      },
      { title: "Role", cell: ({ role }) => role },
      {
        title: "Status",
        cell: ({ status }) => ({ text: status, kind: `badge ${status}` }),
      },
      { title: "Kind", cell: ({ kind }) => kind },
      { title: "Made", cell: ({ createdAt }) => time(createdAt) },
      {
        title: "By",
        kind: "narrow",
        cell: ({ createdBy }) => ({ text: createdBy, title: createdBy }),
      },
      { title: "Ends", cell: ({ expiresAt }) => expiresAt ? time(expiresAt) : "never" },
      {
        title: "Last used",
        cell: ({ usedAt }, now) => ({ text: ago(usedAt, now), title: time(usedAt) }),
      },
      {
        title: "",
        kind: "acts",
        cell: (token) => ({
          buttons: token.status === "active"
            ? [{ text: "Revoke…", kind: "danger", act: () => openRevoke(token, show) }]
            : [],
        }),
      },
    ],
  });
  const create = h("button", { type: "button", class: "primary" }, "New token…");
  create.addEventListener("click", () => openCreate(show));
  const element = h(
    "section",
    { class: "view access" },
    h(
      "div",
      { class: "head" },
      h("h1", {}, "Access"),
      h("p", { class: "counts" }, "Who may call the Control API. Tokens open this page, too."),
    ),
    h("h2", {}, "Logins that wait"),
    logins.element,
    h("div", { class: "head" }, h("h2", {}, "Tokens"), h("span", { class: "counts" }), create),
    tokens.element,
  );

  async function show() {
    const answer = await get("/api/access");
    logins.show(answer.logins, answer.now);
    tokens.show(answer.tokens, answer.now);
    if (wanted === undefined) return;
    const button = logins.element.querySelector("tr.wanted button");
    if (button) button.focus();
    else {notice(
        `No login waits with the code ${wanted}: it was answered, or is too old.`,
        "failed",
      );}
    wanted = undefined;
  }

  /** A link to a login leads there once. */
  async function answered() {
    history.replaceState(null, "", location.pathname + location.hash);
    await show();
  }

  return {
    element,
    title: "Access",
    async update(parts) {
      if (parts.has("all") || parts.has("logins")) await show();
    },
  };
}

/** The login that the page was opened for, by a link that a CLI showed. */
export function wantedLogin() {
  const code = new URLSearchParams(location.search).get("login");
  return code === null || code === "" ? undefined : code.toUpperCase().slice(0, 20);
}
