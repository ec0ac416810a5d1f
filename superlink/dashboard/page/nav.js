// The views, and at each what an operator should see from anywhere: what is under way, what was refused
// since they looked, and who waits for them.

import { get } from "./api.js";
import { h, setText } from "./dom.js";

/** The statuses of runs that are not over. */
const OPEN = ["pending", "starting", "running"];
/** The parts of the page that change a count. */
const PARTS = ["all", "runs", "refusals", "logins"];

/** How many refusals were there when the operator looked at them last. */
let refusalsSeen = 0;

/** Shows links to views. */
export function showViews(nav, views) {
  nav.replaceChildren(
    ...views.map(({ path, title }) =>
      h("a", { href: `#/${path}` }, `${title} `, h("span", { class: "count", hidden: true }))
    ),
  );
}

/** Marks the view that is shown. */
export function markView(nav, path) {
  for (const link of nav.children) {
    if (link.getAttribute("href") === `#/${path}`) {
      link.setAttribute("aria-current", "page");
      // A small screen does not show all of them.
      link.scrollIntoView({ block: "nearest", inline: "nearest" });
    } else link.removeAttribute("aria-current");
  }
}

/** Counts anew, if one of these parts counts. */
export async function updateCounts(nav, parts) {
  if (!PARTS.some((part) => parts.has(part))) return;
  const { runs, refusals, logins } = await get("/api/overview");
  const isLooking = nav.querySelector("[aria-current]")?.getAttribute("href") === "#/refusals";
  // A SuperLink that was started again counts from 0.
  if (isLooking || refusals < refusalsSeen) refusalsSeen = isLooking ? refusals : 0;
  const open = OPEN.reduce((sum, status) => sum + (runs[status] ?? 0), 0);
  show(nav, "runs", open, "under way");
  show(nav, "refusals", refusals - refusalsSeen, "since you looked", "urgent");
  show(nav, "access", logins, "wait for you", "urgent");
}

function show(nav, path, count, what, kind = "") {
  const element = nav.querySelector(`[href="#/${path}"] .count`);
  if (!element) return;
  element.className = `count ${kind}`;
  element.hidden = count === 0;
  setText(element, count.toLocaleString("en"));
  element.title = `${count.toLocaleString("en")} ${what}`;
}
