// A table of any length. It holds only the rows that are seen, and asks for no others.

import { h, setText } from "./dom.js";
import { makeTable } from "./table.js";

const ROW_PX = 38;
/** Rows that are there beyond those that are seen, on either side. */
const SPARE = 30;

/**
 * A view of one list: its title, a search, what `head` holds besides, and the table. `columns` are those
 * of a table, with the name that they are sorted by (`sort`); `load(wanted)` gives `{ rows, total, now }`;
 * `idOf(row)` names a row; `part` is what the SuperLink calls the list when it says what has changed.
 */
export function listView({ title, part, head = [], changed, ...options }) {
  const list = makeList({ label: title, ...options });
  const search = h("input", {
    type: "search",
    placeholder: "Search",
    "aria-label": `Search: ${title}`,
  });
  search.addEventListener("input", () => list.search(search.value));
  const [counts = h("span", { class: "counts" }), ...controls] = head;
  return {
    title,
    list,
    element: h(
      "section",
      { class: "view" },
      h("div", { class: "head" }, h("h1", {}, title), list.total, counts, search, ...controls),
      list.element,
    ),
    async update(parts) {
      if (parts.has(part) || parts.has("all")) await Promise.all([list.refresh(), changed?.()]);
    },
  };
}

function makeList({ label, columns, load, idOf, empty, sort = "", descending = false }) {
  const wanted = { search: "", sort, descending };
  let filters = {};
  let found = { rows: [], total: 0, offset: 0, now: Date.now() };
  let loading = false;
  let again = false;
  const { table, tbody, heads, show: showRows } = makeTable({
    ...{ label, columns, idOf },
    headOf(column) {
      if (!column.sort) return column.title;
      const button = h("button", { type: "button", class: "sort" }, column.title);
      button.addEventListener("click", () => sortBy(column));
      return button;
    },
  });
  const spacer = () =>
    h("tr", { class: "spacer", "aria-hidden": "true" }, h("td", { colspan: columns.length }));
  const [above, below] = [spacer(), spacer()];
  tbody.append(above, below);
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
    columns.forEach(({ sort }, index) => {
      if (!sort) return;
      if (sort !== wanted.sort) heads[index].removeAttribute("aria-sort");
      else heads[index].setAttribute("aria-sort", wanted.descending ? "descending" : "ascending");
    });
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
    const isNarrowed = [wanted.search, ...Object.values(filters)].some((value) => value !== "");
    setText(nothing, isNarrowed ? "Nothing matches." : empty);
    setText(total, count.toLocaleString("en"));
    showRows(rows, now, { offset, after: above });
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
