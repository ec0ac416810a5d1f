// Asks for the token of a page that is reached from elsewhere.

import { h } from "./dom.js";
import { post } from "./api.js";

/** Signs in with the token of a login link, if there is one; gives why that failed. */
export async function tokenOfLink() {
  const token = /^#token=(.+)$/.exec(location.hash)?.[1];
  if (token === undefined) return undefined;
  // It must not stay in the history.
  history.replaceState(null, "", location.pathname + location.search);
  try {
    await post("/api/login", { token: decodeURIComponent(token) });
    return undefined;
  } catch (error) {
    return error.message;
  }
}

export function loginView(failed, signedIn) {
  const input = h("input", {
    id: "token",
    type: "password",
    autocomplete: "current-password",
    required: true,
  });
  const failure = h("p", { class: "failure", role: "alert" }, failed ?? "");
  const form = h(
    "form",
    { class: "login" },
    h("h1", {}, "Sign in"),
    h(
      "p",
      {},
      "With the token of the page, which its operator has in a file or as a login link on the terminal, or with an API token of yours.",
    ),
    h("label", { for: "token" }, "Token"),
    input,
    failure,
    h("button", { class: "primary" }, "Sign in"),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    failure.textContent = "";
    try {
      await post("/api/login", { token: input.value.trim() });
      signedIn();
    } catch (error) {
      failure.textContent = error.message;
      input.select();
    }
  });
  return form;
}
