// A table of any length. It holds only the rows that are seen, and asks for no others.

import { h, setText } from "./dom.js";

const ROW_PX = 38;
/** Rows that are there beyond those that are seen, on either side. */
const SPARE = 30;

/**
 * Makes a table. `columns` are `{ key, title, sort, kind, cell }`, where `cell(row)` gives a text or
 * `{ text, href, kind, progress }`; `load(wanted)` gives `{ rows, total, now }`; `idOf(row)` names a row.
 */
export function makeList({ label, columns, load, idOf, empty, sort = "", descending = false }) {
  const wanted = { search: "", sort, descending };
  let filters = {};
  let found = { rows: [], total: 0, offset: 0, now: Date.now() };
  let loading = false;
  let again = false;
  const rowElements = new Map();

  const heads = columns.map((column) => {
    const th = h("th", { scope: "col", class: column.kind ?? "" });
    if (column.sort) {
      const button = h("button", { type: "button", class: "sort" }, column.title);
      button.addEventListener("click", () => sortBy(column));
      th.append(button);
    } else th.append(column.title);
    return { column, th };
  });
  const above = h(
    "tr",
    { class: "spacer", "aria-hidden": "true" },
    h("td", { colspan: columns.length }),
  );
  const below = h(
    "tr",
    { class: "spacer", "aria-hidden": "true" },
    h("td", { colspan: columns.length }),
  );
  const tbody = h("tbody", {}, above, below);
  const table = h(
    "table",
    { "aria-label": label },
    h("thead", {}, h("tr", { "aria-rowindex": 1 }, ...heads.map(({ th }) => th))),
    tbody,
  );
  const nothing = h("p", { class: "nothing", hidden: true }, empty);
  const frame = h(
    "div",
    { class: "frame", tabindex: 0, role: "region", "aria-label": `${label}, rows` },
    table,
    nothing,
  );
  const total = h("span", { class: "total", role: "status" });

  frame.addEventListener("scroll", () => requestAnimationFrame(show), { passive: true });
  frame.addEventListener("keydown", onKey);
  showSort();

  function sortBy(column) {
    const same = wanted.sort === column.sort;
    wanted.descending = same ? !wanted.descending : column.descendingFirst === true;
    wanted.sort = column.sort;
    showSort();
    frame.scrollTop = 0;
    refresh();
  }

  function showSort() {
    for (const { column, th } of heads) {
      if (!column.sort) continue;
      if (column.sort !== wanted.sort) th.removeAttribute("aria-sort");
      else th.setAttribute("aria-sort", wanted.descending ? "descending" : "ascending");
    }
  }

  function seen() {
    const first = Math.floor(frame.scrollTop / ROW_PX);
    const count = Math.ceil((frame.clientHeight || 600) / ROW_PX) + 1;
    return { first, last: Math.min(first + count, found.total) };
  }

  /** Asks for what is seen, now and once more if something changes meanwhile. */
  async function refresh() {
    if (loading) {
      again = true;
      return;
    }
    loading = true;
    try {
      do {
        again = false;
        const { first } = seen();
        const offset = Math.max(0, first - SPARE);
        const limit = Math.ceil((frame.clientHeight || 600) / ROW_PX) + 2 * SPARE;
        const answer = await load({ ...wanted, ...filters, offset, limit });
        found = { ...answer, offset };
        render();
      } while (again);
    } finally {
      loading = false;
    }
  }

  function show() {
    const { first, last } = seen();
    const missing = first < found.offset || last > found.offset + found.rows.length;
    if (missing && found.total > 0) refresh();
  }

  function render() {
    const { rows, offset, total: count, now } = found;
    table.setAttribute("aria-rowcount", String(count + 1));
    above.firstChild.style.height = `${offset * ROW_PX}px`;
    below.firstChild.style.height = `${Math.max(0, count - offset - rows.length) * ROW_PX}px`;
    nothing.hidden = count > 0;
    setText(total, count.toLocaleString("en"));
    const ids = new Set();
    let before = above;
    rows.forEach((row, index) => {
      const id = idOf(row);
      ids.add(id);
      let tr = rowElements.get(id);
      if (!tr) {
        tr = h("tr", {}, ...columns.map(({ kind = "" }) => h("td", { class: kind })));
        rowElements.set(id, tr);
      }
      tr.setAttribute("aria-rowindex", String(offset + index + 2));
      columns.forEach(({ cell }, column) => fill(tr.children[column], cell(row, now)));
      // Moving an element takes the focus from it.
      if (before.nextSibling !== tr) before.after(tr);
      before = tr;
    });
    for (const [id, tr] of rowElements) {
      if (ids.has(id)) continue;
      tr.remove();
      rowElements.delete(id);
    }
  }

  function onKey(event) {
    const rows = [...tbody.querySelectorAll("a")];
    const at = rows.indexOf(document.activeElement);
    if (event.key === "ArrowDown" && at >= 0) rows[at + 1]?.focus();
    else if (event.key === "ArrowUp" && at >= 0) rows[at - 1]?.focus();
    else if (event.key === "ArrowDown" && event.target === frame) rows[0]?.focus();
    else return;
    event.preventDefault();
  }

  return {
    element: frame,
    total,
    refresh,
    search(text) {
      wanted.search = text;
      frame.scrollTop = 0;
      refresh();
    },
    filter(values) {
      filters = values;
      frame.scrollTop = 0;
      refresh();
    },
  };
}

/** Shows a value in a cell, in the elements that are there already. */
function fill(td, value) {
  const { text, href, kind, progress, title } = typeof value === "object" ? value : { text: value };
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
  if (title) inner.title = title;
}
