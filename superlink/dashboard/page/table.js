// The rows of a table, in the elements that are there already: what is shown keeps the focus.
//
// A column is `{ title, kind, cell }`, and `cell(row, now)` gives a text, or `{ text, href, kind, title,
// progress, buttons }`, where `buttons` are `{ text, kind, act }`.

import { h, setText } from "./dom.js";

/** Makes a table; `headOf(column)` is what the head of a column holds. */
export function makeTable({ label, columns, idOf, kindOf = () => "", headOf = (c) => c.title }) {
  const heads = columns.map((column) =>
    column.title === ""
      ? h("td", {})
      : h("th", { scope: "col", class: column.kind ?? "" }, headOf(column))
  );
  const tbody = h("tbody", {});
  const table = h(
    "table",
    { "aria-label": label },
    h("thead", {}, h("tr", { "aria-rowindex": 1 }, ...heads)),
    tbody,
  );
  const shown = new Map();

  /** Shows rows, of which the first has the number `offset`, after a row that is always there. */
  function show(rows, now, { offset = 0, after } = {}) {
    const ids = new Set(rows.map(idOf));
    const focused = tbody.contains(document.activeElement) ? document.activeElement : null;
    // First, so that most of those that stay are in their places: moving one takes the focus from it.
    for (const [id, tr] of shown) {
      if (ids.has(id)) continue;
      tr.remove();
      shown.delete(id);
    }
    let before = after;
    rows.forEach((row, index) => {
      const id = idOf(row);
      let tr = shown.get(id);
      if (!tr) {
        tr = h("tr", {}, ...columns.map(({ kind = "" }) => h("td", { class: kind })));
        shown.set(id, tr);
      }
      tr.className = kindOf(row);
      tr.setAttribute("aria-rowindex", String(offset + index + 2));
      columns.forEach(({ cell }, column) => fill(tr.children[column], cell(row, now)));
      const place = before ? before.nextSibling : tbody.firstChild;
      if (place !== tr) tbody.insertBefore(tr, place);
      before = tr;
    });
    if (focused && document.activeElement !== focused) {
      const next = focused.isConnected ? focused : tbody.closest("[tabindex]");
      next?.focus({ preventScroll: true });
    }
  }

  return { table, tbody, heads, show };
}

/** A table that holds all of its rows, or says that there are none. */
export function stillTable({ empty, ...options }) {
  const { table, show } = makeTable(options);
  const nothing = h("p", { class: "nothing" }, empty);
  const frame = h("div", { class: "frame still", hidden: true }, table);
  return {
    element: h("div", {}, nothing, frame),
    show(rows, now) {
      nothing.hidden = rows.length > 0;
      frame.hidden = rows.length === 0;
      show(rows, now);
    },
  };
}

/** Shows a value in a cell. */
function fill(td, value) {
  const { text, href, kind, progress, title, buttons } = typeof value === "object"
    ? value
    : { text: value };
  if (buttons) return fillButtons(td, buttons);
  const tag = href ? "A" : progress === undefined ? "SPAN" : "PROGRESS";
  let inner = td.firstElementChild;
  if (inner?.tagName !== tag) {
    inner = document.createElement(tag);
    td.replaceChildren(inner);
    if (progress !== undefined) td.append(h("span", {}));
  }
  if (href && inner.getAttribute("href") !== href) inner.setAttribute("href", href);
  if (progress === undefined) setText(inner, text);
  else {
    inner.max = progress.max;
    inner.value = progress.value;
    inner.setAttribute("aria-label", `Round ${text}`);
    setText(td.lastElementChild, text);
  }
  inner.className = kind ?? "";
  inner.title = title ?? "";
}

function fillButtons(td, buttons) {
  const names = buttons.map(({ text }) => text).join("\n");
  if (td.dataset.buttons === names) return;
  td.dataset.buttons = names;
  const elements = buttons.map(({ text, kind = "", act }) =>
    h("button", { type: "button", class: kind, on: { click: act } }, text)
  );
  td.replaceChildren(h("span", { class: "buttons" }, ...elements));
}
