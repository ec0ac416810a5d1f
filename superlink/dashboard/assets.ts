/**
 * The files of the page. They are part of the program, also of a compiled one.
 *
 * @module
 */

import index from "./page/index.html" with { type: "text" };
import style from "./page/style.css" with { type: "text" };
import icon from "./page/icon.svg" with { type: "text" };
import access from "./page/access.js" with { type: "text" };
import api from "./page/api.js" with { type: "text" };
import app from "./page/app.js" with { type: "text" };
import audit from "./page/audit.js" with { type: "text" };
import dialog from "./page/dialog.js" with { type: "text" };
import dom from "./page/dom.js" with { type: "text" };
import format from "./page/format.js" with { type: "text" };
import grants from "./page/grants.js" with { type: "text" };
import list from "./page/list.js" with { type: "text" };
import live from "./page/live.js" with { type: "text" };
import login from "./page/login.js" with { type: "text" };
import nav from "./page/nav.js" with { type: "text" };
import nodes from "./page/nodes.js" with { type: "text" };
import plot from "./page/plot.js" with { type: "text" };
import refusals from "./page/refusals.js" with { type: "text" };
import run from "./page/run.js" with { type: "text" };
import runs from "./page/runs.js" with { type: "text" };
import session from "./page/session.js" with { type: "text" };
import table from "./page/table.js" with { type: "text" };
import type { Route } from "./routes.ts";

const SCRIPTS: Readonly<Record<string, string>> = {
  access,
  api,
  app,
  audit,
  dialog,
  dom,
  format,
  grants,
  list,
  live,
  login,
  nav,
  nodes,
  plot,
  refusals,
  run,
  runs,
  session,
  table,
};

/** The routes that give them. */
export function assetRoutes(): Route[] {
  return [
    asset("/", index, "text/html; charset=utf-8"),
    asset("/style.css", style, "text/css; charset=utf-8"),
    asset("/icon.svg", icon, "image/svg+xml"),
    ...Object.entries(SCRIPTS).map(([name, text]) =>
      asset(`/${name}.js`, text, "text/javascript; charset=utf-8")
    ),
  ];
}

function asset(path: string, text: string, contentType: string): Route {
  return {
    method: "GET",
    path: new RegExp(`^${path.replaceAll(".", "\\.")}$`),
    to: "visitor",
    // Small, and asked for again after each update of the program.
    answer: () =>
      new Response(text, { headers: { "content-type": contentType, "cache-control": "no-cache" } }),
  };
}
