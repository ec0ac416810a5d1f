// What an admin does about access: answers logins, makes tokens and revokes them.

import { post } from "./api.js";
import { confirmAction, openDialog } from "./dialog.js";
import { h, notice } from "./dom.js";

const ROLES = [
  ["viewer", "viewer: may look"],
  ["operator", "operator: may start and stop runs, too"],
  ["admin", "admin: may do everything"],
];

function roleSelect() {
  return h("select", { id: "role" }, ...ROLES.map(([value, text]) => h("option", { value }, text)));
}

/** Asks as what a login is to be let in. */
export function openApprove(code, peer, done) {
  const role = roleSelect();
  const name = h("input", { id: "login-name", maxlength: 100 });
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
      h("label", { for: "login-name" }, "Whose login it is (optional)"),
      name,
    ],
    actions: [{
      text: "Approve",
      kind: "primary",
      async act() {
        await post("/api/logins/approve", { code, role: role.value, name: name.value });
        notice(`The login ${code} was approved.`);
        await done();
      },
    }],
  });
  role.focus();
}

/** Shuts a login out. */
export async function refuse(code, done) {
  try {
    await post("/api/logins/refuse", { code });
    notice(`The login ${code} was refused.`);
    await done();
  } catch (error) {
    notice(error.message, "failed");
  }
}

/** Makes a token, and shows it this once. */
export function openCreate(done) {
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

/** Asks whether a token is to end. */
export function openRevoke({ id, name }, done) {
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
