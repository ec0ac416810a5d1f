// Dialogs: the browser's own, which keep the focus and close with Escape.

import { h } from "./dom.js";

let count = 0;

/**
 * Opens a dialog and gives it. `actions` are buttons; each `act` may be asynchronous, closes the dialog
 * when it succeeds, and its error is shown there.
 */
export function openDialog({ title, body, actions = [], closeText = "Cancel", onClose }) {
  const titleId = `dialog-${++count}`;
  const failure = h("p", { class: "failure", role: "alert" });
  const buttons = actions.map(({ text, kind = "", act }) => {
    const button = h("button", { type: "button", class: kind }, text);
    button.addEventListener("click", async () => {
      failure.textContent = "";
      for (const each of buttons) each.disabled = true;
      try {
        await act(dialog);
        dialog.close();
      } catch (error) {
        failure.textContent = error.message;
      } finally {
        for (const each of buttons) each.disabled = false;
      }
    });
    return button;
  });
  const close = h("button", { type: "button", autofocus: true }, closeText);
  close.addEventListener("click", () => dialog.close());
  const dialog = h(
    "dialog",
    { "aria-labelledby": titleId },
    h("h2", { id: titleId }, title),
    ...body,
    failure,
    h("div", { class: "actions" }, close, ...buttons),
  );
  dialog.addEventListener("keydown", ({ key, target }) => {
    // As in a form: where there is one thing to do, Enter in a field does it.
    if (key === "Enter" && target.tagName === "INPUT" && buttons.length === 1) buttons[0].click();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    onClose?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Asks whether to do something, and says what cannot be undone. */
export function confirmAction({ title, sentences, text, kind = "danger", act }) {
  return openDialog({
    title,
    body: sentences.map((sentence) => h("p", {}, sentence)),
    actions: [{ text, kind, act }],
  });
}

/** A list of names and what belongs to them. */
export function facts(pairs) {
  return h(
    "dl",
    { class: "facts" },
    ...pairs.filter(([, value]) => value !== "" && value !== undefined && value !== null)
      .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}
