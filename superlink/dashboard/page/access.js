// Who may call the Control API: logins that wait, and tokens.

import { get, post } from "./api.js";
import { confirmAction, openDialog } from "./dialog.js";
import { h, notice } from "./dom.js";
import { ago, time } from "./format.js";

const ROLES = [
  ["viewer", "viewer: may look"],
  ["operator", "operator: may start and stop runs, too"],
  ["admin", "admin: may do everything"],
];
/** Logins wait for a person, who looks at this view. */
const POLL_MS = 3_000;

export function accessView() {
  const logins = h("div", {});
  const tokens = h("div", {});
  let told = "";
  const create = h("button", { type: "button", class: "primary" }, "New token…");
  create.addEventListener("click", () => openCreate(show));
  const element = h(
    "section",
    { class: "view access" },
    h("div", { class: "head" }, h("h1", {}, "Access to the Control API")),
    h("h2", {}, "Logins that wait"),
    logins,
    h("div", { class: "head" }, h("h2", {}, "Tokens"), h("span", { class: "counts" }), create),
    tokens,
  );

  async function show() {
    const answer = await get("/api/access");
    const { now, ...rest } = answer;
    const text = JSON.stringify(rest);
    // What is shown keeps the focus.
    if (text === told) return;
    told = text;
    logins.replaceChildren(
      answer.logins.length === 0
        ? h(
          "p",
          { class: "nothing" },
          "Nobody waits. A CLI that logs in (flwr login) shows a code, which is approved here.",
        )
        : table(
          "Logins that wait",
          ["Code", "From", "Since", ""],
          answer.logins.map(({ code, peer, startedAt }) => [
            h("code", {}, code),
            peer,
            ago(startedAt, now),
            buttons(
              ["Approve…", "", () => openApprove(code, peer, show)],
              ["Refuse", "danger", () => refuse(code)],
            ),
          ]),
        ),
    );
    tokens.replaceChildren(
      answer.tokens.length === 0 ? h("p", { class: "nothing" }, "There is no token.") : table(
        "Tokens",
        ["Name", "Role", "Status", "Kind", "Made", "By", "Ends", "Last used", ""],
        answer.tokens.map((token) => [
          token.name,
          token.role,
          h("span", { class: `badge ${token.status === "active" ? "online" : ""}` }, token.status),
          token.kind,
          time(token.createdAt),
          token.createdBy,
          token.expiresAt ? time(token.expiresAt) : "never",
          ago(token.usedAt, now),
          token.status === "active"
            ? buttons(["Revoke…", "danger", () => openRevoke(token, show)])
            : "",
        ]),
      ),
    );
  }

  async function refuse(code) {
    try {
      await post("/api/logins/refuse", { code });
      await show();
    } catch (error) {
      notice(error.message, "failed");
    }
  }

  const timer = setInterval(() => {
    if (!element.isConnected) clearInterval(timer);
    else if (document.visibilityState === "visible") show().catch(() => {});
  }, POLL_MS);
  return {
    element,
    title: "Access",
    async update(parts) {
      if (parts.has("all")) await show();
    },
  };
}

function table(label, heads, rows) {
  return h(
    "div",
    { class: "frame still" },
    h(
      "table",
      { "aria-label": label },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ...heads.map((head) => head === "" ? h("td", {}) : h("th", { scope: "col" }, head)),
        ),
      ),
      h(
        "tbody",
        {},
        ...rows.map((cells) => h("tr", {}, ...cells.map((cell) => h("td", {}, cell)))),
      ),
    ),
  );
}

function buttons(...wanted) {
  return h(
    "span",
    { class: "buttons" },
    ...wanted.map(([text, kind, act]) =>
      h("button", { type: "button", class: kind, on: { click: act } }, text)
    ),
  );
}

function roleSelect() {
  return h("select", { id: "role" }, ...ROLES.map(([value, text]) => h("option", { value }, text)));
}

function openApprove(code, peer, done) {
  const role = roleSelect();
  openDialog({
    title: `Approve the login ${code}?`,
    body: [
      h(
        "p",
        {},
        `It comes from ${peer}. Approve it only if the person who logs in told you this code.`,
      ),
      h("label", { for: "role" }, "What they may do"),
      role,
    ],
    actions: [{
      text: "Approve",
      kind: "primary",
      async act() {
        await post("/api/logins/approve", { code, role: role.value });
        notice(`The login ${code} was approved.`);
        await done();
      },
    }],
  });
}

function openCreate(done) {
  const name = h("input", { id: "token-name", maxlength: 100 });
  const days = h("input", { id: "token-days", type: "number", min: 1, max: 36500, value: 90 });
  const role = roleSelect();
  openDialog({
    title: "New token",
    body: [
      h("label", { for: "token-name" }, "Name: who or what uses it"),
      name,
      h("label", { for: "role" }, "What it allows"),
      role,
      h("label", { for: "token-days" }, "Days until it ends; empty: never"),
      days,
    ],
    actions: [{
      text: "Make it",
      kind: "primary",
      async act() {
        const { secret } = await post("/api/tokens", {
          name: name.value,
          role: role.value,
          days: days.value,
        });
        openDialog({
          title: "The new token",
          closeText: "Done",
          body: [
            h("p", {}, "It is shown only now. Set it as TRELLIS_TOKEN where it is used."),
            h("p", {}, h("code", { class: "secret" }, secret)),
          ],
        });
        await done();
      },
    }],
  });
  name.focus();
}

function openRevoke({ id, name }, done) {
  confirmAction({
    title: `Revoke the token "${name}"?`,
    sentences: [
      "Whoever uses it is refused from now on.",
      "This cannot be undone: make a new token instead.",
    ],
    text: "Revoke",
    async act() {
      await post("/api/tokens/revoke", { id });
      notice(`The token "${name}" was revoked.`);
      await done();
    },
  });
}
